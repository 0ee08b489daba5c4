/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loads [SECONDS [LOAD]]: loads of known shares, to compare profilers by. Each is up to four parts,
 * a function each (or a depth of recurse()), that take turns; LOAD is a name of the table below.
 * Every 20 ms the time, the process's CPU time and that of each part are noted; at the end they are
 * printed as "at REALTIME_NS CPU_NS PART_NS...": whoever looked for a while can know the truth of
 * that while. Each clock read is a system call, so there are few of them, but for the load "calls".
 */
#include "target.h"

enum { parts = 4, threads_max = 2, note_us = 20000, notes_max = 30000 };

struct load {
	const char *name;
	const char *names[parts];
	uint64_t us[parts]; /* work of each part in a turn */
	uint64_t times;	    /* turns that are timed as a whole: parts too short for a clock */
	uint64_t depths[parts];
	uint64_t sleep_us;  /* between turns */
	uint64_t period_us; /* strict, instead of a sleep */
	int lives_once;	    /* each turn in a thread of its own */
};

#define ABC                                                                                        \
	{                                                                                          \
		"load_a", "load_b", "load_c"                                                       \
	}
static const struct load loads[] = {
	{.name = "long", .names = ABC, .us = {1500000, 1000000, 500000}},
	{.name = "short", .names = ABC, .us = {5, 3, 2}, .times = 100},
	{.name = "calls", .names = ABC, .us = {30, 20, 10}},
	{.name = "bursty", .names = ABC, .us = {246, 154}, .sleep_us = 600},
	{.name = "period10", .names = ABC, .us = {2460, 1540}, .period_us = 10000},
	{.name = "period1", .names = ABC, .us = {246, 154}, .period_us = 1000},
	{.name = "recursion",
		.names = {"depth_1", "depth_4", "depth_16", "depth_64"},
		.us = {800, 600, 400, 200},
		.depths = {1, 4, 16, 64},
		.times = 1},
	{.name = "churn3", .names = ABC, .us = {900, 2100}, .lives_once = 1},
	{.name = "churn20", .names = ABC, .us = {6000, 14000}, .lives_once = 1},
};
enum { n_loads = sizeof(loads) / sizeof(*loads) };

struct note {
	uint64_t at, cpu, used[parts];
};

static const struct load *load;
static uint64_t used[parts];
static struct note notes[notes_max];
static volatile int done;

#define PART(name)                                                                                 \
	static FRAME void name(uint64_t loops)                                                     \
	{                                                                                          \
		SPIN(loops);                                                                       \
		KEEP_FRAME();                                                                      \
	}

PART(load_a)
PART(load_b)
PART(load_c)

static void (*const work[parts])(uint64_t) = {load_a, load_b, load_c};

static FRAME void recurse(uint64_t depth, uint64_t loops)
{
	if (depth > 1)
		recurse(depth - 1, loops);
	else
		SPIN(loops);
	KEEP_FRAME();
}

static void add(int part, uint64_t ns)
{
	__atomic_fetch_add(&used[part], ns, __ATOMIC_RELAXED);
}

static void do_work(int part, uint64_t us)
{
	if (load->depths[part])
		recurse(load->depths[part], us * target.per_us);
	else
		work[part](us * target.per_us);
}

/* In steps of 10 ms at most, so that a note is never far behind. */
static void part_work(int part, uint64_t us)
{
	while (us && !done) {
		uint64_t step = us < 10000 ? us : 10000;
		uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

		do_work(part, step);
		add(part, clock_ns(CLOCK_THREAD_CPUTIME_ID) - before);
		us -= step;
	}
}

/* The parts do the same work per loop, so their split of the time is that of the loops. */
static void turns_timed_as_one(void)
{
	uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID), sum = 0, took;

	for (uint64_t i = 0; i < load->times; i++) {
		for (int p = 0; p < parts; p++)
			if (load->us[p])
				do_work(p, load->us[p]);
	}
	took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	for (int p = 0; p < parts; p++)
		sum += load->us[p];
	for (int p = 0; p < parts; p++)
		add(p, took * load->us[p] / sum);
}

static void turn(void)
{
	if (load->times) {
		turns_timed_as_one();
		return;
	}
	for (int p = 0; p < parts; p++)
		part_work(p, load->us[p]);
}

static void *one_life(void *arg)
{
	turn();
	return arg;
}

static void wait_for_next(struct timespec *next)
{
	next->tv_nsec += (long)load->period_us * 1000;
	if (next->tv_nsec >= 1000000000) {
		next->tv_nsec -= 1000000000;
		next->tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

static void *run(void *arg)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!done) {
		if (load->lives_once)
			pthread_join(target_thread("life", one_life, NULL), NULL);
		else
			turn();
		if (load->sleep_us)
			target_sleep_us(load->sleep_us);
		if (load->period_us)
			wait_for_next(&next);
	}
	return arg;
}

static void note(struct note *n)
{
	n->at = clock_ns(CLOCK_REALTIME);
	n->cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int p = 0; p < parts; p++)
		n->used[p] = __atomic_load_n(&used[p], __ATOMIC_RELAXED);
}

static void print(const struct note *n)
{
	printf("at %" PRIu64 " %" PRIu64, n->at, n->cpu);
	for (int p = 0; p < parts && load->names[p]; p++)
		printf(" %" PRIu64, n->used[p]);
	printf("\n");
}

int main(int argc, char **argv)
{
	pthread_t threads[threads_max];
	int n = 0, n_threads;

	for (int i = 0; i < n_loads; i++)
		if (argc < 3 || !strcmp(argv[2], loads[i].name)) {
			load = &loads[i];
			break;
		}
	if (!load)
		return 2;
	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	n_threads = load->lives_once ? threads_max : 1;
	for (int i = 0; i < n_threads; i++)
		threads[i] = target_thread("load", run, NULL);
	target_ready();
	do
		note(&notes[n++]);
	while (target_wait(note_us) && n < notes_max);
	done = 1;
	for (int i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	printf("parts");
	for (int p = 0; p < parts && load->names[p]; p++)
		printf(" %s", load->names[p]);
	printf("\n");
	for (int i = 0; i < n; i++)
		print(&notes[i]);
	return 0;
}
