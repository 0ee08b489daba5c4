/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/allocators.h"
#include "agent/brief.h"
#include "agent/heap_launch.h"
#include "agent/heap_probe.h"
#include "agent/phases.h"
#include "agent/probe/patch.h"
#include "agent/progress.h"
#include "agent/serve/probing.h"
#include "base/allocator_names.h"
#include "base/list.h"
#include "base/log.h"
#include "base/now.h"
#include "output/estimate.h"
#include "output/measure.h"

static int is_asked(const struct session *s)
{
	return ((s->options->kinds & KINDS_OF_HEAP) && !s->options->serves &&
		       !s->options->replay) ||
	       s->heap.is_served;
}

static int pid_of(const struct session *s)
{
	return s->data.first.pid ? s->data.first.pid : s->options->pids[0];
}

/* --- who has an allocator --- */

void heap_probe_ask(struct session *s, uint32_t module)
{
	struct worker_allocator_question ask = {
		.module = module, .with_mapping = s->options->alloc_mmap};

	if (s->options->alloc_prefix)
		snprintf(ask.prefix, sizeof(ask.prefix), "%s", s->options->alloc_prefix);
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

/* Who serves goes on serving all else. */
__attribute__((format(printf, 2, 3))) static void give_up(
	struct session *s, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	s->heap_awaited = HEAP_AWAIT_NOTHING;
	if (s->options->serves && probing_goes_on(s)) {
		probing_refuse(s, text);
		return;
	}
	progress_end(s);
	log_error("%s", text);
	session_over(s, STATUS_REFUSED);
}

static void refuse(struct session *s, const char *what, const char *remedy)
{
	give_up(s, "process %d: %s\n%s", pid_of(s), what, remedy);
}

static void refuse_managed(struct session *s)
{
	const char *whose = allocators_managed(s);

	give_up(s,
		"process %d: its memory is %s's, which manages it without malloc: what is allocated "
		"there cannot be seen\n"
		"-alloc-mmap shows what its C code allocates, and what it maps",
		pid_of(s), whose);
}

static void choose(struct session *s)
{
	struct allocators *a = s->allocators ? s->allocators : malloc(sizeof(*a));

	s->allocators = a;
	switch (a ? allocators_choose(s, a) : ALLOCATORS_MANY) {
	case ALLOCATORS_NONE:
		refuse(s,
			"no allocator is known in it: no module has functions named malloc and free",
			"a static program needs its symbol table, another name -alloc-prefix");
		return;
	case ALLOCATORS_MANAGED:
		refuse_managed(s);
		return;
	case ALLOCATORS_CHECKED:
		refuse(s, "its allocator checks what it is used for (a sanitizer, a debugging one)",
			"profile a build without it");
		return;
	case ALLOCATORS_MANY:
		heap_probe_refuse(s, &(struct probe_refused){.cause = PROBE_CAUSE_MANY});
		return;
	default:
		a->head.mean = s->options->heap_rate;
		a->head.kinds =
			s->options->serves ? KINDS_OF_HEAP : s->options->kinds & KINDS_OF_HEAP;
		wire_send2(s->tracer.sock, TO_TRACER_PROBE, &a->head, sizeof(a->head), a->lists,
			allocators_size(a) - sizeof(a->head), -1);
		s->heap_awaited = HEAP_AWAIT_TRACER;
	}
}

int heap_probe_on_allocator(struct session *s, const struct wire_message *message)
{
	const struct worker_allocator *a = wire_payload(message, sizeof(*a));

	if (!a || !a->module || a->module > s->data.n_modules)
		return -EPROTO;
	struct module *m = &s->data.modules[a->module - 1];
	int error = allocators_learn(m, message);
	m->loader = a->loader;
	if (!error)
		heap_probe_go_on(s);
	return error;
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
	if (!is_asked(s) || s->options->serves || s->tracer.sock < 0 || heap_launch_is(s))
		return 0;
	heap_probe_begin(s);
	return 1;
}

void heap_probe_begin(struct session *s)
{
	s->heap_awaited = HEAP_AWAIT_WORKER;
	heap_probe_go_on(s);
}

/* --- whether it can be taken over --- */

static void refuse_patch(struct session *s, const struct probe_refused *why)
{
	struct buf name;

	buf_init(&name, LIMIT_PATH);
	allocators_name(s, s->allocators, why->function, &name);
	give_up(s,
		"process %d: its function %s cannot be taken over: %s\n"
		"nothing was changed in it",
		pid_of(s), buf_text(&name), patch_refusal_text(why->detail));
	buf_fini(&name);
}

static void refuse_error(struct session *s, const char *what, int error)
{
	give_up(s, "process %d: %s: %s\nnothing was changed in it", pid_of(s), what,
		strerror(error));
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
		[PROBE_CAUSE_POINTER] =
			{"some thread has no thread pointer (no thread-local storage), "
			 "by which the probe tells threads apart",
				"profile a program that uses a C library"},
		[PROBE_CAUSE_BROKEN] =
			{"the process has written over an allocation probe that a killed run left in "
			 "it, and what of its code that stands in place of is not known (its files "
			 "cannot be read)",
				"try as root; else restart the process: the probe does nothing any "
				"more, but stays"},
		[PROBE_CAUSE_MANY] = {"it has more functions that allocate than can be taken over",
			"profile a program with fewer allocators"},
	};

	if (why->cause == PROBE_CAUSE_PATCH)
		refuse_patch(s, why);
	else if (why->cause == PROBE_CAUSE_CALL)
		refuse_error(s, "a call that it was to make failed", why->detail);
	else if (why->cause == PROBE_CAUSE_MAPS)
		refuse_error(s, "its mappings cannot be read", why->detail);
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
	s->armed = *why;
	if (why->cause) {
		heap_probe_refuse(s, why);
		return 0;
	}
	s->heap.is_in = 1;
	s->heap.began = s->heap.began ? s->heap.began : clock_now();
	if (s->options->serves)
		probing_is_in(s);
	else if (s->phase == PHASE_SNAPSHOT)
		phases_go(s, PHASE_SAMPLE);
	return 0;
}

/* --- what it tells --- */

int heap_probe_on_live(struct session *s, const struct wire_message *m)
{
	const struct tracer_heap *h = wire_payload(m, sizeof(*h));
	struct heap_record *r = &s->data.heap;

	if (!h || m->size != sizeof(*h) + h->n * sizeof(uint32_t))
		return -EPROTO;
	int got = heap_record_tell(r, h, (const uint32_t *)(h + 1));
	if (got != 1)
		return got;
	heap_record_fold(r, clock_now());
	s->heap.is_asked = 0;
	if (!h->is_end)
		return 0;
	s->heap.is_in = 0;
	s->heap.is_over = 1;
	if (s->options->serves && h->is_off)
		probing_is_lost(s, "the probe had switched itself off, for the profiler was held "
				   "up for ten seconds");
	else if (s->options->serves && h->is_gone)
		probing_is_lost(s, "the process began another program (exec)");
	return 0;
}

/* Samples that are dead are folded now and then: which are, the tracer has to say. */
void heap_probe_step(struct session *s)
{
	if (s->phase != PHASE_SAMPLE || !s->heap.is_in || s->heap.is_asked || s->tracer.sock < 0 ||
		!heap_record_is_due(&s->data.heap, clock_now()))
		return;
	s->heap.is_asked = wire_send(s->tracer.sock, TO_TRACER_HEAP, NULL, 0, -1) == 0;
}

void heap_probe_count_lost(struct session *s, const struct interval *i)
{
	uint64_t heap = interval_lost(i, PROFILE_HEAP), allocs = interval_lost(i, PROFILE_ALLOCS);

	s->data.heap.lost += heap > allocs ? heap : allocs;
}

int heap_probe_settle(struct session *s)
{
	struct interval *i = s->written;
	uint32_t kinds = s->options->kinds & KINDS_OF_HEAP;

	if (s->options->serves || !kinds || i->sites)
		return 0;
	heap_probe_count_lost(s, i);
	return heap_record_put(&s->data.heap, i->number, kinds, NULL, 0, i);
}

int heap_probe_tracer_ended(struct session *s)
{
	s->heap.is_asked = 0;
	if (s->options->serves && (s->heap.is_in || s->heap_awaited == HEAP_AWAIT_TRACER))
		probing_is_lost(s, "the profiler's tracer ended, and with it what was known of the "
				   "allocations");
	if (!is_asked(s) || s->options->serves || s->tracer_done || s->phase > PHASE_STOP)
		return 0;
	progress_end(s);
	log_error("the tracer ended, and with it what is known of the allocations\n"
		  "the probe stays in process %d and switches itself off within seconds; take it "
		  "out by -cleanup -p PID",
		pid_of(s));
	session_over(s, STATUS_FAILED);
	return 1;
}
