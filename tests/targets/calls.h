/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the targets that live in system calls share: threads that make one kind of call again and
 * again, with short random spins between, and count what came of it. A call that fails here fails
 * through somebody else.
 */
#ifndef CALLS_H
#define CALLS_H

#include "target.h"

#define CALL_WRONG   4096 /* of call(): no errno, but not what it had to be */
#define CALL_SKIPPED 4097 /* of open(): this kernel has it not */

struct kind {
	const char *name;
	int threads;
	uint64_t timeout_us; /* it has to last so long; 0: until it is woken */
	uint64_t tick_us;    /* the kernel's timer may come so much early */
	int (*open)(int at); /* for each thread, at counts all: a handle, or -1 */
	int (*call)(int handle);
	uint64_t calls, eintr, wrong, early, twice, over_us;
	int skipped, last_error;
};

struct caller {
	struct kind *kind;
	int handle, at;
};

static inline int is(int as_expected)
{
	return as_expected ? 0 : errno == EINTR ? EINTR : CALL_WRONG;
}

static inline int fails(long result, int error)
{
	if (result >= 0)
		return CALL_WRONG;
	return errno == error ? 0 : errno;
}

static uint64_t calls_spin_us = 100;

static FRAME void spin_between(uint32_t *seed)
{
	SPIN(target.per_us * (next_random(seed) % calls_spin_us));
	KEEP_FRAME();
}

static inline void add(uint64_t *to, uint64_t n)
{
	__atomic_fetch_add(to, n, __ATOMIC_RELAXED);
}

/* Just twice the time-out: more is a machine that has other things to do. */
static inline int is_twice(const struct kind *k, uint64_t us)
{
	uint64_t least = 2 * k->timeout_us + k->tick_us;

	return us >= least && us < least + (k->tick_us ? 2 * k->tick_us : 600);
}

static inline void count_call(struct kind *k, int error, uint64_t us)
{
	add(&k->calls, 1);
	if (error == EINTR)
		add(&k->eintr, 1);
	else if (error) {
		add(&k->wrong, 1);
		k->last_error = error;
	}
	if (!k->timeout_us)
		return;
	add(&k->early, us + 1 + k->tick_us < k->timeout_us);
	add(&k->twice, is_twice(k, us));
	add(&k->over_us, us > k->timeout_us ? us - k->timeout_us : 0);
}

static void *call_on(void *arg)
{
	struct caller *c = arg;
	uint32_t seed = (uint32_t)gettid() | 1;

	while (!target_stopping) {
		uint64_t before;
		int error;

		spin_between(&seed);
		before = clock_ns(CLOCK_MONOTONIC);
		error = c->kind->call(c->handle);
		if (target_stopping)
			break; /* its partner may be gone already */
		count_call(c->kind, error, (clock_ns(CLOCK_MONOTONIC) - before) / 1000);
	}
	return NULL;
}

static inline void say(const struct kind *k, const char *what, uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s_%s", k->name, what);
	truth(key, value);
}

static inline void report_kind(const struct kind *k)
{
	say(k, "calls", k->calls);
	say(k, "eintr", k->eintr);
	say(k, "wrong", k->wrong);
	if (k->wrong)
		say(k, "last_error", (uint64_t)k->last_error);
	if (!k->timeout_us)
		return;
	say(k, "early", k->early);
	say(k, "twice", k->twice);
	say(k, "over_mean_us", k->calls ? k->over_us / k->calls : 0);
}

static inline int is_one_of(const char *name, char **names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return 1;
	return 0;
}

/* Opens what the threads of a kind need; only is a list of names or NULL. */
static inline int calls_open(struct kind *k, char **only, struct caller *v, int n)
{
	if (only && !is_one_of(k->name, only))
		return n;
	for (int i = 0; i < k->threads; i++, n++) {
		v[n] = (struct caller){.kind = k, .handle = k->open(n), .at = n};
		if (v[n].handle == CALL_SKIPPED) {
			printf("skipped %s: %s\n", k->name, strerror(errno));
			k->skipped = 1;
			return n;
		}
		if (v[n].handle < 0) {
			perror(k->name);
			exit(1);
		}
	}
	return n;
}

/* All of it: the threads, until SIGTERM or the end of time, then what they saw. Exit status 1: some
 * call failed. */
static inline int calls_run(struct caller *v, int n, struct kind *kinds, int kind_count)
{
	uint64_t failed = 0;

	target_ready();
	for (int i = 0; i < n; i++)
		target_thread(v[i].kind->name, call_on, &v[i]);
	target_wait(0);
	target_stopping = 1;
	target_sleep_us(50000);
	for (int i = 0; i < kind_count; i++) {
		if (kinds[i].calls)
			report_kind(&kinds[i]);
		failed += kinds[i].eintr + kinds[i].wrong;
	}
	truth("failed", failed);
	fflush(stdout);
	return failed != 0;
}

#endif
