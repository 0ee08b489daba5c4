/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/probe/clean.h"
#include "agent/probe/heap.h"
#include "agent/tracer/budget.h"
#include "agent/tracer/context.h"
#include "agent/tracer/creations.h"
#include "agent/tracer/debug_file.h"
#include "agent/tracer/goroutine_waits.h"
#include "agent/tracer/hold.h"
#include "agent/tracer/moment.h"
#include "agent/tracer/roster.h"
#include "agent/tracer/sampler.h"
#include "agent/tracer/tracer_main.h"
#include "agent/tracer/tune.h"
#include "base/wire.h"

#define SECOND	 1000000000ull
#define BEAT_NS	 250000000ull /* the longest sleep */
#define LOOK_NS	 10000000ull  /* the same while threads are watched */
#define OFTEN_HZ 50u	      /* ticks that find new threads soon enough for a mark */

struct tracer {
	int sock;
	struct ring *ring;
	struct tracer_start start;
	struct roster roster;
	struct clock clock;
	struct sampler sampler;
	struct kernel_names kernel;
	struct budget budget;
	struct goroutine_waits goroutine_waits;
	struct creations creations;
	struct heap heap;
	struct hold hold;
	struct tracer_stats stats;
	uint64_t next_refresh;
	uint64_t never_taken; /* ticks that were due at the end; while a thread is late none is */
	int running;	      /* samples are taken */
	int is_open;	      /* the window has begun, and is not over */
	int is_held;	      /* the command has not begun yet: nothing else is done meanwhile */
	struct wire_message message;
};

static void beat(void *arg)
{
	struct tracer *t = arg;

	atomic_fetch_add_explicit(&t->ring->page->tracer_beat, 1, memory_order_relaxed);
}

static void send_stats(struct tracer *t)
{
	t->stats.ticks = t->clock.taken;
	t->stats.ticks_missed = t->clock.missed + t->never_taken;
	t->stats.ticks_late = t->clock.late;
	t->stats.rescued = t->sampler.capturer.tracee.rescued;
	creations_tell(&t->creations, &t->stats);
	t->stats.signals = t->sampler.capturer.tracee.signals + t->creations.signals;
	roster_count(&t->roster, &t->stats);
	wire_send(t->sock, TRACER_STATS, &t->stats, sizeof(t->stats), -1);
}

/* After threads have moved in memory. */
static void prepare(struct tracer *t)
{
	if (t->roster.changed)
		sampler_prepare(&t->sampler, t->roster.v, t->roster.n);
	t->roster.changed = 0;
}

/* Threads, maps and figures: once a second. */
static void refresh(struct tracer *t)
{
	uint64_t now = clock_now();

	waiters_tell_all(&t->sampler.waiters, 0);
	roster_refresh(&t->roster, now);
	cpus_read(&t->sampler.cpus, t->roster.v, t->roster.n);
	prepare(t);
	send_stats(t);
	ring_wake(t->ring);
	t->next_refresh = now + SECOND;
}

/* The exact end of the window: every thread's CPU time and the process clocks, close together. */
static void finish(struct tracer *t, int target_ended)
{
	struct tracer_done done = {.target_ended = target_ended};

	if (t->running && !t->creations.is_on)
		t->never_taken = clock_overdue(&t->clock, clock_now());
	hold_end(&t->hold);
	t->is_held = 0;
	waiters_tell_all(&t->sampler.waiters, 1);
	creations_end(&t->creations, &t->stats);
	heap_end(&t->heap);
	if (t->start.flags & START_SNAPSHOT_LAST)
		moment_take_all(&t->start.mode, &t->sampler.capturer, &t->roster);
	roster_tell_all(&t->roster, 1);
	done.at = clock_now();
	send_stats(t);
	wire_send(t->sock, TRACER_DONE, &done, sizeof(done), -1);
	t->running = t->is_open = 0;
}

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
	send_stats(t);
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
	refresh(t);
	if (t->creations.is_on)
		creations_take(&t->creations, 1);
	roster_drop_ended(&t->roster);
	prepare(t);
}

static int read_changed(void *arg)
{
	struct tracer *t = arg;

	waiters_tell_all(&t->sampler.waiters, 0);
	int moved = roster_read_changed(&t->roster, &t->stats.execs);
	t->sampler.exec_seen = 0;
	prepare(t);
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
	refresh(t);
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
	send_stats(t);
	wire_send(t->sock, TRACER_SNAPSHOT_DONE, NULL, 0, -1);
	ring_wake(t->ring);
}

/* Once it is let go, what is to be sampled is. */
static void set_held(struct tracer *t)
{
	t->is_held = hold_is_on(&t->hold);
	if (t->is_held)
		return;
	roster_read_launched(&t->roster);
	prepare(t);
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
		finish(t, 1);
}

static void on_probe(struct tracer *t, const struct wire_message *m)
{
	const struct tracer_probe *ask = wire_payload(m, sizeof(*ask));

	t->heap.sock = t->sock;
	if (!ask || !t->is_open)
		return;
	heap_begin(&t->heap, ask, m->size, &t->roster, &t->sampler.capturer, &t->hold, beat, t);
	if (t->is_held)
		set_held(t);
}

static void on_message(struct tracer *t)
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
		clean_process(t->sock, &t->roster, beat, t);
	else if (m->type == TO_TRACER_LAUNCHED && !t->is_held)
		set_held(t);
	else if (m->type == TO_TRACER_MARK && t->is_open)
		on_mark(t, m);
	else if (m->type == TO_TRACER_STOP)
		finish(t, !t->roster.n);
	if (m->fd >= 0)
		close(m->fd);
}

/* A late thread comes first, whether we sample or not: its stop must not find nobody here. One that
 * takes too long is set free by our end. */
static void attend_late(struct tracer *t)
{
	struct tracee *tracee = &t->sampler.capturer.tracee;

	if (!tracee->late || tracee_collect(tracee) != -EAGAIN ||
		clock_now() - tracee->since <= LIMIT_STOP_GIVEUP_MS * 1000000ull)
		return;
	if (t->running)
		t->never_taken = clock_overdue(&t->clock, clock_now());
	send_stats(t);
	_exit(TRACER_EXIT_STUCK);
}

/* A watcher that hangs, in memory that does not answer or on an exec, holds a thread: our end frees
 * it. */
static void attend_watcher(struct tracer *t)
{
	if (!watcher_is_stuck(&t->creations.watcher))
		return;
	creations_take(&t->creations, 1);
	send_stats(t);
	_exit(TRACER_EXIT_STUCK);
}

static void tick(struct tracer *t)
{
	roster_find_new(&t->roster);
	prepare(t);
	sampler_tick(&t->sampler, t->clock.stands_for);
	if (t->start.mode.kinds & (KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX)))
		for (uint32_t i = 0; i < t->roster.n; i++)
			goroutine_waits_tick(&t->goroutine_waits, &t->sampler.capturer,
				t->roster.v[i], &t->clock, t->clock.stands_for);
	if (t->clock.slow > CLOCK_ONE)
		t->stats.slowed_ns += t->clock.period;
	if (budget_is_due(&t->budget, &t->stats))
		clock_slow(&t->clock, budget_review(&t->budget, &t->stats, roster_clock(&t->roster),
					      t->clock.slow));
}

/* The command that is held, or may begin another program. */
static void attend_hold(struct tracer *t)
{
	heap_attend(&t->heap, &t->hold);
	if (hold_is_on(&t->hold) != t->is_held)
		set_held(t);
}

static void drop_ended(struct tracer *t)
{
	if (heap_is_over(&t->heap))
		heap_end(&t->heap);
	attend_hold(t);
	waiters_tell_all(&t->sampler.waiters, 0);
	if (t->creations.is_on)
		creations_take(&t->creations, 1);
	roster_drop_ended(&t->roster);
	prepare(t);
	if (!t->roster.n)
		finish(t, 1);
}

static int has_ticks(const struct tracer *t)
{
	return t->running && (t->start.mode.kinds & KINDS_OF_TICKS);
}

/* The work that is due now. */
static void work(struct tracer *t)
{
	uint64_t now = clock_now();

	heap_take(&t->heap);
	if (t->creations.is_on)
		creations_take(&t->creations, 0);
	else if (has_ticks(t) && !t->sampler.capturer.tracee.late && clock_tick(&t->clock, now))
		tick(t);
	roster_read_wanted_maps(&t->roster, now);
	if (now >= t->next_refresh) {
		refresh(t);
		drop_ended(t);
	}
}

/* Nobody asks for anything: session expects no heartbeat. */
static int is_idle(const struct tracer *t)
{
	return t->is_open && !t->running && (t->start.flags & START_SERVES) &&
	       !t->sampler.capturer.tracee.late && !t->heap.probe.is_armed;
}

/* Sleeps until a message or the next piece of work. 1 a message waits. */
static int sleep_until_due(struct tracer *t)
{
	int watches = t->creations.is_on;
	struct pollfd p[3] = {
		{.fd = t->sock, .events = POLLIN},
		{.fd = t->is_open ? t->roster.ends : -1, .events = POLLIN},
		{.fd = watches ? t->creations.watcher.queue.wake : -1, .events = POLLIN},
	};
	uint64_t now = clock_now(), wait = BEAT_NS;

	if (!watches && has_ticks(t))
		wait = t->clock.due > now ? t->clock.due - now : 0;
	if (watches)
		wait = LOOK_NS;
	wait = heap_patience(&t->heap, wait);
	if (t->hold.state != HOLD_NONE && wait > HOLD_LOOK_NS)
		wait = HOLD_LOOK_NS;
	if (t->sampler.capturer.tracee.late)
		wait = 0;
	if (wait > BEAT_NS)
		wait = BEAT_NS;
	struct timespec ts = {.tv_nsec = wait};
	if (ppoll(p, 3, is_idle(t) ? NULL : &ts, NULL) < 0)
		return 0;
	if (p[1].revents)
		drop_ended(t);
	return !!p[0].revents;
}

int tracer_main(int sock, struct ring *ring)
{
	static struct tracer t;

	t.sock = sock;
	t.ring = ring;
	tune_tracer();
	ring_produce(ring);
	for (;;) {
		beat(&t);
		if (sleep_until_due(&t)) {
			int got = wire_recv(sock, &t.message, 0);
			if (got < 0) {
				heap_end(&t.heap);
				return 0;
			}
			if (got)
				on_message(&t);
		}
		attend_late(&t);
		attend_watcher(&t);
		attend_hold(&t);
		if ((t.running || t.heap.probe.is_armed) && !t.is_held)
			work(&t);
	}
}
