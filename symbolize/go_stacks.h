/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How Go's runtime changes between a goroutine's stack and its thread's own (g0's): systemstack and
 * asmcgocall call a function there, morestack goes there to give the goroutine a larger one. These
 * save the goroutine's pc and sp in its g.sched first (runtime/asm_amd64.s). Who asks for the time
 * only goes there for the call of the vdso (runtime/sys_linux_amd64.s).
 */
#ifndef SYMBOLIZE_GO_STACKS_H
#define SYMBOLIZE_GO_STACKS_H

#include "symbolize/gopclntab.h"

enum go_place {
	GO_ELSEWHERE,
	GO_CALLS,     /* a function on the other stack; the pc saved is one of GO_SWITCH */
	GO_GROWS,     /* the stack; the pc saved is a return address */
	GO_CLOCK,     /* the vdso on the other stack; nothing is saved, r12 is the goroutine's sp */
	GO_HANDLER,   /* sigtramp: called by a signal, on a stack of its own */
	GO_PARKS,     /* mcall: the goroutine is left, what it calls works for none */
	GO_SCHEDULES, /* schedule: the thread may have another goroutine than it came with */
	GO_PREEMPTS,  /* asyncPreempt: a signal made the function seem to call it, anywhere */
	GO_SWITCH,    /* systemstack_switch, which never runs: its frame is like that of GO_CALLS */
};

enum go_place go_stacks_place(const struct go_function *f);

/* The vaddr at which a GO_CLOCK function keeps its sp in r12; 0: not found. */
uint64_t go_stacks_kept_sp(const struct module *m, const struct go_function *f);

/* Offset of curg, the goroutine that a thread runs, in Go's struct m: it is another one in each
 * version, and systemstack's own code has it. 0: not found. */
uint32_t go_stacks_curg(const struct module *m, const struct gopclntab *t);

#endif
