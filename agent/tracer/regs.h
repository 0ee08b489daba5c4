/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a stopped thread as DWARF numbers them.
 */
#ifndef TRACER_REGS_H
#define TRACER_REGS_H

#include <sys/user.h>

#include "output/types.h"

void regs_from_user(struct regs *out, const struct user_regs_struct *u);

struct call_now;

/* Of a blocked thread: where it is, and the arguments of its system call, which the kernel does not
 * change (vfork keeps its return address in one). */
void regs_from_call(struct regs *out, const struct call_now *call);

/* At a stop orig_rax is -1 outside a system call. */
int regs_in_syscall(const struct user_regs_struct *u);

#endif
