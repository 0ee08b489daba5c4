/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/brief.h"
#include "agent/heap_launch.h"
#include "agent/heap_probe.h"
#include "agent/phases.h"
#include "agent/probe/patch.h"
#include "agent/progress.h"
#include "base/allocator_names.h"
#include "base/list.h"
#include "base/log.h"
#include "output/estimate.h"
#include "output/measure.h"

static int is_asked(const struct session *s)
{
	return (s->options->kinds & KINDS_OF_HEAP) && !s->options->serves && !s->options->replay;
}

/* --- who has an allocator --- */

void heap_probe_ask(struct session *s, uint32_t module)
{
	struct worker_allocator ask = {.module = module};

	if (is_asked(s) && !s->data.modules[module - 1].allocator_known)
		brief_send(s, TO_WORKER_ALLOCATOR, &ask, sizeof(ask), NULL, 0, -1);
}

static int all_are_known(const struct collection *c)
{
	for (uint32_t i = 0; i < c->n_modules; i++)
		if (c->modules[i].fd >= 0 && !c->modules[i].allocator_known)
			return 0;
	return 1;
}

static int has_allocator(const struct module *m)
{
	return m->allocator && m->allocator->allocator.v[0].size &&
	       m->allocator->allocator.v[1].size;
}

static const char *base_name(const struct module *m)
{
	const char *slash = strrchr(m->info.path, '/');

	return slash ? slash + 1 : m->info.path;
}

/* Whose functions the others call: the program's own; else a library's that is there to replace
 * those of the C library; else these; a loader's, which it uses before there are others, where it
 * is the C library as well (musl). */
static int rank(const struct module *m)
{
	const char *name = base_name(m);

	if (m->info.flags & MODULE_IS_EXE)
		return 4;
	if (!strncmp(name, "ld-", 3))
		return 1;
	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-2.", 7) ? 2 : 3;
}

static void refuse(struct session *s, const char *what, const char *remedy)
{
	progress_end(s);
	log_error("process %d: %s\n%s", s->data.first.pid, what, remedy);
	session_over(s, 3);
}

/* A command may have run other programs before. */
int heap_probe_is_mapped(const struct session *s, uint32_t module)
{
	const struct maps *maps = generations_newest(&s->data.maps, s->data.first.number);

	for (uint32_t i = 0; maps && i < maps->n; i++)
		if (maps->v[i].module == module)
			return 1;
	return 0;
}

static void choose(struct session *s)
{
	const struct collection *c = &s->data;
	struct tracer_probe probe = {.mean = s->options->heap_rate};
	uint32_t best = 0, rivals = 0;

	for (uint32_t i = 0; i < c->n_modules; i++) {
		const struct module *m = &c->modules[i];
		if (!has_allocator(m) || !heap_probe_is_mapped(s, i + 1))
			continue;
		int r = rank(m), before = best ? rank(&c->modules[best - 1]) : 0;
		rivals = r > before ? 0 : rivals + (r == before);
		best = r > before ? i + 1 : best;
	}
	if (!best) {
		refuse(s,
			"no allocator is known in it: no module has functions named malloc and free",
			"a static program needs its symbol table; what Go and Java allocate is not "
			"seen");
		return;
	}
	const struct module *m = &c->modules[best - 1];
	if (rivals)
		refuse(s, "several of its libraries have a malloc of their own",
			"which one is called cannot be told from outside");
	else if (m->allocator->is_checked || strstr(base_name(m), "_debug"))
		refuse(s, "its allocator checks what it is used for (a sanitizer, a debugging one)",
			"profile a build without it");
	else {
		probe.number = collection_number(c, best);
		probe.allocator = m->allocator->allocator;
		wire_send(s->tracer.sock, TO_TRACER_PROBE, &probe, sizeof(probe), -1);
		s->heap_awaited = HEAP_AWAIT_TRACER;
	}
}

int heap_probe_on_allocator(struct session *s, const struct worker_allocator *a)
{
	if (!a || !a->module || a->module > s->data.n_modules)
		return -EPROTO;
	struct module *m = &s->data.modules[a->module - 1];
	m->allocator_known = 1;
	m->loader = a->loader;
	if (a->allocator.v[0].size && !m->allocator) {
		m->allocator = malloc(sizeof(*a));
		if (!m->allocator)
			return -ENOMEM;
		*m->allocator = *a;
	}
	heap_probe_go_on(s);
	return 0;
}

void heap_probe_go_on(struct session *s)
{
	if (s->phase > PHASE_SAMPLE || !all_are_known(&s->data))
		return;
	if (s->heap_awaited == HEAP_AWAIT_LOADER)
		heap_launch_run(s);
	else if (s->heap_awaited == HEAP_AWAIT_WORKER)
		choose(s);
}

int heap_probe_await(struct session *s)
{
	/* A command has no allocator yet: see heap_launch.h. */
	if (!is_asked(s) || s->tracer.sock < 0 || heap_launch_is(s))
		return 0;
	s->heap_awaited = HEAP_AWAIT_WORKER;
	heap_probe_go_on(s);
	return 1;
}

/* --- whether it can be taken over --- */

static void refuse_patch(struct session *s, const struct probe_refused *why)
{
	progress_end(s);
	log_error("process %d: its function %s cannot be taken over: %s\n"
		  "nothing was changed in it",
		s->data.first.pid,
		why->function < ALLOCATOR_FUNCTIONS ? allocator_names[why->function] : "?",
		patch_refusal_text(why->detail));
	session_over(s, 3);
}

static void refuse_error(struct session *s, const char *what, int error)
{
	progress_end(s);
	log_error("process %d: %s: %s\nnothing was changed in it", s->data.first.pid, what,
		strerror(error));
	session_over(s, 3);
}

static void refuse_probe(struct session *s, const struct probe_refused *why)
{
	static const char *const texts[PROBE_CAUSES][2] = {
		[PROBE_CAUSE_ROOM] = {"no room near its allocator for the probe",
			"the addresses around it are all taken"},
		[PROBE_CAUSE_SECCOMP] =
			{"a system call filter (seccomp) is in force in it, which may "
			 "punish the probe's calls by death",
				"profile a run of it without that filter"},
		[PROBE_CAUSE_STOPPED] = {"it is stopped by job control",
			"let it go on first: kill -CONT PID"},
		[PROBE_CAUSE_LATE] =
			{"some thread does not stop (it waits uninterruptibly, or gets no "
			 "CPU)",
				"try again"},
		[PROBE_CAUSE_TRACED] = {"some thread is traced by another, or may not be traced",
			"end that tracer, or see doc/PERMISSIONS.md"},
		[PROBE_CAUSE_GONE] = {"it has ended", "there is nothing left to profile"},
		[PROBE_CAUSE_TAKEN] = {"an allocation probe is in it already",
			"another run of this program takes it out at its end; what one that was killed "
			"left behind is taken out by the next run, ten seconds after that"},
		[PROBE_CAUSE_BUSY] =
			{"some thread stays in the first instructions of its allocator",
				"try again"},
		[PROBE_CAUSE_MODULE] = {"its allocator is not where it was", "try again"},
	};

	if (why->cause == PROBE_CAUSE_PATCH)
		refuse_patch(s, why);
	else if (why->cause == PROBE_CAUSE_CALL)
		refuse_error(s, "a call that it was to make failed", why->detail);
	else if (why->cause == PROBE_CAUSE_MEMORY)
		refuse_error(s, "its code cannot be written", why->detail);
	else
		refuse(s, texts[why->cause][0], texts[why->cause][1]);
}

int heap_probe_on_armed(struct session *s, const struct probe_refused *why)
{
	if (!why || why->cause >= PROBE_CAUSES || s->heap_awaited != HEAP_AWAIT_TRACER)
		return -EPROTO;
	s->heap_awaited = HEAP_AWAIT_NOTHING;
	if (why->cause)
		refuse_probe(s, why);
	else if (s->phase == PHASE_SNAPSHOT)
		phases_go(s, PHASE_SAMPLE);
	return 0;
}

/* --- the end --- */

static int compare_ids(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

int heap_probe_on_live(struct session *s, const struct wire_message *m)
{
	const struct tracer_heap *h = wire_payload(m, sizeof(*h));
	struct interval *i = collection_open(&s->data);

	if (!h || !i || m->size != sizeof(*h) + h->n * sizeof(uint32_t))
		return -EPROTO;
	int error = list_room(
		&i->live, i->n_live, h->n, &i->live_room, sizeof(*i->live), LIMIT_HEAP_SAMPLES);
	if (error)
		return error;
	if (h->n)
		memcpy(i->live + i->n_live, h + 1, h->n * sizeof(uint32_t));
	i->n_live += h->n;
	i->heap = *h;
	if (h->is_last && i->n_live)
		qsort(i->live, i->n_live, sizeof(*i->live), compare_ids);
	return 0;
}

int heap_probe_tracer_ended(struct session *s)
{
	if (!is_asked(s) || s->tracer_done || s->phase > PHASE_STOP)
		return 0;
	progress_end(s);
	log_error("the tracer ended, and with it what is known of the allocations\n"
		  "the probe stays in process %d; it switches itself off within seconds",
		s->data.first.pid);
	session_over(s, 1);
	return 1;
}

/* --- what the run says of itself --- */

static void sums(const struct interval *i, struct estimate *all, struct estimate *live)
{
	for (uint32_t k = 0; k < i->n_samples; k++) {
		const struct heap_sample *h = &i->samples[k];
		estimate_add(all, h);
		if (i->n_live && bsearch(&h->id, i->live, i->n_live, sizeof(h->id), compare_ids))
			estimate_add(live, h);
	}
}

static void put_sum(const char *what, const struct estimate *e, struct buf *out)
{
	char bytes[32];

	measure_value(bytes, sizeof(bytes), e->bytes, measure_of(e->bytes, MEASURE_BYTES));
	buf_printf(out, "%s %s +-%.1f%% (%" PRIu64 " samples)", what, bytes,
		100 * estimate_error(e), e->samples);
}

static void put_dropped(const struct tracer_heap *h, struct buf *out)
{
	char bytes[32];
	int64_t weight = h->dropped_weight;

	if (h->dropped)
		buf_printf(out, " (about %s more)",
			measure_value(
				bytes, sizeof(bytes), weight, measure_of(weight, MEASURE_BYTES)));
}

void heap_probe_rate_text(const struct session *s, struct buf *out)
{
	uint64_t asked = s->options->heap_rate, last = s->written->heap.mean;

	buf_printf(out, "a sample each %" PRIu64 " bytes", asked);
	if (last > asked)
		buf_printf(out, ", made rarer under pressure, %" PRIu64 " at the end", last);
}

void heap_probe_json(const struct session *s, struct json *j)
{
	const struct interval *i = s->written;
	const struct tracer_heap *h = &i->heap;
	struct estimate all = {0}, live = {0};

	sums(i, &all, &live);
	json_object(j, "heap");
	json_string(j, "since", heap_launch_since(s));
	json_real(j, "allocated_bytes", all.bytes);
	json_real(j, "allocated_error", estimate_error(&all));
	json_number(j, "allocated_samples", all.samples);
	json_real(j, "inuse_bytes", live.bytes);
	json_real(j, "inuse_error", estimate_error(&live));
	json_number(j, "inuse_samples", live.samples);
	json_number(j, "rate_asked", s->options->heap_rate);
	json_number(j, "rate_at_the_end", h->mean);
	json_number(j, "no_room", h->dropped);
	json_real(j, "no_room_bytes", h->dropped_weight);
	json_real(j, "no_room_error",
		h->dropped_weight > 0 ? sqrt(h->dropped_variance) / h->dropped_weight : 0);
	json_number(j, "damaged", h->lost);
	json_number(j, "not_known_to_be_freed", h->table_full);
	json_number(j, "without_slot", h->no_slot);
	json_number(j, "stops", h->stops);
	json_real(j, "longest_stop", h->longest_ns / 1e9);
	json_end_object(j);
}

void heap_probe_text(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	const struct tracer_heap *h = &i->heap;
	struct estimate all = {0}, live = {0};

	if (heap_launch_is_early(s)) {
		buf_string(out, "heap      it was over before its libraries were loaded\n");
		return;
	}
	sums(i, &all, &live);
	buf_printf(out, "heap      %s: ", heap_launch_since(s));
	put_sum("allocated", &all, out);
	put_sum(", in use", &live, out);
	buf_string(out, "\n          ");
	heap_probe_rate_text(s, out);
	buf_printf(out, "; lost: %" PRIu64 " for want of room", h->dropped);
	put_dropped(h, out);
	buf_printf(out, ", %" PRIu64 " damaged, %" PRIu64 " in the worker\n", h->lost,
		interval_lost(i, interval_main_kind(i, s->options->kinds & KINDS_OF_HEAP)) +
			i->samples_lost);
	if (h->table_full || h->no_slot)
		buf_printf(out,
			"          %" PRIu64 " samples count as freed for want of room, %" PRIu64
			" allocations of threads past 4096 not seen\n",
			h->table_full, h->no_slot);
	buf_printf(out, "          all threads stopped %u times, at most %.1fms\n", h->stops,
		h->longest_ns / 1e6);
	if (h->programs)
		buf_printf(out,
			"          with what %u program%s allocated that the process ran before\n",
			h->programs, h->programs == 1 ? "" : "s");
	if (h->is_gone)
		buf_string(out, "          the process began another program (exec), whose "
				"allocations are not in it\n");
	if (h->left > 0)
		buf_string(out, "          taken out; its memory (9 MiB, without use) stays, for a "
				"thread may come back to it\n");
	else if (h->left < 0)
		buf_string(out, "          the process could not be stopped at the end: the probe "
				"stays in it, and switches itself off\n");
}

void heap_probe_comment(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	struct estimate all = {0}, live = {0};

	sums(i, &all, &live);
	buf_printf(out, "only what was allocated %s: ", heap_launch_since(s));
	put_sum("allocated", &all, out);
	put_sum(", in use", &live, out);
	buf_printf(out, "; no room %" PRIu64, i->heap.dropped);
	put_dropped(&i->heap, out);
	buf_printf(out, ", lost %" PRIu64 "\n",
		i->heap.lost +
			interval_lost(i, interval_main_kind(i, s->options->kinds & KINDS_OF_HEAP)));
}
