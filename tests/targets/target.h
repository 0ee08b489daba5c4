/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every test target shares: it says "ready PID" when set up, runs until SIGTERM or for the
 * given seconds, then prints its own truth as "truth KEY VALUE" lines.
 */
#ifndef TARGET_H
#define TARGET_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A function that stays a frame of its own: not inlined, cloned, or folded with its like. */
#ifdef __clang__
#define FRAME __attribute__((noinline))
#else
#define FRAME __attribute__((noinline, noclone, no_icf))
#endif

/* Keeps the call before it from becoming a tail call. */
#define KEEP_FRAME() __asm__ volatile("" ::: "memory")

/* A macro, so that no inline frame hides the function whose time this is. */
#define SPIN(n)                                                                                    \
	do {                                                                                       \
		uint64_t spin_x_ = 1;                                                              \
		for (uint64_t spin_i_ = (n); spin_i_; spin_i_--) {                                 \
			spin_x_ = spin_x_ * 6364136223846793005u + 1442695040888963407u;           \
			__asm__ volatile("" : "+r"(spin_x_));                                      \
		}                                                                                  \
	} while (0)

struct target {
	uint64_t deadline; /* monotonic ns, 0 = until SIGTERM */
	uint64_t per_us;   /* loops of SPIN in a microsecond of CPU */
};

static struct target target;
static volatile sig_atomic_t target_stopping;

/* A function that is a frame of its own and computes for so many microseconds. */
#define WORK(name)                                                                                 \
	static FRAME void name(uint64_t us)                                                        \
	{                                                                                          \
		SPIN(us *target.per_us);                                                           \
		KEEP_FRAME();                                                                      \
	}

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void truth(const char *key, uint64_t value)
{
	printf("truth %s %" PRIu64 "\n", key, value);
}

static inline uint64_t arg_number(int argc, char **argv, int at, uint64_t otherwise)
{
	return argc > at ? strtoull(argv[at], NULL, 10) : otherwise;
}

/* The next process or thread of this PID namespace gets this number. 1, or 0 where that is
 * forbidden. */
static inline int target_next_id(pid_t id)
{
	char text[16];
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, sizeof(text), "%d", id - 1);
	int ok = fd >= 0 && write(fd, text, (size_t)n) == n;

	close(fd);
	return ok;
}

/* xorshift: cheap enough to stand between two slices of work. */
static inline uint32_t next_random(uint32_t *seed)
{
	uint32_t x = *seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *seed = x;
}

static inline void target_shuffle(int *v, int n, uint32_t *seed)
{
	for (int i = n - 1; i > 0; i--) {
		int j = (int)(next_random(seed) % (uint32_t)(i + 1));
		int t = v[i];

		v[i] = v[j];
		v[j] = t;
	}
}

static inline void target_sleep_us(uint64_t us)
{
	struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

static void target_on_term(int sig)
{
	(void)sig;
	target_stopping = 1;
}

/* The least of several tries: whatever disturbs a try makes it longer. */
static inline void target_calibrate(void)
{
	enum { loops = 2000000, tries = 7 };
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < tries; i++) {
		uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		uint64_t took;

		SPIN(loops);
		took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
		if (took < best)
			best = took;
	}
	target.per_us = loops * 1000u / (best ? best : 1);
	if (!target.per_us)
		target.per_us = 1;
}

/* seconds 0 = until SIGTERM. Single-threaded targets poll target_running(). */
static inline void target_init(uint64_t seconds)
{
	struct sigaction act = {.sa_handler = target_on_term};

	sigaction(SIGTERM, &act, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	target_calibrate();
	target.deadline = seconds ? clock_ns(CLOCK_MONOTONIC) + seconds * 1000000000u : 0;
}

static inline void target_ready(void)
{
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
}

static inline int target_running(void)
{
	if (target.deadline && clock_ns(CLOCK_MONOTONIC) >= target.deadline)
		target_stopping = 1;
	return !target_stopping;
}

/* Before the first thread starts: SIGTERM then waits for target_wait() and disturbs no thread. */
static inline void target_block_term(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Sleeps at most us (0 = until the end) and says whether the target should go on. */
static inline int target_wait(uint64_t us)
{
	uint64_t until = us ? clock_ns(CLOCK_MONOTONIC) + us * 1000u : UINT64_MAX;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	if (target.deadline && target.deadline < until)
		until = target.deadline;
	while (target_running()) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		uint64_t left = until - now;
		struct timespec t;

		if (now >= until)
			break;
		t.tv_sec = (time_t)(left / 1000000000u % 1000000);
		t.tv_nsec = (long)(left % 1000000000u);
		if (sigtimedwait(&set, NULL, &t) == SIGTERM)
			target_stopping = 1;
	}
	return target_running();
}

static inline pthread_t target_thread(const char *name, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 << 10);
	err = pthread_create(&thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	if (err) {
		fprintf(stderr, "pthread_create: %s\n", strerror(err));
		exit(1);
	}
	if (name)
		pthread_setname_np(thread, name);
	return thread;
}

#endif
