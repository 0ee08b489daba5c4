/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "agent/tracer/waits.h"

int waits_parse(const char *text, struct call_now *out)
{
	*out = (struct call_now){.nr = -1};
	if (!strncmp(text, "running", 7))
		return 0;
	uint64_t *a = out->args;
	if (sscanf(text, "%ld", &out->nr) != 1)
		return -EINVAL;
	if (out->nr < 0)
		return sscanf(text, "%*d %lx %lx", &out->sp, &out->pc) == 2 ? 1 : -EINVAL;
	return sscanf(text, "%*d %lx %lx %lx %lx %lx %lx %lx %lx", &a[0], &a[1], &a[2], &a[3],
		       &a[4], &a[5], &out->sp, &out->pc) == 8
		       ? 1
		       : -EINVAL;
}

void waits_find(const struct process *p, const struct call_now *call, struct wait *out)
{
	(void)p;
	*out = (struct wait){.call = call->nr, .kind = call->nr < 0 ? WAIT_NONE : WAIT_IDLE};
	if (call->nr == SYS_futex) {
		out->kind = WAIT_FUTEX;
		out->lock = call->args[0];
	} else if (call->nr == SYS_flock) {
		out->kind = WAIT_FILE_LOCK;
	}
}
