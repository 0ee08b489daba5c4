/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/heap_launch.h"
#include "agent/heap_probe.h"
#include "agent/progress.h"
#include "base/log.h"
#include "base/wire.h"

int heap_launch_is(const struct session *s)
{
	const struct options *o = s->options;

	return o->launched && (o->kinds & KINDS_OF_HEAP) && !o->serves;
}

static void on_failed(struct session *s, int error)
{
	progress_end(s);
	log_error("process %d: it cannot be held before it begins: %s\n"
		  "start it without us, then give its pid with -p",
		s->data.first.pid, strerror(error));
	session_over(s, STATUS_REFUSED);
}

int heap_launch_on_held(struct session *s, const struct tracer_held *held)
{
	if (!held || !heap_launch_is(s))
		return -EPROTO;
	/* The window may be over already. */
	if (s->phase != PHASE_SAMPLE)
		return 0;
	if (held->at == HELD_FAILED) {
		on_failed(s, held->error);
		return 0;
	}
	s->heap_held = held->at;
	s->heap_awaited = held->at == HELD_BEGIN ? HEAP_AWAIT_LOADER : HEAP_AWAIT_WORKER;
	heap_probe_go_on(s);
	return 0;
}

void heap_launch_run(struct session *s)
{
	struct tracer_run run = {0};

	for (uint32_t i = 0; i < s->data.n_modules && !run.number; i++) {
		const struct module *m = &s->data.modules[i];
		if (!m->loader.offset || !collection_is_mapped(&s->data, i + 1))
			continue;
		run.number = collection_number(&s->data, i + 1);
		run.stop = m->loader;
	}
	wire_send(s->tracer.sock, TO_TRACER_RUN, &run, sizeof(run), -1);
	s->heap_awaited = HEAP_AWAIT_POINT;
}

int heap_launch_is_early(const struct session *s)
{
	return heap_launch_is(s) &&
	       (s->heap_held == HELD_BEGIN || s->heap_awaited != HEAP_AWAIT_NOTHING);
}

const char *heap_launch_since(const struct session *s)
{
	if (!heap_launch_is(s))
		return "since we attached";
	return s->heap_held == HELD_ENTRY
		       ? "since its entry point (what its libraries began with is not in it)"
		       : "since it began";
}
