/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/moment.h"
#include "agent/tracer/tracer.h"
#include "agent/tracer/tracer_main.h"
#include "agent/tracer/tune.h"
#include "base/now.h"

#define BEAT_NS 250000000ull /* the longest sleep */
#define LOOK_NS 10000000ull  /* the same while threads are watched */

void tracer_beat(void *arg)
{
	struct tracer *t = arg;

	atomic_fetch_add_explicit(&t->ring->page->tracer_beat, 1, memory_order_relaxed);
}

void tracer_send_stats(struct tracer *t)
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

void tracer_prepare(struct tracer *t)
{
	if (t->roster.changed)
		sampler_prepare(&t->sampler, t->roster.v, t->roster.n);
	t->roster.changed = 0;
}

void tracer_refresh(struct tracer *t)
{
	uint64_t now = clock_now();

	waiters_tell_all(&t->sampler.waiters, 0);
	roster_refresh(&t->roster, now);
	cpus_read(&t->sampler.cpus, t->roster.v, t->roster.n);
	tracer_prepare(t);
	tracer_send_stats(t);
	ring_wake(t->ring);
	t->next_refresh = now + SECOND;
}

/* Who is followed is followed no more. If his stop is still to come it is met with those of the
 * probe, which comes next. */
static void hand_over(struct tracer *t)
{
	pid_t late = hold_end(&t->hold);

	if (late)
		remote_expect(&t->heap.probe.remote, late);
}

/* Every thread's CPU time and the process clocks, close together. */
void tracer_finish(struct tracer *t, int target_ended)
{
	struct tracer_done done = {.target_ended = target_ended};

	if (t->running && !t->creations.is_on)
		t->never_taken = clock_overdue(&t->clock, clock_now());
	hand_over(t);
	t->is_held = 0;
	waiters_tell_all(&t->sampler.waiters, 1);
	creations_end(&t->creations, &t->stats);
	heap_end(&t->heap);
	if (t->start.flags & START_SNAPSHOT_LAST)
		moment_take_all(&t->start.mode, &t->sampler.capturer, &t->roster);
	roster_tell_all(&t->roster, 1);
	done.at = clock_now();
	tracer_send_stats(t);
	wire_send(t->sock, TRACER_DONE, &done, sizeof(done), -1);
	t->running = t->is_open = 0;
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
	tracer_send_stats(t);
	_exit(TRACER_EXIT_STUCK);
}

/* A watcher that hangs, in memory that does not answer or on an exec, holds a thread: our end frees
 * it. */
static void attend_watcher(struct tracer *t)
{
	if (!watcher_is_stuck(&t->creations.watcher))
		return;
	creations_take(&t->creations, 1);
	tracer_send_stats(t);
	_exit(TRACER_EXIT_STUCK);
}

static void tick(struct tracer *t)
{
	roster_find_new(&t->roster);
	tracer_prepare(t);
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
		tracer_set_held(t);
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
	tracer_prepare(t);
	if (!t->roster.n)
		tracer_finish(t, 1);
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
	else if (has_ticks(t) && !t->sampler.capturer.tracee.late && !t->heap.probe.remote.n_late &&
		 clock_tick(&t->clock, now))
		tick(t);
	roster_read_wanted_maps(&t->roster, now);
	if (now >= t->next_refresh) {
		tracer_refresh(t);
		drop_ended(t);
	}
}

/* Nobody asks for anything: session expects no heartbeat. */
static int is_idle(const struct tracer *t)
{
	return t->is_open && !t->running && (t->start.flags & START_SERVES) &&
	       !t->sampler.capturer.tracee.late && !t->heap.probe.is_armed &&
	       !t->heap.probe.remote.n_late && !t->heap.probe.remote.unreaped;
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
	if ((t->hold.state != HOLD_NONE || t->heap.probe.remote.n_late) && wait > HOLD_LOOK_NS)
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
		tracer_beat(&t);
		if (sleep_until_due(&t)) {
			int got = wire_recv(sock, &t.message, 0);
			if (got < 0) {
				/* Its main thread cannot be stopped for the probe else. One that
				 * has not begun ends with us. */
				if (!hold_is_on(&t.hold))
					hand_over(&t);
				heap_end(&t.heap);
				return 0;
			}
			if (got)
				tracer_on_message(&t);
		}
		attend_late(&t);
		attend_watcher(&t);
		remote_attend(&t.heap.probe.remote);
		attend_hold(&t);
		if ((t.running || t.heap.probe.is_armed) && !t.is_held)
			work(&t);
	}
}
