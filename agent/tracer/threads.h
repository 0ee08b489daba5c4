/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of the target's threads: found by listing /proc/PID/task, looked at through descriptors
 * that stay open (about 1 us a look, against 7 with open and close).
 *
 * A listing sorts the threads by tid first. A look costs nothing for the target. A thread id that
 * is used again has another start time and becomes a new thread with a new serial.
 */
#ifndef TRACER_THREADS_H
#define TRACER_THREADS_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/tracer/target.h"

struct process;

/* A blocked thread's stack, which stays the same until the thread is put on a CPU again. */
struct waiting {
	uint32_t id;		/* of its last stack, counted up; see struct capture */
	uint64_t runs;		/* it was read at that run count; UINT64_MAX: none was */
	uint32_t has_stack;	/* session has it: it went into some profile */
	uint32_t looks, weight; /* met since session was told */
	uint32_t orphan_weight; /* of that, when nobody was known to hold the lock */
	int state;		/* the kernel's letter when it was read */
	int64_t nr;		/* its system call, */
	uint64_t args[6];
	struct wait wait; /* and what it waits for there */
	uint64_t counted; /* its runs at the last wait that counted as one; UINT64_MAX: none */
	uint64_t counted_before; /* the same of when waits were last counted again */
	int is_new;		 /* this one counts */
	int is_again;		 /* it had counted before */
};

struct thread {
	struct process *process; /* that it is a thread of; NULL in tests */
	pid_t tid;
	uint32_t serial;
	int schedstat_fd, stat_fd;
	int status_fd, sched_fd; /* opened when first asked for; -1 */
	uint64_t start_time;
	uint64_t faults;       /* page faults at the last check */
	struct schedstat last; /* at the last look */
	uint8_t moved;	       /* ran between the last two looks */
	uint8_t was_running;   /* state R at the last check */
	uint8_t listed;	       /* seen by the present listing */
	uint8_t is_new;	       /* not there at the first listing */
	uint8_t unsent;	       /* session does not know its latest figures */
	uint8_t ended;
	uint8_t is_left_out; /* by its name: not captured but for what it holds */
	uint8_t rest;	   /* ticks in which it is left alone: it did not reach its stop in time */
	int32_t processor; /* at the last check */
	uint8_t is_doubtful; /* was in a call when it stopped, and had been off the CPU since the
				check */
	uint8_t preempted;   /* at the check it was off the CPU because we had just taken it */
	uint8_t is_held_up;  /* by a thread that has its lock, when last asked: see detail.h */
	uint8_t starts_anew; /* makes calls of which call_starts_anew() is true */
	uint64_t ran, since; /* CPU time and time between the last two looks */
	uint64_t looked_at;  /* when last was read */
	int64_t runs_base;   /* runs less switches while it is off the CPU; see thread_calibrate */
	uint64_t calibrated; /* runs at the last calibration */
	uint32_t idle_looks; /* looks since it last moved */
	uint32_t weight;     /* of a sample at this tick: see struct capture */
	uint32_t owed;	     /* weight of samples that there was no room for: the next one has it */
	int state;	     /* the kernel's letter at the last check */
	struct waiting waiting;
	char name[16];
};

struct threads {
	const struct target *target;
	struct process *process;
	struct thread *v;
	uint32_t n, room;
	uint32_t *next_serial;
	uint32_t seen;	/* ever */
	uint64_t began; /* clock ticks since boot: a thread that started later is new */
	int first_listing_done;
};

/* Serials are taken from *next_serial, which all processes share. began: now, as threads_time says,
 * or when the window began, for a process that was born in it. */
void threads_init(struct threads *t, const struct target *target, struct process *process,
	uint32_t *next_serial, uint64_t began);
void threads_fini(struct threads *t);

/* Clock ticks since boot, the unit of a thread's start time. */
uint64_t threads_time(void);

/* Lists anew: new threads are added, ended ones marked ended (threads_sweep removes them). 0 or
 * -errno. */
int threads_refresh(struct threads *t);
void threads_sweep(struct threads *t);

/* Reads schedstat; sets moved. 0, or -ESRCH and ended is set: also where the figures are another
 * thread's, which took over the id by exec. Any other -errno: it could not be read, and nothing is
 * known anew. */
int thread_look(struct thread *th, uint64_t now);

/* Reads stat: the state's letter, or -errno. stat may be NULL. */
int thread_state(struct thread *th, struct proc_stat *stat);

/* Times it was put on a CPU less the times it left one, 1 more while it is on a CPU. -errno when it
 * cannot be told. The kernel does not count some switches of threads that sleep, so the difference
 * drifts: calibrate where the thread is known to be off the CPU. */
int thread_is_on_cpu(const struct target *target, struct thread *th);
void thread_calibrate(const struct target *target, struct thread *th);

/* When a thread was put on a CPU or left one, whichever was last, on the scheduler's clock of that
 * CPU, in ns; 0 where the kernel does not say (/proc/PID/task/TID/sched). The scheduler gives two
 * threads that it switches between the same time: so a thread that left when we came was running
 * until then, and one that is only waking up left earlier. */
uint64_t thread_switched_at(const struct target *target, struct thread *th);

/* The same out of that file's text. */
uint64_t threads_switch_time(const char *text);

/* Ours, for this tick. */
uint64_t threads_own_switch(void);

#endif
