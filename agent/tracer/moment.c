/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/goroutines.h"
#include "agent/tracer/moment.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/snapshot.h"
#include "base/wire.h"

void moment_take_threads(
	const struct tracer_mode *mode, struct capturer *c, const struct roster *roster)
{
	static struct details room;
	struct details *details = mode->flags & MODE_DETAILS ? &room : NULL;

	if (!(mode->kinds & KIND(PROFILE_THREADS)))
		return;
	if (details)
		details_begin(details, c->ring, c->interval);
	for (uint32_t i = 0; i < roster->n; i++) {
		struct process *p = roster->v[i];
		if (!p->mappings.generation)
			process_read_maps(p);
		snapshot_take(c, &p->threads, details);
	}
	if (!details)
		return;
	for (uint32_t i = 0; i < roster->n; i++)
		details_again(details, &roster->v[i]->threads);
	details_end(details);
}

void moment_take_goroutines(
	const struct tracer_mode *mode, struct capturer *c, const struct roster *roster)
{
	if (!(mode->kinds & KIND(PROFILE_GOROUTINE)))
		return;
	for (uint32_t i = 0; i < roster->n; i++) {
		const struct process *p = roster->v[i];
		struct tracer_goroutines none = {.process = p->number};
		none.lack = goroutines_snapshot(c, p);
		if (none.lack)
			wire_send(roster->common.sock, TRACER_GOROUTINES, &none, sizeof(none), -1);
	}
}

void moment_tell_commands(const struct roster *roster)
{
	static char text[LIMIT_MESSAGE - sizeof(struct tracer_command)];

	for (uint32_t i = 0; i < roster->n; i++) {
		const struct process *p = roster->v[i];
		int n = proc_file_read(p->target.proc, "cmdline", text, sizeof(text));
		struct tracer_command c = {.process = p->number, .len = n < 0 ? 0 : n};
		wire_send2(roster->common.sock, TRACER_COMMAND, &c, sizeof(c), text, c.len, -1);
	}
}

void moment_take_all(
	const struct tracer_mode *mode, struct capturer *c, const struct roster *roster)
{
	moment_take_threads(mode, c, roster);
	moment_take_goroutines(mode, c, roster);
}
