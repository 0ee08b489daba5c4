/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * creates ROUNDS IDLE HZ: creates a thread and joins it, ROUNDS times, beside IDLE threads that
 * sleep; then takes HZ signals a second for two seconds. Prints p50 and p99 of a creation with its
 * join, in us, signals received a second, and the loops that the main thread made meanwhile.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t received;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *sleep_for_ever(void *arg)
{
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (;;)
		pause();
	return arg;
}

static void on_alarm(int sig)
{
	(void)sig;
	received++;
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void create(long rounds)
{
	uint32_t *took = calloc(rounds, sizeof(*took));
	pthread_t t;

	for (long i = 0; took && i < rounds; i++) {
		uint64_t began = now();
		if (pthread_create(&t, NULL, nothing, NULL))
			exit(1);
		pthread_join(t, NULL);
		took[i] = now() - began;
	}
	if (!took)
		exit(1);
	qsort(took, rounds, sizeof(*took), by_size);
	printf("%.1f %.1f ", took[rounds / 2] / 1e3, took[rounds * 99 / 100] / 1e3);
	free(took);
}

static void take_signals(long hz)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec every = {{0, 1000000000 / hz}, {0, 1000000000 / hz}};
	const double seconds = 2;
	uint64_t loops = 0, end = now() + (uint64_t)(seconds * 1e9);
	timer_t timer;

	signal(SIGALRM, on_alarm);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &every, NULL))
		exit(1);
	while (now() < end)
		loops++;
	printf("%.0f %.2f\n", received / seconds, loops / seconds / 1e6);
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t t;

	if (argc != 4)
		return 2;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (long i = atol(argv[2]); i > 0; i--)
		if (pthread_create(&t, &attr, sleep_for_ever, NULL))
			return 1;
	/* Whoever wants to attach. */
	usleep(1500000);
	create(atol(argv[1]));
	take_signals(atol(argv[3]));
	return 0;
}
