/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bursty [SECONDS [LONE]]: three threads that run in bursts. t0 works 400 us and sleeps 600 us, t1
 * works 40 ms and sleeps 20 ms, t2 works 1 ms in a strict period of 10 ms; or, if LONE is 1, one
 * thread alone that works 3 ms and sleeps 47 ms. Each burst is burst_a for 61.5 % (of the lone
 * thread 20 %) and burst_b for the rest; all sleep in clock_nanosleep.
 */
#include "target.h"

struct burst {
	const char *name;
	uint64_t work_us;
	uint64_t sleep_us;
	uint64_t a_permille;
	uint64_t period_us; /* 0 = sleep relative to the end of the burst */
	uint64_t a_ns, b_ns, cpu_ns;
};

static struct burst bursts[] = {
	{.name = "t0", .work_us = 400, .a_permille = 615, .sleep_us = 600},
	{.name = "t1", .work_us = 40000, .a_permille = 615, .sleep_us = 20000},
	{.name = "t2", .work_us = 1000, .a_permille = 615, .period_us = 10000},
	{.name = "lone", .work_us = 3000, .a_permille = 200, .sleep_us = 47000},
};
enum { together = 3, all = 4 };
static volatile int done;

static FRAME void burst_a(uint64_t loops)
{
	SPIN(loops);
	KEEP_FRAME();
}

static FRAME void burst_b(uint64_t loops)
{
	SPIN(loops);
	KEEP_FRAME();
}

static void rest(const struct burst *b, struct timespec *next)
{
	if (!b->period_us) {
		target_sleep_us(b->sleep_us);
		return;
	}
	next->tv_nsec += (long)b->period_us * 1000;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

static void *run(void *arg)
{
	struct burst *b = arg;
	uint64_t loops = target.per_us * b->work_us;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!done) {
		uint64_t t0 = clock_ns(CLOCK_THREAD_CPUTIME_ID), t1;

		burst_a(loops * b->a_permille / 1000);
		t1 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		burst_b(loops * (1000 - b->a_permille) / 1000);
		b->a_ns += t1 - t0;
		b->b_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - t1;
		rest(b, &next);
	}
	b->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t ids[all];
	int is_lone = arg_number(argc, argv, 2, 0) == 1, wrong = 0;
	int from = is_lone ? together : 0, to = is_lone ? all : together;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	for (int i = from; i < to; i++)
		ids[i] = target_thread(bursts[i].name, run, &bursts[i]);
	target_ready();
	target_wait(0);
	done = 1;
	for (int i = from; i < to; i++) {
		const struct burst *b = &bursts[i];
		char key[32];

		pthread_join(ids[i], NULL);
		snprintf(key, sizeof(key), "%s_a", b->name);
		truth(key, b->a_ns);
		snprintf(key, sizeof(key), "%s_b", b->name);
		truth(key, b->b_ns);
		snprintf(key, sizeof(key), "%s_cpu", b->name);
		truth(key, b->cpu_ns);
		wrong |= b->a_ns + b->b_ns > b->cpu_ns;
	}
	return wrong;
}
