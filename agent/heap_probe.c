/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/brief.h"
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

static int pid_of(const struct session *s)
{
	return s->data.first.pid ? s->data.first.pid : s->options->pids[0];
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
	log_error("process %d: %s\n%s", pid_of(s), what, remedy);
	session_over(s, 3);
}

/* The module's number for the present tracer. */
static uint32_t number_of(const struct collection *c, uint32_t module)
{
	for (uint32_t i = 0; i < c->n_numbers; i++)
		if (c->number_module[i] == module)
			return i + 1;
	return 0;
}

static void choose(struct session *s)
{
	const struct collection *c = &s->data;
	struct tracer_probe probe = {.mean = s->options->heap_rate};
	uint32_t best = 0, rivals = 0;

	for (uint32_t i = 0; i < c->n_modules; i++) {
		const struct module *m = &c->modules[i];
		if (!has_allocator(m))
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
		probe.number = number_of(c, best);
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
	if (a->allocator.v[0].size && !m->allocator) {
		m->allocator = malloc(sizeof(*a));
		if (!m->allocator)
			return -ENOMEM;
		*m->allocator = *a;
	}
	if (s->heap_awaited == HEAP_AWAIT_WORKER && all_are_known(&s->data))
		choose(s);
	return 0;
}

int heap_probe_await(struct session *s)
{
	if (!is_asked(s) || s->tracer.sock < 0)
		return 0;
	s->heap_awaited = HEAP_AWAIT_WORKER;
	if (all_are_known(&s->data))
		choose(s);
	return 1;
}

/* --- whether it can be taken over --- */

static void refuse_patch(struct session *s, const struct probe_refused *why)
{
	progress_end(s);
	log_error("process %d: its function %s cannot be taken over: %s\n"
		  "nothing was changed in it",
		pid_of(s),
		why->function < ALLOCATOR_FUNCTIONS ? allocator_names[why->function] : "?",
		patch_refusal_text(why->detail));
	session_over(s, 3);
}

static void refuse_error(struct session *s, const char *what, int error)
{
	progress_end(s);
	log_error(
		"process %d: %s: %s\nnothing was changed in it", pid_of(s), what, strerror(error));
	session_over(s, 3);
}

void heap_probe_refuse(struct session *s, const struct probe_refused *why)
{
	static const char *const texts[PROBE_CAUSES][2] = {
		[PROBE_CAUSE_ROOM] = {"no room near its allocator for the probe",
			"the addresses around it are all taken"},
		[PROBE_CAUSE_SECCOMP] =
			{"a system call filter (seccomp) is in force in it, which may "
			 "punish the probe's calls by death",
				"run as root, who may switch it off for these calls (CAP_SYS_ADMIN, "
				"and no filter of our own: a container?), or profile a run without "
				"that filter"},
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
			"left behind cpprof-attach -cleanup -p PID takes out"},
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
		heap_probe_refuse(s, why);
	else
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
		  "the probe stays in process %d and switches itself off within seconds; take it "
		  "out by -cleanup -p PID",
		pid_of(s));
	session_over(s, 1);
	return 1;
}

/* --- what the run says of itself --- */

static void sums(const struct interval *i, struct estimate *all, struct estimate *live)
{
	for (uint32_t k = 0; k < i->n_samples; k++) {
		const struct heap_sample *h = &i->samples[k];
		estimate_add(all, h);
		if (bsearch(&h->id, i->live, i->n_live, sizeof(h->id), compare_ids))
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

void heap_probe_text(const struct session *s, struct buf *out)
{
	const struct interval *i = s->written;
	const struct tracer_heap *h = &i->heap;
	struct estimate all = {0}, live = {0};

	sums(i, &all, &live);
	buf_string(out, "heap      since we attached: ");
	put_sum("allocated", &all, out);
	put_sum(", in use", &live, out);
	buf_printf(out,
		"\n          a sample each %" PRIu64 " bytes; lost: %" PRIu64
		" for want of room, %" PRIu64 " damaged, %" PRIu64 " in the worker\n",
		s->options->heap_rate, h->dropped, h->lost,
		interval_lost(i, interval_main_kind(i, s->options->kinds & KINDS_OF_HEAP)) +
			i->samples_lost);
	if (h->table_full || h->no_slot)
		buf_printf(out,
			"          %" PRIu64 " samples count as freed for want of room, %" PRIu64
			" allocations of threads past 4096 not seen\n",
			h->table_full, h->no_slot);
	buf_printf(out, "          all threads stopped %u times, at most %.1fms\n", h->stops,
		h->longest_ns / 1e6);
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
	buf_string(out, "only what was allocated since we attached: ");
	put_sum("allocated", &all, out);
	put_sum(", in use", &live, out);
	buf_printf(out, "; no room %" PRIu64 ", lost %" PRIu64 "\n", i->heap.dropped,
		i->heap.lost +
			interval_lost(i, interval_main_kind(i, s->options->kinds & KINDS_OF_HEAP)));
}
