/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What session asks the tracer for: the beginning, marks between intervals, the probe.
 */
#include <string.h>
#include <unistd.h>

#include "agent/probe/clean.h"
#include "agent/tracer/context.h"
#include "agent/tracer/debug_file.h"
#include "agent/tracer/moment.h"
#include "agent/tracer/tracer.h"
#include "base/now.h"

#define OFTEN_HZ 50u /* ticks that find new threads soon enough for a mark */

static void refuse(struct tracer *t, const struct tracer_refused *why)
{
	wire_send(t->sock, TRACER_REFUSED, why, sizeof(*why), -1);
}

/* For the threadcreate profile: 0, or refused. */
static int watch(struct tracer *t)
{
	struct tracer_refused why = {.cause = REFUSED_OTHER, .pid = t->roster.v[0]->target.pid};

	if (!(t->start.mode.kinds & KIND(PROFILE_THREADCREATE)))
		return 0;
	why.detail = -creations_begin(&t->creations, &t->roster, &t->sampler.capturer);
	if (!why.detail)
		return 0;
	refuse(t, &why);
	return -1;
}

/* What was not sampled before has no ticks that were missed. */
static void set_mode(struct tracer *t, const struct tracer_mode *mode)
{
	uint32_t before = t->start.mode.hz;
	int was_running = t->running;

	t->start.mode = *mode;
	t->sampler.capturer.asked = mode->kinds;
	t->running = !!(mode->kinds & KINDS_OF_WINDOW);
	if (t->running && (!was_running || mode->hz != before))
		clock_set_rate(&t->clock, mode->hz, clock_now());
	if (!(mode->flags & MODE_BEGINS))
		return;
	int as_such = !!(t->start.flags & START_SERVES);
	waiters_count_again(&t->sampler.waiters, as_such);
	goroutine_waits_count_again(&t->goroutine_waits, as_such);
}

/* An interval ends here: what is captured from now on belongs to the next. */
static void mark(struct tracer *t, const struct tracer_mode *mode)
{
	struct tracer_mark mark = {.interval = t->sampler.capturer.interval};
	int is_last = t->start.flags & START_SNAPSHOT_LAST;
	int stays = mode->kinds & KIND(PROFILE_THREADCREATE);

	waiters_tell_all(&t->sampler.waiters, 1);
	if (is_last)
		moment_take_all(&t->start.mode, &t->sampler.capturer, &t->roster);
	if (t->creations.is_on && stays)
		creations_take(&t->creations, 1);
	else
		creations_end(&t->creations, &t->stats);
	if (mode->flags & MODE_COMMANDS)
		moment_tell_commands(&t->roster);
	if ((mode->flags & MODE_HEAP) || (t->start.mode.kinds & KINDS_OF_HEAP))
		heap_tell(&t->heap);
	if ((mode->flags & MODE_CONTEXTS) && !(t->start.flags & START_RESTARTED))
		context_tell_all(&t->roster);
	roster_tell_all(&t->roster, 0);
	mark.at = clock_now();
	tracer_send_stats(t);
	t->sampler.capturer.interval++;
	set_mode(t, mode);
	wire_send(t->sock, TRACER_MARK, &mark, sizeof(mark), -1);
	/* Where nobody can be attached to, session sees that nobody was. */
	if (stays && !t->creations.is_on &&
		creations_begin(&t->creations, &t->roster, &t->sampler.capturer) < 0)
		creations_end(&t->creations, &t->stats);
	if (!is_last)
		moment_take_all(&t->start.mode, &t->sampler.capturer, &t->roster);
}

/* Who looks rarely does not know of the threads that came since; nor is a list of all threads one
 * of some time ago. */
static int has_to_look_anew(const struct tracer *t, const struct tracer_mode *next)
{
	return !t->running || t->start.mode.hz < OFTEN_HZ || (next->kinds & KINDS_OF_MOMENT);
}

static void look_anew(struct tracer *t)
{
	roster_find_new(&t->roster);
	tracer_refresh(t);
	if (t->creations.is_on)
		creations_take(&t->creations, 1);
	roster_drop_ended(&t->roster);
	tracer_prepare(t);
}

static int read_changed(void *arg)
{
	struct tracer *t = arg;

	waiters_tell_all(&t->sampler.waiters, 0);
	int moved = roster_read_changed(&t->roster, &t->stats.execs);
	t->sampler.exec_seen = 0;
	tracer_prepare(t);
	return moved;
}

/* For the heap profiles of a command: 0, or refused. */
static int hold(struct tracer *t)
{
	struct tracer_refused why = {.cause = REFUSED_OTHER, .pid = t->start.launched};

	if (!(t->start.flags & START_HOLDS))
		return 0;
	why.detail = -hold_begin(&t->hold, t->roster.v[0], t->sock);
	if (!why.detail)
		return 0;
	refuse(t, &why);
	return -1;
}

static void begin(struct tracer *t)
{
	const struct tracer_start *start = &t->start;
	struct tracer_ready ready = {.n = t->roster.n};

	clock_init(&t->clock, start->mode.hz, start->seed, clock_now());
	kernel_names_init(&t->kernel, t->sock, start->first_kernel);
	budget_init(&t->budget, start->most_stop, roster_clock(&t->roster));
	t->sampler = (struct sampler){
		.capturer = {.ring = t->ring,
			.stats = &t->stats,
			.interval = start->interval,
			.asked = start->mode.kinds,
			.kernel = start->flags & START_KERNEL ? &t->kernel : NULL,
			.is_ours = waiters_knows,
			.arg = &t->sampler.waiters},
		.waiters = {.capturer = &t->sampler.capturer},
		.clock = &t->clock,
		.read_changed = read_changed,
		.arg = t,
	};
	for (uint32_t i = 0; i < t->roster.n; i++)
		process_read_maps(t->roster.v[i]);
	if (watch(t) < 0 || hold(t) < 0)
		return;
	t->is_held = hold_is_on(&t->hold);
	wire_send(t->sock, TRACER_READY, &ready, sizeof(ready), -1);
	tracer_refresh(t);
	if (!(start->flags & (START_RESTARTED | START_SNAPSHOT_LAST)))
		moment_take_threads(&start->mode, &t->sampler.capturer, &t->roster);
	wire_send(t->sock, TRACER_SNAPSHOT_DONE, NULL, 0, -1);
	ring_wake(t->ring);
	t->running = !!(start->mode.kinds & KINDS_OF_WINDOW);
	t->is_open = 1;
}

static void on_start(struct tracer *t, const struct wire_message *m)
{
	struct tracer_refused why = {.cause = REFUSED_OTHER};
	const struct tracer_start *start = wire_payload(m, sizeof(*start));

	if (!start || m->size != sizeof(*start) + start->n * sizeof(struct tracer_pid))
		return;
	t->start = *start;
	why.detail = -roster_init(&t->roster, t->sock, t->ring, start);
	/* The one before may have died of memory that does not answer. */
	if (start->flags & START_RESTARTED)
		t->roster.common.modules.memory_images = LIMIT_MEMORY_IMAGES;
	if (why.detail ||
		roster_start(&t->roster, start, (const struct tracer_pid *)(start + 1), &why) < 0)
		refuse(t, &why);
	else
		begin(t);
}

static void on_go(struct tracer *t, const struct wire_message *m)
{
	const struct tracer_go *go = wire_payload(m, sizeof(*go));

	if (go)
		known_modules_set_go(&t->roster.common.modules, go);
}

static void on_goroutines(struct tracer *t)
{
	moment_take_goroutines(&t->start.mode, &t->sampler.capturer, &t->roster);
	tracer_send_stats(t);
	wire_send(t->sock, TRACER_SNAPSHOT_DONE, NULL, 0, -1);
	ring_wake(t->ring);
}

void tracer_set_held(struct tracer *t)
{
	t->is_held = hold_is_on(&t->hold);
	if (t->is_held)
		return;
	roster_read_launched(&t->roster);
	tracer_prepare(t);
	clock_set_rate(&t->clock, t->start.mode.hz, clock_now());
}

static void on_mark(struct tracer *t, const struct wire_message *m)
{
	struct tracer_mode mode = t->start.mode;

	if (wire_payload(m, sizeof(mode)))
		memcpy(&mode, m->payload, sizeof(mode));
	if (has_to_look_anew(t, &mode))
		look_anew(t);
	if (t->roster.n)
		mark(t, &mode);
	else
		tracer_finish(t, 1);
}

static void on_probe(struct tracer *t, const struct wire_message *m)
{
	const struct tracer_probe *ask = wire_payload(m, sizeof(*ask));

	t->heap.sock = t->sock;
	if (!ask || !t->is_open)
		return;
	heap_begin(
		&t->heap, ask, m->size, &t->roster, &t->sampler.capturer, &t->hold, tracer_beat, t);
	if (t->is_held)
		tracer_set_held(t);
}

void tracer_on_message(struct tracer *t)
{
	struct wire_message *m = &t->message;

	if (m->type == TO_TRACER_START)
		on_start(t, m);
	else if (m->type == TO_TRACER_EXTRA)
		debug_file_answer(t->sock, &t->roster.common.modules, m);
	else if (m->type == TO_TRACER_GO)
		on_go(t, m);
	else if (m->type == TO_TRACER_GOROUTINES)
		on_goroutines(t);
	else if (m->type == TO_TRACER_PROBE)
		on_probe(t, m);
	else if (m->type == TO_TRACER_HEAP)
		heap_tell(&t->heap);
	else if (m->type == TO_TRACER_RUN && wire_payload(m, sizeof(struct tracer_run)))
		hold_run(&t->hold, wire_payload(m, sizeof(struct tracer_run)));
	else if (m->type == TO_TRACER_CLEAN)
		clean_process(t->sock, &t->roster, tracer_beat, t);
	else if (m->type == TO_TRACER_LAUNCHED && !t->is_held)
		tracer_set_held(t);
	else if (m->type == TO_TRACER_MARK && t->is_open)
		on_mark(t, m);
	else if (m->type == TO_TRACER_STOP)
		tracer_finish(t, !t->roster.n);
	if (m->fd >= 0)
		close(m->fd);
}
