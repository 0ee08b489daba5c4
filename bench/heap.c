/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the allocation probe costs, measured by the program it is in.
 *
 *   heap pairs NS SECONDS   frees and allocates, with work that makes a pair last so many ns at
 *                           least; CPU time of a pair in windows of 20 ms with a profiler in the
 *                           process (its name among the mappings) and without
 *   heap pause THREADS      threads that allocate now and then; one of them never rests, and prints
 *                           its longest gap since then at each SIGUSR1, in us, and the longest less
 *                           what it waited for a CPU in it. Those past 64 sleep for good
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LIVE	4096
#define WINDOWS 100000

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* 1 a profiler is in it. */
static int is_hooked(void)
{
	static char text[1 << 16];
	FILE *f = fopen("/proc/self/maps", "r");
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[n] = '\0';
	return strstr(text, "cpprof-probe") || strstr(text, "libheaptrack_inject");
}

static void *live[LIVE];
static uint64_t random_state = 88172645463325252ull;

static uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state >> 16;
}

static void turn(unsigned work)
{
	uint32_t k = random_number();
	void **at = &live[k % LIVE];

	free(*at);
	*at = malloc(16 + (k >> 12) % 497);
	*(char *)*at = 1;
	/* In registers: a counter in memory has its own moods. */
	for (unsigned i = 0; i < work; i++)
		__asm__ volatile("imul $3, %0, %0" : "+r"(k));
}

static double pair_ns(unsigned work, uint64_t window, uint64_t *pairs)
{
	uint64_t began = now(CLOCK_THREAD_CPUTIME_ID), t, n = 0;

	do {
		for (int i = 0; i < 1000; i++)
			turn(work);
		n += 1000;
		t = now(CLOCK_THREAD_CPUTIME_ID);
	} while (t - began < window);
	*pairs += n;
	return (double)(t - began) / n;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n ? v[n / 2] : 0;
}

static void pairs(double ns, double seconds)
{
	static double with[WINDOWS], without[WINDOWS];
	size_t n_with = 0, n_without = 0;
	uint64_t n = 0;
	unsigned work = 0;

	pair_ns(0, 300000000, &n);
	for (double got = pair_ns(0, 50000000, &n); got < ns; got = pair_ns(work, 20000000, &n))
		work += work / 8 + 1;
	printf("ready %d\n", getpid());
	fflush(stdout);
	uint64_t began = now(CLOCK_MONOTONIC);
	while (now(CLOCK_MONOTONIC) - began < seconds * 1e9 && n_with + n_without < WINDOWS) {
		int before = is_hooked();
		double got = pair_ns(work, 20000000, &n);
		if (before && is_hooked() == before)
			with[n_with++] = got;
		else if (!before && is_hooked() == before)
			without[n_without++] = got;
	}
	double a = median(without, n_without), b = median(with, n_with);
	printf("truth without_ns %.2f\ntruth with_ns %.2f\ntruth ratio %.4f\ntruth windows %zu\n",
		a, b, a && b ? b / a : 0, n_with);
}

static void *allocates(void *arg)
{
	for (; (intptr_t)arg >= 64;)
		pause();
	for (;;) {
		free(malloc(1000));
		usleep(10000 + (uintptr_t)arg * 100);
	}
	return NULL;
}

/* Time that this thread has waited for a CPU; schedstat's second number. */
static uint64_t queued(void)
{
	unsigned long ran = 0, waited = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (f && fscanf(f, "%lu %lu", &ran, &waited) != 2)
		waited = 0;
	if (f)
		fclose(f);
	return waited;
}

static volatile sig_atomic_t is_asked;

static void ask(int signal)
{
	(void)signal;
	is_asked = 1;
}

/* The longest gap, and the longest less what it waited for its CPU in it. */
static void pause_of(int threads)
{
	pthread_attr_t small;
	pthread_t t;
	uint64_t last, longest = 0, held = 0, waited = queued();

	signal(SIGUSR1, ask);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	for (intptr_t i = 1; i < threads; i++)
		if (pthread_create(&t, &small, allocates, (void *)i))
			abort();
	printf("ready %d\n", getpid());
	fflush(stdout);
	for (last = now(CLOCK_MONOTONIC);;) {
		uint64_t at = now(CLOCK_MONOTONIC), gap = at - last;
		if (gap > 50000) {
			uint64_t until = queued(), wait = until - waited;
			waited = until;
			longest = gap > longest ? gap : longest;
			held = gap > wait && gap - wait > held ? gap - wait : held;
			at = now(CLOCK_MONOTONIC);
		}
		last = at;
		if (!is_asked)
			continue;
		is_asked = 0;
		printf("gap %lu %lu\n", (unsigned long)longest / 1000, (unsigned long)held / 1000);
		fflush(stdout);
		longest = held = 0;
		last = now(CLOCK_MONOTONIC);
	}
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "pairs"))
		pairs(atof(argv[2]), atof(argv[3]));
	else if (argc > 2)
		pause_of(atoi(argv[2]));
	return argc < 3;
}
