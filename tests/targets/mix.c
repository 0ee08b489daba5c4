/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mix [SECONDS [THREADS [BUSY [TICK_MS]]]]: a server-like mix of THREADS (159) threads: BUSY (2)
 * spin, a quarter of the rest works 200 us every 20 ms, the others sleep in poll or on a
 * condition. The work done is counted; with TICK_MS, "tick MS WORK" is printed as it goes.
 */
#include "target.h"

#include <poll.h>

struct mixer {
	uint64_t work; /* loops done, written by this thread alone */
	char pad[56];
};

static struct mixer *mixers;
static volatile int done;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

static FRAME void mix_work(struct mixer *m, uint64_t us)
{
	SPIN(target.per_us * us);
	__atomic_store_n(&m->work, m->work + us, __ATOMIC_RELAXED);
}

static void *busy(void *arg)
{
	while (!done)
		mix_work(arg, 10);
	return NULL;
}

static void *periodic(void *arg)
{
	while (!done) {
		mix_work(arg, 200);
		target_sleep_us(20000);
	}
	return NULL;
}

static void *wait_poll(void *arg)
{
	while (!done)
		poll(NULL, 0, 86400000);
	return arg;
}

static void *wait_cond(void *arg)
{
	pthread_mutex_lock(&lock);
	while (!done)
		pthread_cond_wait(&never, &lock);
	pthread_mutex_unlock(&lock);
	return arg;
}

static uint64_t total(uint64_t threads)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < threads; i++)
		sum += __atomic_load_n(&mixers[i].work, __ATOMIC_RELAXED);
	return sum;
}

int main(int argc, char **argv)
{
	uint64_t threads = arg_number(argc, argv, 2, 159);
	uint64_t busies = arg_number(argc, argv, 3, 2);
	uint64_t tick_ms = arg_number(argc, argv, 4, 0);
	uint64_t started, wall;

	mixers = calloc(threads + 1, sizeof(*mixers));
	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	started = clock_ns(CLOCK_MONOTONIC);
	for (uint64_t i = 0; i < threads; i++) {
		if (i < busies)
			target_thread("busy", busy, &mixers[i]);
		else if (i % 4 == 0)
			target_thread("periodic", periodic, &mixers[i]);
		else if (i % 2)
			target_thread("poll", wait_poll, &mixers[i]);
		else
			target_thread("cond", wait_cond, &mixers[i]);
	}
	target_ready();
	while (target_wait(tick_ms * 1000)) {
		if (tick_ms)
			printf("tick %" PRIu64 " %" PRIu64 "\n",
				clock_ns(CLOCK_MONOTONIC) / 1000000, total(threads));
	}
	wall = clock_ns(CLOCK_MONOTONIC) - started;
	truth("work", total(threads));
	truth("work_per_s", total(threads) * 1000 / (wall / 1000000 + 1));
	truth("cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	exit(0);
}
