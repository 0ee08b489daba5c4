/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/brief.h"
#include "agent/cleanup.h"
#include "agent/go_programs.h"
#include "agent/heap_launch.h"
#include "agent/heap_probe.h"
#include "agent/naming.h"
#include "agent/perf_maps.h"
#include "agent/phases.h"
#include "agent/refusal.h"
#include "agent/result.h"
#include "agent/tracing.h"
#include "base/now.h"

/* The processes by number: at first as the user gave them, later all that live. */
static uint32_t list_pids(const struct session *s, struct tracer_pid *v, uint32_t room)
{
	const struct options *o = s->options;
	uint32_t n = 0;

	if (s->phase != PHASE_ATTACH) {
		for (uint32_t i = 0; i < s->data.n_processes && n < room; i++) {
			const struct process_info *p = &s->data.processes[i];
			if (!p->has_ended)
				v[n++] = (struct tracer_pid){p->pid, p->number, p->start_time};
		}
		return n;
	}
	for (; n < o->n_pids; n++)
		v[n] = (struct tracer_pid){o->pids[n], n, 0};
	if (o->launched)
		v[n++] = (struct tracer_pid){o->launched, 0, 0};
	return n;
}

void tracing_start(struct session *s)
{
	static struct tracer_pid
		pids[(LIMIT_MESSAGE - sizeof(struct tracer_start)) / sizeof(struct tracer_pid)];
	const struct options *o = s->options;
	struct tracer_start start = {
		.mode = s->mode,
		.most_stop = o->most_stop,
		.launched = o->launched,
		.flags = (o->with_children ? START_CHILDREN : 0) | (o->serves ? START_SERVES : 0) |
			 (o->launched ? START_LAUNCHED : 0) | (o->name ? START_BY_NAME : 0) |
			 (o->kernel ? START_KERNEL : 0) | (heap_launch_is(s) ? START_HOLDS : 0) |
			 (o->dump || (o->launched && !o->serves) ? START_SNAPSHOT_LAST : 0),
		.seed = clock_now() ^ clock_wall(),
	};

	s->heap.has_modules = 0;
	collection_new_tracer(&s->data, &start);
	raw_new_tracer(&s->raw);
	start.n = list_pids(s, pids, sizeof(pids) / sizeof(*pids));
	if (s->phase == PHASE_ATTACH)
		start.first_process = start.n;
	/* A snapshot that a tracer died of is not tried again: what it has got counts. */
	else
		start.flags |= START_RESTARTED;
	if (o->name)
		strncpy(start.name, o->name, sizeof(start.name) - 1);
	if (o->threads)
		strncpy(start.threads, o->threads, sizeof(start.threads) - 1);
	wire_send2(s->tracer.sock, TO_TRACER_START, &start, sizeof(start), pids,
		start.n * sizeof(*pids), -1);
}

static void on_ready(struct session *s, const struct tracer_ready *ready)
{
	if (!ready || s->phase != PHASE_ATTACH)
		return;
	if (s->options->cleanup)
		cleanup_begin(s);
	else if (!s->options->serves && result_probe(s) < 0)
		session_over(s, STATUS_FAILED);
	else
		phases_go(s, PHASE_SNAPSHOT);
}

/* The tracer has nothing more to say. */
void tracing_done(struct session *s)
{
	if (s->options->cleanup) {
		cleanup_on_answer(s, NULL);
		return;
	}
	s->tracer_done = 1;
	/* The end of a command that could not be run is no result; supervisor says so in a moment.
	 */
	if (s->phase <= PHASE_STOP && !s->launch_pending) {
		s->is_last = 1;
		phases_go(s, PHASE_FLUSH);
	}
}

#define LEFT_OUT_SHOWN 5u

static void on_refused(struct session *s, const struct tracer_refused *why)
{
	if (!why)
		return;
	if (why->is_extra) {
		if (s->left_out++ < LEFT_OUT_SHOWN)
			refusal_print(s->options, why);
		return;
	}
	if (s->phase == PHASE_ATTACH) {
		refusal_print(s->options, why);
		session_over(s, STATUS_REFUSED);
		return;
	}
	/* A restarted tracer finds the target gone or changed: the window ends here. */
	s->target_ended = why->cause == REFUSED_NO_PROCESS || why->cause == REFUSED_ZOMBIE ||
			  why->cause == REFUSED_IDENTITY;
	if (!s->target_ended)
		refusal_print(s->options, why);
	tracing_done(s);
}

static void on_maps(struct session *s, const struct wire_message *m)
{
	const struct maps *g;
	int done = collection_maps(&s->data, m, &g);

	s->data.broken += done < 0;
	if (done == 1)
		brief_maps(s, g);
}

static void on_module(struct session *s, struct wire_message *m)
{
	int is_new;
	int id = collection_module(&s->data, m, &is_new);

	s->data.broken += id < 0;
	raw_module(&s->raw, m, id, is_new);
	if (id > 0)
		go_programs_tell(s, id);
	if (id <= 0 || !is_new)
		return;
	replay_module(s, id);
	brief_module(s, id);
}

static void on_done(struct session *s, const struct tracer_done *done)
{
	s->target_ended |= done && done->target_ended;
	s->stopped_at = done ? done->at : 0;
	tracing_done(s);
}

/* The interval that was to end has ended. */
static void on_mark(struct session *s, const struct tracer_mark *mark)
{
	if (!mark || s->phase != PHASE_STOP || mark->interval != s->data.open)
		return;
	s->stopped_at = mark->at;
	phases_go(s, PHASE_FLUSH);
}

static int take_attached(struct session *s, const struct wire_message *m)
{
	const struct tracer_attached *a = wire_payload(m, sizeof(*a));

	return a ? collection_attached(&s->data, a) : -EPROTO;
}

static int take_detail(struct session *s, const struct wire_message *m)
{
	const struct tracer_detail *d = wire_payload(m, sizeof(*d));
	const struct known_thread *k = d ? known_threads_find(&s->data.threads, d->thread) : NULL;

	return k ? known_details_tell(&s->details, m, k->key, clock_now()) : -EPROTO;
}

/* Of the allocation probe. 0 or -errno. */
static int on_heap(struct session *s, const struct wire_message *m)
{
	if (m->type == TRACER_PROBE)
		return heap_probe_on_armed(s, wire_payload(m, sizeof(struct probe_refused)));
	if (m->type == TRACER_HELD)
		return heap_launch_on_held(s, wire_payload(m, sizeof(struct tracer_held)));
	return heap_probe_on_live(s, m);
}

void tracing_on_message(struct session *s, struct wire_message *m)
{
	int error = 0;

	raw_message(&s->raw, m);
	switch (m->type) {
	case TRACER_ATTACHED:
		error = take_attached(s, m);
		break;
	case TRACER_READY:
		on_ready(s, wire_payload(m, sizeof(struct tracer_ready)));
		break;
	case TRACER_PROCESSES:
		error = collection_processes(&s->data, m);
		break;
	case TRACER_MARK:
		on_mark(s, wire_payload(m, sizeof(struct tracer_mark)));
		break;
	case TRACER_REFUSED:
		on_refused(s, wire_payload(m, sizeof(struct tracer_refused)));
		break;
	case TRACER_MODULE:
		on_module(s, m);
		break;
	case TRACER_MAPS:
		on_maps(s, m);
		break;
	case TRACER_THREADS:
		error = collection_threads(&s->data, m);
		break;
	case TRACER_SNAPSHOT_DONE:
		s->heap.has_modules = 1;
		if (s->phase == PHASE_SNAPSHOT && !go_programs_await(s) && !heap_probe_await(s))
			phases_go(s, PHASE_SAMPLE);
		break;
	case TRACER_GOROUTINES:
		go_programs_on_none(s, wire_payload(m, sizeof(struct tracer_goroutines)));
		break;
	case TRACER_PROBE:
	case TRACER_HEAP:
	case TRACER_HELD:
		error = on_heap(s, m);
		break;
	case TRACER_CLEANED:
		cleanup_on_answer(s, wire_payload(m, sizeof(struct tracer_cleaned)));
		break;
	case TRACER_CONTEXT:
		brief_context(s, m);
		break;
	case TRACER_COMMAND:
		error = collection_command(&s->data, m);
		break;
	case TRACER_STATS:
		error = collection_stats(&s->data, m);
		break;
	case TRACER_CREATIONS:
		error = collection_creations(
			&s->data, wire_payload(m, sizeof(struct tracer_creations)));
		break;
	case TRACER_DONE:
		on_done(s, wire_payload(m, sizeof(struct tracer_done)));
		break;
	case TRACER_EXTRA:
		wants_on_file(s, m);
		phases_files(s);
		break;
	case TRACER_DETAIL:
		error = take_detail(s, m);
		break;
	case TRACER_KERNEL:
		error = naming_on_kernel(s, m);
		break;
	case TRACER_PERF_MAP:
		error = perf_maps_on_file(s, m);
		break;
	default:
		error = replay_on_message(s, m);
	}
	s->data.broken += error < 0;
}
