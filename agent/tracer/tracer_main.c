/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/debug_file.h"
#include "agent/tracer/mappings.h"
#include "agent/tracer/sampler.h"
#include "agent/tracer/snapshot.h"
#include "agent/tracer/tracer_main.h"
#include "base/wire.h"

#define SECOND	1000000000ull
#define BEAT_NS 100000000ull /* the longest sleep */
#define FIGURES 1000u	     /* threads in one message */

_Static_assert(FIGURES * sizeof(struct tracer_thread) <= LIMIT_MESSAGE, "fits");

struct tracer {
	int sock;
	struct ring *ring;
	struct target target;
	struct threads threads;
	struct mappings mappings;
	struct clock clock;
	struct sampler sampler;
	struct tracer_stats stats;
	uint64_t next_refresh;
	uint64_t next_listing; /* before that threads are not listed again */
	uint64_t listing_gap;
	uint64_t next_maps; /* before that the worker is not heard */
	int running;
	int done;
	struct wire_message message;
};

static void beat(struct tracer *t)
{
	atomic_fetch_add_explicit(&t->ring->page->tracer_beat, 1, memory_order_relaxed);
}

/* The id of any live thread: the main one may have ended. */
static pid_t live_tid(const struct tracer *t)
{
	for (uint32_t i = 0; i < t->threads.n; i++)
		if (!t->threads.v[i].ended && t->threads.v[i].tid != t->target.pid)
			return t->threads.v[i].tid;
	return t->target.pid;
}

static void refresh_maps(struct tracer *t)
{
	/* Those of a main thread that has ended are empty. */
	if (mappings_refresh(&t->mappings, t->target.pid) < 0 &&
		mappings_refresh(&t->mappings, live_tid(t)) < 0)
		t->mappings.failed++;
	t->sampler.capturer.generation = t->mappings.generation;
}

static void send_threads(struct tracer *t)
{
	static struct tracer_thread figures[FIGURES];
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->threads.n; i++) {
		struct thread *th = &t->threads.v[i];
		if (!th->unsent)
			continue;
		th->unsent = 0;
		figures[n] = (struct tracer_thread){
			.serial = th->serial,
			.tid = th->tid,
			.start_time = th->start_time,
			.cpu = th->last.cpu,
			.is_new = th->is_new,
			.has_ended = th->ended,
		};
		memcpy(figures[n].name, th->name, sizeof(th->name));
		if (++n == FIGURES) {
			wire_send(t->sock, TRACER_THREADS, figures, sizeof(figures), -1);
			n = 0;
		}
	}
	if (n)
		wire_send(t->sock, TRACER_THREADS, figures, n * sizeof(*figures), -1);
}

/* Kept from before once the process is gone. */
static void read_clock(struct tracer *t)
{
	uint64_t now = target_clock(&t->target);

	if (now)
		t->stats.clock = now;
}

static void send_stats(struct tracer *t)
{
	read_clock(t);
	t->stats.ticks = t->clock.taken;
	t->stats.ticks_missed = t->clock.missed;
	t->stats.ticks_late = t->clock.late;
	t->stats.rescued = t->sampler.capturer.tracee.rescued;
	t->stats.signals = t->sampler.capturer.tracee.signals;
	t->stats.threads_now = t->threads.n;
	t->stats.threads_seen = t->threads.seen;
	t->stats.maps_failed = t->mappings.failed;
	wire_send(t->sock, TRACER_STATS, &t->stats, sizeof(t->stats), -1);
}

#define LISTING_NS 50000000ull /* at most so often for threads that come and go */

static void list_threads(struct tracer *t)
{
	uint32_t live = threads_live(&t->threads), seen = t->threads.seen;

	threads_refresh(&t->threads);
	/* The kernel counts a thread that we cannot see: no reason to look again and again. */
	int is_news = live != threads_live(&t->threads) || seen != t->threads.seen;
	t->listing_gap = is_news		   ? LISTING_NS
			 : t->listing_gap < SECOND ? 2 * t->listing_gap
						   : SECOND;
	send_threads(t);
	threads_sweep(&t->threads);
	sampler_prepare(&t->sampler);
	t->next_listing = clock_now() + t->listing_gap;
}

/* Threads, maps and figures: once a second, and when something asks for it. */
static void refresh(struct tracer *t)
{
	list_threads(t);
	cpus_read(&t->sampler.cpus, &t->target, &t->threads);
	refresh_maps(t);
	send_stats(t);
	ring_wake(t->ring);
	t->next_refresh = clock_now() + SECOND;
}

/* The exact end of the window: every thread's CPU time and the process clock, close together. */
static void finish(struct tracer *t, int target_ended)
{
	struct tracer_done done = {.target_ended = target_ended};

	if (!target_ended)
		threads_refresh(&t->threads);
	uint64_t now = clock_now();
	for (uint32_t i = 0; i < t->threads.n; i++)
		if (!t->threads.v[i].ended)
			thread_look(&t->threads.v[i], now);
	send_threads(t);
	send_stats(t);
	wire_send(t->sock, TRACER_DONE, &done, sizeof(done), -1);
	t->running = 0;
}

static void refuse(struct tracer *t, const struct tracer_refused *why)
{
	wire_send(t->sock, TRACER_REFUSED, why, sizeof(*why), -1);
}

static void begin(struct tracer *t, const struct tracer_start *start)
{
	threads_init(&t->threads, &t->target, start->first_serial);
	mappings_init(&t->mappings, &t->target, t->sock, start->first_generation);
	clock_init(&t->clock, start->hz, start->seed, clock_now());
	t->sampler = (struct sampler){
		.capturer = {.target = &t->target, .ring = t->ring, .stats = &t->stats},
		.threads = &t->threads,
		.clock = &t->clock,
	};
	threads_refresh(&t->threads);
	struct tracer_attached attached = {
		.pid = t->target.pid,
		.n_threads = t->threads.n,
		.start_time = t->target.stat.start_time,
		.clock = target_clock(&t->target),
	};
	memcpy(attached.comm, t->target.stat.comm, sizeof(attached.comm));
	wire_send(t->sock, TRACER_ATTACHED, &attached, sizeof(attached), -1);
	refresh(t);
	if (start->kinds & 1u << PROFILE_THREADS && !start->restarted)
		snapshot_take(&t->sampler.capturer, &t->threads);
	wire_send(t->sock, TRACER_SNAPSHOT_DONE, NULL, 0, -1);
	ring_wake(t->ring);
	t->running = !!(start->kinds & 1u << PROFILE_CPU);
}

static void on_start(struct tracer *t, const struct tracer_start *start)
{
	struct tracer_refused why = {0};

	if (target_open(&t->target, start->pid, &why) < 0) {
		refuse(t, &why);
		return;
	}
	if (start->restarted && t->target.stat.start_time != start->start_time) {
		why.cause = REFUSED_IDENTITY;
		refuse(t, &why);
		return;
	}
	begin(t, start);
}

static void on_debug_file(struct tracer *t, const struct tracer_debug_file *ask)
{
	int fd = debug_file_open(ask->build_id, ask->build_id_len);

	wire_send(t->sock, TRACER_DEBUG_FILE, ask, sizeof(*ask), fd);
	if (fd >= 0)
		close(fd);
}

static void on_message(struct tracer *t)
{
	struct wire_message *m = &t->message;
	const void *p;

	if (m->type == TO_TRACER_START && (p = wire_payload(m, sizeof(struct tracer_start))))
		on_start(t, p);
	else if (m->type == TO_TRACER_DEBUG_FILE &&
		 (p = wire_payload(m, sizeof(struct tracer_debug_file))))
		on_debug_file(t, p);
	else if (m->type == TO_TRACER_STOP)
		finish(t, !target_is_alive(&t->target));
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
	send_stats(t);
	_exit(TRACER_EXIT_STUCK);
}

static void tick(struct tracer *t)
{
	sampler_tick(&t->sampler);
	read_clock(t);
	if (t->sampler.exec_seen) {
		t->sampler.exec_seen = 0;
		t->stats.execs++;
		refresh(t);
	} else if (t->sampler.stale && clock_now() >= t->next_listing) {
		list_threads(t);
	}
}

/* The work that is due now. */
static void work(struct tracer *t)
{
	uint64_t now = clock_now();

	if (!t->sampler.capturer.tracee.late && clock_tick(&t->clock, now))
		tick(t);
	uint32_t wanted = atomic_load_explicit(&t->ring->page->maps_wanted, memory_order_relaxed);
	/* A stray pc asks for newer maps, too, and there are none: once a second is enough. */
	if (wanted == t->mappings.generation + 1 && now >= t->next_maps) {
		refresh_maps(t);
		t->next_maps = now + SECOND;
	}
	if (now >= t->next_refresh) {
		refresh(t);
		if (!target_is_alive(&t->target))
			finish(t, 1);
	}
}

/* Sleeps until a message or the next piece of work. 1 a message waits. */
static int sleep_until_due(struct tracer *t)
{
	struct pollfd p[2] = {
		{.fd = t->sock, .events = POLLIN},
		{.fd = t->running ? t->target.pidfd : -1, .events = POLLIN},
	};
	uint64_t now = clock_now(), wait = BEAT_NS;

	if (t->running)
		wait = t->clock.due > now ? t->clock.due - now : 0;
	if (t->sampler.capturer.tracee.late)
		wait = 0;
	if (wait > BEAT_NS)
		wait = BEAT_NS;
	struct timespec ts = {.tv_nsec = wait};
	if (ppoll(p, 2, &ts, NULL) < 0)
		return 0;
	if (p[1].revents)
		finish(t, 1);
	return !!p[0].revents;
}

static void on_alarm(int signal)
{
	(void)signal; /* only ends a wait */
}

/* Bounds every wait for a stop; see tracee_stop. */
static void take_alarm(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &sa, NULL);
}

/* struct sched_attr of include/uapi/linux/sched/types.h, first version. */
struct slice {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Since 6.12 a thread that wakes preempts one with a longer slice at once (fair.c, PREEMPT_SHORT).
 * Without that a tick on the target's CPU waits until the target's own slice is used up or a call
 * of it enters the scheduler: the first millisecond of each burst would hardly be seen. */
static void ask_for_short_slice(void)
{
	struct slice s = {
		.size = sizeof(s),
		.nice = getpriority(PRIO_PROCESS, 0),
		.runtime = 100000, /* the least */
	};

	syscall(SYS_sched_setattr, 0, &s, 0);
}

/* What only helps: precise sleeps, and not to lose the CPU while a thread of the
 * target is stopped. Refusals are accepted. */
static void tune(void)
{
	prctl(PR_SET_TIMERSLACK, 1000ul);
	setpriority(PRIO_PROCESS, 0, -20);
	ask_for_short_slice();
}

int tracer_main(int sock, struct ring *ring)
{
	static struct tracer t;

	t.sock = sock;
	t.ring = ring;
	t.target.proc = t.target.pidfd = -1;
	tune();
	ring_produce(ring);
	take_alarm();
	for (;;) {
		beat(&t);
		if (sleep_until_due(&t)) {
			int got = wire_recv(sock, &t.message, 0);
			if (got < 0)
				return 0;
			if (got)
				on_message(&t);
		}
		attend_late(&t);
		if (t.running)
			work(&t);
	}
}
