/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attach ─▶ snapshot ─▶ sample ─▶ stop ─▶ flush ─▶ debug ─▶ symbolize ─▶ write ─▶ over
 *
 * Each phase is left by one kind of message (see enum phase). A worker that died is started again,
 * told all it must know, and asked again what the phase waits for. A tracer that died is started
 * again until the window is over; after that its part is done.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/blame.h"
#include "agent/brief.h"
#include "agent/naming.h"
#include "agent/progress.h"
#include "agent/refusal.h"
#include "agent/result.h"
#include "agent/session.h"
#include "agent/tracer/clock.h"
#include "base/log.h"

#define MS 1000000ull

void session_over(struct session *s, int status)
{
	s->status = status;
	s->phase = PHASE_OVER;
}

static void ask_supervisor(struct session *s, enum message_type type, enum role role)
{
	struct supervisor_role ask = {.role = role};

	if (wire_send(s->supervisor, type, &ask, sizeof(ask), -1) < 0)
		session_over(s, 1);
}

static void start_role(struct session *s, struct link *l)
{
	if (l->sock >= 0 || l->starting)
		return;
	l->starting = 1;
	ask_supervisor(s, TO_SUPERVISOR_START, l->role);
}

static void go(struct session *s, enum phase phase);
static void drain(struct session *s, struct link *l);

/* --- worker ------------------------------------------------------------------------------- */

/* All that a new worker must know, and what the phase waits for. */
static void tell_worker_again(struct session *s)
{
	brief_all(s);
	if (s->phase == PHASE_FLUSH)
		brief_send(s, TO_WORKER_FLUSH, NULL, 0, NULL, 0, -1);
	else if (s->phase == PHASE_SYMBOLIZE && !naming_ask(s, 1))
		go(s, PHASE_WRITE);
}

static void on_worker_message(struct session *s, struct wire_message *m)
{
	int error = 0;

	/* What the tracer said before it took a capture is here by now, and comes first. */
	drain(s, &s->tracer);
	switch (m->type) {
	case WORKER_STACKS:
		error = collection_stacks(&s->data, m);
		break;
	case WORKER_MODULE:
		error = collection_module_info(
			&s->data, wire_payload(m, sizeof(struct worker_module_info)));
		if (!error)
			raw_module_info(&s->raw, ((struct worker_module_info *)m->payload)->module);
		break;
	case WORKER_CAPTURE:
		error = raw_capture(&s->raw, m);
		break;
	case WORKER_FLUSHED:
		if (s->phase == PHASE_FLUSH)
			go(s, PHASE_DEBUG);
		break;
	case WORKER_SYMBOLS:
		error = s->phase == PHASE_SYMBOLIZE ? naming_on_symbols(s, m) : -EPROTO;
		if (error == 1 && !naming_ask(s, 0))
			go(s, PHASE_WRITE);
		break;
	default:
		error = -EPROTO;
	}
	s->data.broken += error < 0;
}

/* --- tracer ------------------------------------------------------------------------------- */

static void start_tracing(struct session *s)
{
	struct tracer_start start = {
		.pid = s->options->pid,
		.kinds = s->options->kinds,
		.hz = s->options->hz,
		.restarted = s->phase != PHASE_ATTACH,
		.seed = clock_now() ^ s->wall_began,
	};

	collection_new_tracer(&s->data, &start);
	raw_new_tracer(&s->raw);
	/* A snapshot that a tracer died of is not tried again: what it has got counts. */
	if (s->phase == PHASE_SNAPSHOT)
		start.restarted = 1;
	wire_send(s->tracer.sock, TO_TRACER_START, &start, sizeof(start), -1);
}

static void on_attached(struct session *s, const struct tracer_attached *a)
{
	if (!a)
		return;
	collection_attached(&s->data, a);
	if (s->phase != PHASE_ATTACH)
		return;
	if (result_probe(s) < 0) {
		session_over(s, 1);
		return;
	}
	go(s, PHASE_SNAPSHOT);
}

static void on_refused(struct session *s, const struct tracer_refused *why)
{
	if (!why)
		return;
	if (s->phase == PHASE_ATTACH) {
		refusal_print(s->options->pid, why);
		session_over(s, 3);
		return;
	}
	/* A restarted tracer finds the target gone or changed: the window ends here. */
	s->target_ended = 1;
	if (s->phase <= PHASE_STOP)
		go(s, PHASE_FLUSH);
}

static void on_maps(struct session *s, const struct wire_message *m)
{
	struct generation *g;
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
	if (id <= 0 || !is_new)
		return;
	replay_module(s, id);
	brief_module(s, id);
}

static void on_done(struct session *s, const struct tracer_done *done)
{
	s->target_ended |= done && done->target_ended;
	if (s->phase <= PHASE_STOP)
		go(s, PHASE_FLUSH);
}

static void on_tracer_message(struct session *s, struct wire_message *m)
{
	raw_message(&s->raw, m);
	switch (m->type) {
	case TRACER_ATTACHED:
		on_attached(s, wire_payload(m, sizeof(struct tracer_attached)));
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
		s->data.broken += collection_threads(&s->data, m) < 0;
		break;
	case TRACER_SNAPSHOT_DONE:
		if (s->phase == PHASE_SNAPSHOT)
			go(s, PHASE_SAMPLE);
		break;
	case TRACER_STATS:
		s->data.broken += collection_stats(&s->data, m) < 0;
		break;
	case TRACER_DONE:
		on_done(s, wire_payload(m, sizeof(struct tracer_done)));
		break;
	case TRACER_DEBUG_FILE:
		naming_on_debug_file(s, m);
		if (s->phase == PHASE_DEBUG && !s->naming.debug_pending)
			go(s, PHASE_SYMBOLIZE);
		break;
	default:
		s->data.broken += replay_on_message(s, m) < 0;
	}
}

/* --- phases ------------------------------------------------------------------------------- */

static void begin_sampling(struct session *s)
{
	/* A recording is played to its end. */
	if (!(s->options->kinds & 1u << PROFILE_CPU) && !s->options->replay) {
		go(s, PHASE_STOP);
		return;
	}
	s->ends = s->options->window_ns ? clock_now() + s->options->window_ns : 0;
	if (s->interrupts)
		go(s, PHASE_STOP);
}

static void begin_naming(struct session *s)
{
	if (naming_collect(s) < 0) {
		log_error("out of memory while collecting addresses");
		session_over(s, 1);
	} else if (!naming_ask_debug_files(s)) {
		go(s, PHASE_SYMBOLIZE);
	}
}

/* What begins with a phase. */
static void go(struct session *s, enum phase phase)
{
	s->phase = phase;
	switch (phase) {
	case PHASE_SNAPSHOT:
		s->began = clock_now();
		progress_begin(s);
		break;
	case PHASE_SAMPLE:
		begin_sampling(s);
		break;
	case PHASE_STOP:
		if (s->tracer.sock >= 0)
			wire_send(s->tracer.sock, TO_TRACER_STOP, NULL, 0, -1);
		else
			go(s, PHASE_FLUSH);
		break;
	case PHASE_FLUSH:
		s->ended = clock_now();
		replay_end_window(s);
		brief_send(s, TO_WORKER_FLUSH, NULL, 0, NULL, 0, -1);
		break;
	case PHASE_DEBUG:
		raw_finish(&s->raw, s->ended - s->began, s->target_ended);
		begin_naming(s);
		break;
	case PHASE_SYMBOLIZE:
		if (s->worker.sock >= 0 && !naming_ask(s, 0))
			go(s, PHASE_WRITE);
		break;
	case PHASE_WRITE:
		progress_end(s);
		raw_finish(&s->raw, s->ended - s->began, s->target_ended);
		session_over(s, result_write(s));
		break;
	default:
		break;
	}
}

/* --- roles that come and go --------------------------------------------------------------- */

static void on_started(struct session *s, const struct supervisor_role *r, struct wire_message *m)
{
	struct link *l = r->role == ROLE_TRACER ? &s->tracer : &s->worker;

	l->starting = 0;
	if (r->pid <= 0 || m->fd < 0) {
		log_error("cannot start a process: %s", strerror(-r->pid));
		session_over(s, 1);
		return;
	}
	l->sock = m->fd;
	m->fd = -1;
	l->beat_at = clock_now();
	if (r->role == ROLE_WORKER)
		tell_worker_again(s);
	else if (s->phase <= PHASE_SAMPLE) /* else the window ended meanwhile */
		start_tracing(s);
}

/* Without a worker there are no more stacks and no more names. */
static void write_unnamed(struct session *s)
{
	if (s->phase < PHASE_FLUSH)
		s->ended = clock_now();
	go(s, PHASE_WRITE);
}

/* What was collected until then is written all the same. */
static void give_up_role(struct session *s, enum role role)
{
	log_error("the %s ended %u times and is not started again; the profile ends here",
		role == ROLE_TRACER ? "tracer" : "worker", LIMIT_RESTARTS + 1);
	if (s->phase == PHASE_ATTACH)
		session_over(s, 1);
	else if (role == ROLE_WORKER)
		write_unnamed(s);
	else if (s->phase < PHASE_FLUSH)
		go(s, PHASE_FLUSH);
	else if (s->phase == PHASE_DEBUG)
		go(s, PHASE_SYMBOLIZE);
}

static void on_ended(struct session *s, const struct supervisor_role *r)
{
	struct link *l = r->role == ROLE_TRACER ? &s->tracer : &s->worker;

	drain(s, l); /* what it still said counts */
	if (s->phase == PHASE_OVER)
		return;
	if (l->sock >= 0)
		close(l->sock);
	l->sock = -1;
	if (r->role == ROLE_WORKER) {
		outbox_clear(&s->to_worker);
		blame_module(s, r);
	}
	if (replay_on_role_ended(s, r->role))
		return;
	if (++l->restarts > LIMIT_RESTARTS)
		give_up_role(s, r->role);
	else if (r->role == ROLE_WORKER || s->phase < PHASE_STOP)
		start_role(s, l);
	else if (s->phase == PHASE_STOP)
		go(s, PHASE_FLUSH);
	else if (s->phase == PHASE_DEBUG)
		go(s, PHASE_SYMBOLIZE);
}

static void on_interrupt(struct session *s)
{
	s->interrupts++;
	if (s->interrupts > 1 || s->phase == PHASE_ATTACH) {
		progress_end(s);
		log_note("given up; nothing more is written, the target runs on");
		session_over(s, 130);
	} else if (s->phase == PHASE_SAMPLE) {
		go(s, PHASE_STOP);
	}
}

static void on_supervisor_message(struct session *s, struct wire_message *m)
{
	const struct supervisor_role *r = wire_payload(m, sizeof(*r));
	/* A copy: what follows reads more messages into the same room. */
	struct supervisor_role role = r ? *r : (struct supervisor_role){0};

	if (m->type == SUPERVISOR_INTERRUPT)
		on_interrupt(s);
	else if (m->type == SUPERVISOR_STARTED && r)
		on_started(s, &role, m);
	else if (m->type == SUPERVISOR_ENDED && r)
		on_ended(s, &role);
}

typedef void message_handler(struct session *s, struct wire_message *m);

/* All that waits on a socket. -EPIPE when its other side is gone. */
static int take_all(struct session *s, int sock, message_handler *handler)
{
	/* Shared by nested calls. Those come last in their handlers, but for the tracer's messages,
	 * which the worker's handler takes first. */
	static struct wire_message of_worker, of_others;
	struct wire_message *m = handler == on_worker_message ? &of_worker : &of_others;
	int got = 0;

	while (s->phase != PHASE_OVER && (got = wire_recv(sock, m, 0)) == 1) {
		handler(s, m);
		if (m->fd >= 0)
			close(m->fd);
		m->fd = -1;
	}
	return s->phase != PHASE_OVER && got < 0 ? got : 0;
}

static void drain(struct session *s, struct link *l)
{
	if (l->sock >= 0)
		take_all(
			s, l->sock, l->role == ROLE_TRACER ? on_tracer_message : on_worker_message);
}

/* A role that has work and shows no life is killed; its end restarts it. */
static void check_life(
	struct session *s, struct link *l, uint64_t beat, int has_work, uint64_t silent_ms)
{
	uint64_t now = clock_now();

	if (l->sock < 0)
		return;
	if (beat != l->beat || !has_work) {
		l->beat = beat;
		l->beat_at = now;
	} else if (now - l->beat_at > silent_ms * MS) {
		log_debug("the %s shows no life, it is replaced",
			l->role == ROLE_TRACER ? "tracer" : "worker");
		l->beat_at = now;
		ask_supervisor(s, TO_SUPERVISOR_KILL, l->role);
	}
}

static void on_time(struct session *s)
{
	struct ring_page *page = s->ring->page;
	int busy = atomic_load(&page->head) != atomic_load(&page->tail) ||
		   s->phase == PHASE_FLUSH || s->phase == PHASE_SYMBOLIZE;

	/* A player waits for its input, and holds nobody. */
	check_life(s, &s->tracer, atomic_load(&page->tracer_beat), !s->options->replay,
		LIMIT_TRACER_SILENT_MS);
	check_life(s, &s->worker, atomic_load(&page->worker_beat), busy, LIMIT_WORKER_SILENT_MS);
	if (s->phase == PHASE_SAMPLE && s->ends && clock_now() >= s->ends)
		go(s, PHASE_STOP);
	progress_show(s);
}

/* How long the loop may sleep, in ms. */
static int patience(const struct session *s)
{
	uint64_t now = clock_now();
	int longest = progress_is_shown() ? 100 : 250;

	if (s->phase != PHASE_SAMPLE || !s->ends || s->ends > now + longest * MS)
		return longest;
	return s->ends > now ? (s->ends - now + MS - 1) / MS : 0;
}

static void loop(struct session *s)
{
	while (s->phase != PHASE_OVER) {
		struct pollfd p[3] = {
			{.fd = s->supervisor, .events = POLLIN},
			{.fd = s->tracer.sock, .events = POLLIN},
			{.fd = s->worker.sock,
				.events = POLLIN | (s->to_worker.first ? POLLOUT : 0)},
		};
		poll(p, 3, patience(s));
		if (p[2].revents & POLLOUT)
			outbox_flush(&s->to_worker, s->worker.sock);
		/* The tracer's word first: it has told of a thread before the worker shows its
		 * stack. */
		drain(s, &s->tracer);
		drain(s, &s->worker);
		if (p[0].revents && take_all(s, s->supervisor, on_supervisor_message) < 0)
			session_over(s, 1);
		/* A closed socket stays readable until supervisor tells of the role's end. */
		if ((p[1].revents | p[2].revents) & POLLHUP)
			poll(NULL, 0, 1);
		on_time(s);
	}
}

int session_run(const struct options *o, int supervisor, struct ring *ring)
{
	static struct session s;
	struct timespec wall;

	clock_gettime(CLOCK_REALTIME, &wall);
	s.options = o;
	s.supervisor = supervisor;
	s.ring = ring;
	s.wall_began = wall.tv_sec * 1000000000ull + wall.tv_nsec;
	s.tracer = (struct link){.role = ROLE_TRACER, .sock = -1};
	s.worker = (struct link){.role = ROLE_WORKER, .sock = -1};
	s.symbols = symbols_new();
	if (!s.symbols || collection_init(&s.data) < 0) {
		log_error("out of memory");
		return 1;
	}
	if (raw_open(&s.raw, o, s.wall_began, &s.data) < 0)
		return 1;
	start_role(&s, &s.worker);
	start_role(&s, &s.tracer);
	loop(&s);
	raw_abort(&s.raw);
	return s.status;
}
