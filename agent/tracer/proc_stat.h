/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we read from /proc/PID/stat and /proc/PID/schedstat (proc_pid_stat(5), sched-stats.rst).
 *
 * The name in stat may hold blanks, parentheses and newlines: fields are counted from the last ')'.
 */
#ifndef TRACER_PROC_STAT_H
#define TRACER_PROC_STAT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
	char comm[16];
	char state; /* R S D T t Z X I */
	int32_t ppid;
	uint64_t flags;	   /* PF_x of include/linux/sched.h */
	uint64_t children; /* CPU time of children it waited for, in clock ticks */
	uint64_t faults;   /* page faults of this thread */
	uint64_t n_threads;
	uint64_t start_time;  /* clock ticks since boot */
	uint64_t start_stack; /* changes when the process replaces its program */
	int32_t processor;    /* the CPU it is on, or was on last; -1: not said */
};

#define PROC_STAT_KTHREAD 0x00200000u /* PF_KTHREAD */

/* text need not be terminated. 0 or -EINVAL. */
int proc_stat_parse(const char *text, size_t n, struct proc_stat *out);

struct schedstat {
	uint64_t cpu;	 /* ns on a CPU; of a running thread as of the last scheduler tick */
	uint64_t queued; /* ns waiting for a CPU */
	uint64_t runs;	 /* times it was put on a CPU */
};

int schedstat_parse(const char *text, size_t n, struct schedstat *out);

/* Reads fd from its start and parses. 0 or -errno (-ESRCH: the thread is gone). */
int proc_stat_read(int fd, struct proc_stat *out);
int schedstat_read(int fd, struct schedstat *out);

/* The same, and closes fd; one that is -errno of a failed open is the result. */
int proc_stat_take(int fd, struct proc_stat *out);
int schedstat_take(int fd, struct schedstat *out);

/* Of that thread, which may be any process's. */
int proc_stat_of(pid_t tid, struct proc_stat *out);

#endif
