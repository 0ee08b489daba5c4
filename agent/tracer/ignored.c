/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/call.h"
#include "agent/tracer/ignored.h"
#include "agent/tracer/proc_status.h"
#include "agent/tracer/regs.h"

/* Whether the program has a handler for the signal. */
static int is_caught(pid_t tid, int signal)
{
	struct proc_status status;
	uint64_t caught;

	return proc_status_of(tid, &status) < 0 ||
	       proc_status_mask(&status, "SigCgt", &caught) < 0 || (caught >> (signal - 1) & 1);
}

void ignored_mend(pid_t tid, int signal, struct tracee_calls *calls)
{
	struct tracee t = {.tid = tid};
	struct user_regs_struct u;

	if (tracee_get_regs(&t, &u) < 0 || !regs_in_syscall(&u))
		return;
	if ((!call_fails(&u) && !call_restarts_by_call(&u) && (long)u.rax <= 0) ||
		is_caught(tid, signal))
		return;
	tracee_mend_call(&t, &u);
	*calls = t.calls;
}
