/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that wait for somebody else, without a time-out. The somebody is a process of its own,
 * which nobody stops: the waker. Each thread has a slot in memory shared with it, says there that
 * it waits, and is woken.
 */
#ifndef WOKEN_H
#define WOKEN_H

#include "calls.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>

enum { SLOTS = 64 };
enum state { IDLE, WAITS, WOKEN, HOLD };

/* One for each thread, shared with the waker. */
struct slot {
	uint32_t state;
	pid_t tid;
	int ours, theirs; /* descriptors, or ids */
	sem_t sem;
	pthread_mutex_t mutex, pi;
	uint32_t futex;
	void (*wake)(struct slot *);
	int (*lock)(struct slot *, int on); /* of what the waker holds until it is to wake */
};
static struct slot *slots;
static char folder[] = "/tmp/cpprof-calls.XXXXXX";
static pid_t waker;

static void set(struct slot *s, enum state to)
{
	__atomic_store_n(&s->state, to, __ATOMIC_SEQ_CST);
}

static enum state get(struct slot *s)
{
	return __atomic_load_n(&s->state, __ATOMIC_SEQ_CST);
}

static struct slot *wants(int at)
{
	set(&slots[at], WAITS);
	return &slots[at];
}

static int open_with(int at, int ours, int theirs, void (*wake)(struct slot *))
{
	slots[at].ours = ours;
	slots[at].theirs = theirs;
	slots[at].wake = wake;
	return ours < 0 || theirs < 0 ? -1 : at;
}

static char *name_of(int at)
{
	static __thread char name[64];

	snprintf(name, sizeof(name), "%s/%d", folder, at);
	return name;
}

static void wake_none(struct slot *s)
{
	(void)s;
}

/* Wakes whoever says that it waits, some time after it said so. */
static void waker_main(int n, pid_t parent)
{
	uint32_t seed = 12345;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent) {
		target_sleep_us(100 + next_random(&seed) % 400);
		for (int i = 0; i < n; i++) {
			struct slot *s = &slots[i];
			if (get(s) == IDLE && s->lock) {
				s->lock(s, 1);
				set(s, HOLD);
			} else if (get(s) == WAITS) {
				set(s, WOKEN);
				s->wake(s);
			}
		}
	}
	_exit(0);
}

static inline int woken_main(int argc, char **argv, struct kind *kinds, int kind_count)
{
	static struct caller callers[SLOTS];
	int n = 0;

	target_block_term();
	slots = mmap(NULL, SLOTS * sizeof(*slots), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED || !mkdtemp(folder)) {
		perror("woken");
		return 1;
	}
	target_init(arg_number(argc, argv, 1, 0));
	for (int i = 0; i < kind_count; i++)
		n = calls_open(&kinds[i], argc > 2 ? argv + 2 : NULL, callers, n);
	pid_t parent = getpid();
	waker = fork();
	if (!waker) {
		waker = getpid();
		waker_main(n, parent);
	}
	int failed = calls_run(callers, n, kinds, kind_count);
	kill(waker, SIGKILL);
	for (int i = 0; i < n; i++)
		unlink(name_of(i));
	rmdir(folder);
	return failed;
}

#define WOKEN(NAME, OPEN, CALL)                                                                    \
	{                                                                                          \
		.name = NAME, .threads = 2, .open = OPEN, .call = CALL                             \
	}

#endif
