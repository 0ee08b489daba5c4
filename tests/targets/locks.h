/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scenes of locks.c: what one thread holds and another waits for. Here the mutexes.
 */
#ifndef LOCKS_H
#define LOCKS_H

#include "target.h"

#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>

#ifdef __GLIBC__
#define IF_GLIBC(x) (x)
#else
#define IF_GLIBC(x) 0
#endif
#ifndef F_OFD_SETLKW
#define F_OFD_SETLK  37
#define F_OFD_SETLKW 38
#endif

enum holder { NONE = 0, ENDED = -1, READERS = -2, HOLDER = -3, ITSELF = -4, CHILD = -5, MAIN = -6 };

struct scene {
	const char *name, *kind, *symbol;
	int (*take)(struct scene *s); /* by the holder; not 0: left out */
	void (*wait)(struct scene *s);
	enum holder holder;
	void *lock;
	pid_t waiter;
	int is_out;
	int files[2]; /* stat and schedstat of who waits */
};

static pthread_t holder_thread;
static pid_t holder_tid, child;
static int child_file = -1;
static const struct timespec never = {INT32_MAX, 0};

/* What a child process holds. */
static struct shared {
	pthread_mutex_t mutex;
	int ready;
} * shared;

/* --- mutexes --- */
static pthread_mutex_t normal_lock, recursive_lock, errorcheck_lock, timed_lock, pshared_lock,
	pi_lock, pi_recursive_lock, robust_lock, robust_timed_lock, robust_pi_lock, abandoned_lock,
	self_lock;

static int init(pthread_mutex_t *m, int type, int protocol, int robust, int is_shared)
{
	pthread_mutexattr_t a;
	int error = pthread_mutexattr_init(&a);

	error = error ? error : pthread_mutexattr_settype(&a, type);
	error = error || !protocol ? error : pthread_mutexattr_setprotocol(&a, protocol);
#ifdef __GLIBC__
	if (protocol == PTHREAD_PRIO_PROTECT)
		pthread_mutexattr_setprioceiling(&a, 10);
#endif
	error = error ? error : pthread_mutexattr_setrobust(&a, robust);
	error = error ? error : pthread_mutexattr_setpshared(&a, is_shared);
	return error ? error : pthread_mutex_init(m, &a);
}

static int take_mutex(struct scene *s, int type, int protocol, int robust, int is_shared)
{
	int error = init(s->lock, type, protocol, robust, is_shared);

	return error ? error : pthread_mutex_lock(s->lock);
}

#define TAKES(name, type, protocol, robust, is_shared)                                             \
	static int name(struct scene *s)                                                           \
	{                                                                                          \
		return take_mutex(s, type, protocol, robust, is_shared);                           \
	}
TAKES(take_normal, PTHREAD_MUTEX_NORMAL, 0, 0, 0)
TAKES(take_recursive, PTHREAD_MUTEX_RECURSIVE, 0, 0, 0)
TAKES(take_errorcheck, PTHREAD_MUTEX_ERRORCHECK, 0, 0, 0)
TAKES(take_pshared, PTHREAD_MUTEX_NORMAL, 0, 0, 1)
TAKES(take_pi, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, 0, 0)
TAKES(take_pi_recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_INHERIT, 0, 0)
TAKES(take_robust, PTHREAD_MUTEX_NORMAL, 0, 1, 0)
TAKES(take_robust_pi, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, 1, 0)

static void wait_mutex(struct scene *s)
{
	pthread_mutex_lock(s->lock);
}

static void wait_timed(struct scene *s)
{
	pthread_mutex_timedlock(s->lock, &never);
}

#ifdef __GLIBC__
static pthread_mutex_t adaptive_lock, protect_lock, clock_lock;

TAKES(take_adaptive, PTHREAD_MUTEX_ADAPTIVE_NP, 0, 0, 0)

static int real_time(void)
{
	struct sched_param p = {.sched_priority = 5};

	return pthread_setschedparam(pthread_self(), SCHED_FIFO, &p);
}

static int take_protect(struct scene *s)
{
	int error = real_time();

	return error ? error : take_mutex(s, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_PROTECT, 0, 0);
}

static void wait_protect(struct scene *s)
{
	real_time();
	pthread_mutex_lock(s->lock);
}

static void wait_clock(struct scene *s)
{
	pthread_mutex_clocklock(s->lock, CLOCK_MONOTONIC, &never);
}
#endif

static void *lock_and_end(void *s)
{
	return take_errorcheck(s) ? s : NULL;
}

static int take_abandoned(struct scene *s)
{
	void *failed;
	pthread_t thread = target_thread("ends", lock_and_end, s);

	return pthread_join(thread, &failed) || failed;
}

static int take_shared(struct scene *s)
{
	s->lock = &shared->mutex;
	return !child;
}

static int init_self(struct scene *s)
{
	return init(s->lock, PTHREAD_MUTEX_NORMAL, 0, 0, 0);
}

static void wait_self(struct scene *s)
{
	pthread_mutex_lock(s->lock);
	pthread_mutex_lock(s->lock);
}

#endif
