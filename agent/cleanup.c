/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/cleanup.h"
#include "agent/heap_probe.h"
#include "base/log.h"
#include "base/wire.h"

void cleanup_begin(struct session *s)
{
	wire_send(s->tracer.sock, TO_TRACER_CLEAN, NULL, 0, -1);
}

static void tell(int pid, const struct probe_found *f)
{
	if (f->out)
		log_note("process %d: the allocation probe that a killed run left behind was taken "
			 "out",
			pid);
	if (f->damaged)
		log_note("process %d: it had written over that; its code was restored from its "
			 "files",
			pid);
	if (f->inert)
		log_note(
			"process %d: the allocation probe that a killed run left behind is inert "
			"now; its memory (9 MiB, without use) stays, for a thread may come back to it",
			pid);
	if (f->closed)
		log_note("process %d: a descriptor that a killed run left behind was closed", pid);
	if (!f->out && !f->inert && !f->closed)
		log_note("process %d: no allocation probe is in it", pid);
}

void cleanup_on_answer(struct session *s, const struct tracer_cleaned *a)
{
	const struct probe_refused gone = {.cause = PROBE_CAUSE_GONE};
	int pid = s->options->pids[0];

	if (!a || (a->why.cause && !a->found.in_use)) {
		heap_probe_refuse(s, a ? &a->why : &gone);
		return;
	}
	if (a->found.in_use)
		log_error("process %d: the allocation probe in it is that of a run that lives\n"
			  "that run takes it out at its end; or end it with Ctrl-C",
			pid);
	else
		tell(pid, &a->found);
	session_over(s, a->why.cause	? STATUS_REFUSED
			: log_failure() ? STATUS_FAILED
					: STATUS_DONE);
}
