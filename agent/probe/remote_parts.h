/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What remote.c (stops) and remote_call.c (calls) share.
 */
#ifndef PROBE_REMOTE_PARTS_H
#define PROBE_REMOTE_PARTS_H

#include "agent/probe/remote.h"

/* A thread may have to wait for its CPU, behind all that others have to do. To its first stop it
 * need not come at all; in a call it must be waited for: it has registers that are not its own. */
#define REMOTE_STOP_MS 400u
#define REMOTE_CALL_MS 60000u

/* Ends waits again and again, until it is switched off: then it is as it was before. See tracee.c,
 * which has an alarm of its own. */
void remote_set_alarm(struct remote *r, int is_on);

/* The next stop of tid: its wait status; -EAGAIN not in time; -ESRCH it has ended; -ECHILD there is
 * no such thread of ours. */
int remote_wait(struct remote *r, pid_t tid, uint64_t most_ms, int *status);

int remote_get_regs(pid_t tid, struct user_regs_struct *regs); /* 0 or -errno */
int remote_set_regs(pid_t tid, const struct user_regs_struct *regs);

/* A stop that is none at a signal or a call. */
int remote_is_event(int status);

/* The stopped thread is in a call that another one of us had it make: it gets its own registers and
 * mask back. 1 it was. */
int remote_bring_home(struct remote_thread *t);

#endif
