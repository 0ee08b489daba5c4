/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the goroutine was when its thread went over to the thread's own stack, in programs made by
 * Go: what the runtime saved of it, read from the target's memory while the thread is stopped.
 */
#ifndef TRACER_GOROUTINE_H
#define TRACER_GOROUTINE_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

struct goroutine {
	uint64_t stack_end; /* of the stack that the thread is on; 0: not known */
	uint64_t sp;	    /* on the other stack; 0: there is none */
	uint64_t sp_end;    /* where that stack ends */
	uint64_t pc;	    /* there; 0: all registers but sp are still the thread's */
};

/* curg: where the runtime's struct m names the goroutine, a worker's word. What cannot be read or
 * makes no sense is 0. Four reads at most. */
struct goroutine goroutine_of(pid_t tid, const struct user_regs_struct *u, uint32_t curg);

/* Whether the thread whose data has the goroutine that it runs at held runs that one: one read. */
int goroutine_is_run(pid_t tid, uint64_t held, uint64_t g);

#endif
