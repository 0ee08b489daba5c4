/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>

#include "agent/brief.h"
#include "agent/go_programs.h"
#include "agent/heap_probe.h"
#include "agent/naming.h"
#include "agent/perf_maps.h"
#include "agent/phases.h"
#include "agent/working.h"
#include "base/log.h"

void working_start(struct session *s)
{
	brief_all(s);
	if (s->phase == PHASE_FLUSH)
		brief_send(s, TO_WORKER_FLUSH, NULL, 0, NULL, 0, -1);
	else if (s->phase == PHASE_SYMBOLIZE && !s->naming.awaits && !naming_ask(s, 1))
		phases_go(s, PHASE_WRITE);
	else
		phases_files(s);
}

/* The module a worker died of is read less, or not at all, from now on. */
static void blame_module(struct session *s, const struct supervisor_role *ended)
{
	uint32_t id = atomic_exchange(&s->ring->page->worker_module, 0);
	int from_outside = (ended->status & 0x7f) == SIGKILL && !ended->by_us;
	int naming = s->phase == PHASE_DEBUG || s->phase == PHASE_SYMBOLIZE;
	enum blame blame = collection_blame(&s->data, id, from_outside, naming);
	char shown[512];

	if (blame != BLAME_NONE)
		log_note("%s brought down the worker: %s",
			log_escape(shown, sizeof(shown), s->data.modules[id - 1].info.path),
			blame == BLAME_SYMTAB
				? "only its symbol table is read from now on"
				: "not read any more, its frames keep their addresses");
}

void working_ended(struct session *s, const struct supervisor_role *r)
{
	outbox_clear(&s->to_worker);
	s->naming.late = 0;
	blame_module(s, r);
}

void working_on_message(struct session *s, struct wire_message *m)
{
	int error = 0;

	switch (m->type) {
	case WORKER_STACKS:
		/* What the tracer told before it took these captures may still wait. */
		session_take_tracer(s);
		error = collection_stacks(&s->data, m);
		break;
	case WORKER_MODULE:
		error = collection_module_info(
			&s->data, wire_payload(m, sizeof(struct worker_module_info)));
		if (error)
			break;
		raw_module_info(&s->raw, ((struct worker_module_info *)m->payload)->module);
		go_programs_ask(s, ((struct worker_module_info *)m->payload)->module);
		heap_probe_ask(s, ((struct worker_module_info *)m->payload)->module);
		break;
	case WORKER_ALLOCATOR:
		error = heap_probe_on_allocator(s, m);
		break;
	case WORKER_GO:
		error = go_programs_on_facts(s, wire_payload(m, sizeof(struct worker_go)));
		break;
	case WORKER_CONTEXT:
		error = collection_service(&s->data, m);
		break;
	case WORKER_CAPTURE:
		session_take_tracer(s);
		error = raw_capture(&s->raw, m);
		break;
	case WORKER_FLUSHED:
		if (s->phase == PHASE_FLUSH)
			phases_go(s, s->options->serves ? PHASE_SHARE : PHASE_DEBUG);
		break;
	case WORKER_PERF_MAP:
		error = perf_maps_on_read(s, m);
		break;
	case WORKER_SYMBOLS:
		error = s->phase == PHASE_SYMBOLIZE || s->naming.late ? naming_on_symbols(s, m)
								      : -EPROTO;
		if (error == 1 && s->naming.awaits)
			phases_files(s);
		else if (error == 1 && !naming_ask(s, 0))
			phases_go(s, PHASE_WRITE);
		break;
	case WORKER_DATA:
		error = s->phase == PHASE_SYMBOLIZE || s->naming.late ? locks_on_names(s, m)
								      : -EPROTO;
		if (!error && !naming_ask(s, 0))
			phases_go(s, PHASE_WRITE);
		break;
	case WORKER_WANTS:
		error = wants_add(s, m);
		break;
	case WORKER_EXTRA:
		error = wants_on_answer(s, m);
		phases_files(s);
		break;
	default:
		error = -EPROTO;
	}
	s->data.broken += error < 0;
}
