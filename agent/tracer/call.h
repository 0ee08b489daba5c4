/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a stop does to the system call it falls into, and what can be done about it. All of this is
 * asked at a stop inside a call (regs_in_syscall), where rax is the result to be returned; there
 * -512 to -516 (include/linux/errno.h, ERESTARTx) mean "restart or EINTR".
 */
#ifndef TRACER_CALL_H
#define TRACER_CALL_H

#include <sys/types.h>
#include <sys/user.h>

/* It went to sleep in its call and our interrupt woke it. */
int call_was_blocked(const struct user_regs_struct *u);

/* The call will return EINTR, most likely because of us. */
int call_fails(const struct user_regs_struct *u);

/* Such a call is made to restart; a signal with a handler still gives the program EINTR. 1 if u was
 * changed and must be written back, 0 if there is nothing to repair, or repeating would do harm. */
int call_repair(struct user_regs_struct *u);

/* The kernel goes on with an interrupted wait by a call of its own, restart_syscall. */
int call_restarts_by_call(const struct user_regs_struct *u);

/* Whether a seccomp filter is in force for the thread, which may punish that call by death. */
int call_is_filtered(pid_t tid);

/* Lets the call begin anew. Its time, if it is a relative one, begins anew as well. */
void call_begin_anew(struct user_regs_struct *u);

/* The call was interrupted, begins its time-out anew, and would be in the same state had its time
 * just been up: such calls ask for signals before they ask for their timer. A thread that makes
 * them is better not stopped just when it wakes up. */
int call_starts_anew(const struct user_regs_struct *u);

/* The call has done part of its work and returns that: write, send, recv, getrandom and kin. The
 * one effect of an interrupt that cannot be undone. Reads the lengths of a vector from the target's
 * memory, with one or two reads of bounded size. */
int call_is_cut_short(const struct user_regs_struct *u, pid_t tid);

/* A recvmmsg that got some messages before it was interrupted leaves the reason in its socket, and
 * the next call on it would fail with errno 512. Takes it out again; at the stop, before the call
 * returns. 1 if there was one. */
int call_clean_socket(const struct user_regs_struct *u, int pidfd);

#endif
