/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a stopped thread: as DWARF numbers them, what they say about the system call it is
 * in, and the repair of a call that our interrupt would make fail.
 *
 * The kernel's rules: at a stop orig_rax is -1 outside a system call; inside, rax is the result to
 * be returned, where -512 to -516 (include/linux/errno.h, ERESTARTx) mean "restart or EINTR".
 */
#ifndef TRACER_REGS_H
#define TRACER_REGS_H

#include <sys/user.h>

#include "output/types.h"

void regs_from_user(struct regs *out, const struct user_regs_struct *u);

int regs_in_syscall(const struct user_regs_struct *u);

/* It went to sleep in its call and our interrupt woke it. */
int regs_was_blocked(const struct user_regs_struct *u);

/* The call will return EINTR, most likely because of us. */
int regs_fails(const struct user_regs_struct *u);

/* Such a call is made to restart; a signal with a handler still gives the program EINTR. 1 if u was
 * changed and must be written back, 0 if there is nothing to repair, or repeating would do harm. */
int regs_repair(struct user_regs_struct *u);

/* The kernel goes on with an interrupted wait by a call of its own, restart_syscall. */
int regs_is_restarted_by_call(const struct user_regs_struct *u);

/* Lets it begin anew instead. Its time, if it is a relative one, begins anew as well: only for a
 * thread that may not make that call, as a seccomp filter would kill it. */
void regs_begin_anew(struct user_regs_struct *u);

/* The call has done part of its work and returns that: write, send, recv, getrandom and kin. The
 * one effect of an interrupt that cannot be undone. */
int regs_is_cut_short(const struct user_regs_struct *u);

#endif
