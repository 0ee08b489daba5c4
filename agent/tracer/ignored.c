/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tracer/call.h"
#include "agent/tracer/ignored.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/regs.h"

/* Whether the program has a handler for the signal. */
static int is_caught(pid_t tid, int signal)
{
	char path[32], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (proc_file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return 1;
	const char *mask = strstr(text, "\nSigCgt:");
	return !mask || strtoull(mask + 8, NULL, 16) >> (signal - 1) & 1;
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
