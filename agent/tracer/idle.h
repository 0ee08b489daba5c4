/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a thread has not been on a CPU.
 *
 * The kernel keeps the time at which a thread left its CPU on that CPU's own clock, which stands
 * still during interrupts and while the hypervisor has the CPU: over days the clocks of two CPUs
 * part by hours. So the clock of each CPU that is asked about is read there, by going there once.
 */
#ifndef TRACER_IDLE_H
#define TRACER_IDLE_H

#include "agent/tracer/threads.h"

#define IDLE_CPUS 4096u

/* Zero-initialized: nothing is known. The clocks are good for one snapshot. */
struct idle {
	int64_t ahead[IDLE_CPUS]; /* of CLOCK_MONOTONIC */
	uint8_t state[IDLE_CPUS]; /* 0 not asked, 1 known, 2 we may not run there */
};

/* ns, to about a scheduler's tick; -1 where the kernel does not tell. The thread's state has to be
 * read before: its CPU comes with that. */
int64_t idle_time(struct idle *i, const struct target *target, struct thread *th);

#endif
