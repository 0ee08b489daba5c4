/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker that died is started again, told all it must know, and asked again what the phase waits
 * for. A tracer that died is started again until the window is over; after that its part is done.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/heap_probe.h"
#include "agent/phases.h"
#include "agent/progress.h"
#include "agent/serve/serving.h"
#include "agent/tracing.h"
#include "agent/working.h"
#include "base/log.h"
#include "base/now.h"

#define AWAY_MS 600 /* more than the loop ever sleeps while a role has work */

void session_over(struct session *s, int status)
{
	s->status = status;
	s->phase = PHASE_OVER;
}

void session_ask_supervisor(struct session *s, enum message_type type, enum role role)
{
	struct supervisor_role ask = {.role = role};

	int error = wire_send(s->supervisor, type, &ask, sizeof(ask), -1);
	if (error) {
		log_error("cannot tell the supervisor: %s", strerror(-error));
		session_over(s, STATUS_FAILED);
	}
}

static void start_role(struct session *s, struct link *l)
{
	if (l->sock >= 0 || l->starting)
		return;
	l->starting = 1;
	session_ask_supervisor(s, TO_SUPERVISOR_START, l->role);
}

static void drain(struct session *s, struct link *l);

/* --- roles that come and go --------------------------------------------------------------- */

/* Until it has told of the end of the window. */
static int is_tracer_wanted(const struct session *s)
{
	return !s->tracer_done && (!s->is_last || s->phase <= PHASE_STOP);
}

static void begin_tracing(struct session *s)
{
	tracing_start(s);
	if (s->phase == PHASE_STOP)
		phases_ask_figures(s);
}

static void on_started(struct session *s, const struct supervisor_role *r, struct wire_message *m)
{
	struct link *l = r->role == ROLE_TRACER ? &s->tracer : &s->worker;

	l->starting = 0;
	if (r->pid <= 0 || m->fd < 0) {
		log_error("cannot start a process: %s", strerror(-r->pid));
		session_over(s, STATUS_FAILED);
		return;
	}
	l->sock = m->fd;
	m->fd = -1;
	l->beat_at = clock_now();
	if (r->role == ROLE_WORKER)
		working_start(s);
	else if (is_tracer_wanted(s))
		begin_tracing(s);
}

/* A new one goes on; files that the old one was asked for will not come. */
static void replace_tracer(struct session *s)
{
	if (is_tracer_wanted(s))
		start_role(s, &s->tracer);
	wants_tracer_ended(s);
	phases_files(s);
}

/* What was collected until then is written all the same; without a worker there are no more stacks
 * and no more names. */
static void give_up_role(struct session *s, struct link *l)
{
	l->given_up = 1;
	log_error("the %s ended %u times and is not started again; the profile ends here",
		l->role == ROLE_TRACER ? "tracer" : "worker", LIMIT_RESTARTS + 1);
	if (s->phase == PHASE_ATTACH) {
		session_over(s, STATUS_FAILED);
		return;
	}
	s->tracer_done = 1;
	if (s->phase < PHASE_FLUSH)
		tracing_done(s);
	else if (l->role == ROLE_WORKER)
		phases_go(s,
			s->options->serves && s->phase == PHASE_FLUSH ? PHASE_SHARE : PHASE_WRITE);
	else
		replace_tracer(s);
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
	if (r->role == ROLE_WORKER)
		working_ended(s, r);
	if (r->role == ROLE_TRACER)
		collection_open(&s->data)->is_torn = 1;
	if (replay_on_role_ended(s, r->role) ||
		(r->role == ROLE_TRACER && heap_probe_tracer_ended(s)))
		return;
	l->restarts++;
	if (++l->recent > LIMIT_RESTARTS)
		give_up_role(s, l);
	else if (r->role == ROLE_WORKER)
		start_role(s, l);
	else
		replace_tracer(s);
}

static void on_launched(struct session *s, const struct supervisor_launched *l)
{
	char shown[256];

	if (!l)
		return;
	s->launch_pending = 0;
	if (!l->error) {
		if (s->tracer_done)
			tracing_done(s);
		else if (s->tracer.sock >= 0)
			wire_send(s->tracer.sock, TO_TRACER_LAUNCHED, NULL, 0, -1);
		return;
	}
	progress_end(s);
	log_error("cannot run %s: %s", log_escape(shown, sizeof(shown), s->options->command[0]),
		strerror(-l->error));
	session_over(s, l->error == -ENOENT ? STATUS_NO_COMMAND : STATUS_CANNOT_RUN);
}

static void on_interrupt(struct session *s)
{
	s->interrupts++;
	if (s->interrupts > 1 || s->phase == PHASE_ATTACH) {
		progress_end(s);
		log_note("given up; nothing more is written, the target runs on");
		session_over(s, STATUS_GIVEN_UP);
	} else if (s->phase == PHASE_SAMPLE) {
		phases_go(s, PHASE_STOP);
	}
	debuginfod_leave(s);
	phases_files(s);
	/* else once the interval that just ended is written */
}

static void on_supervisor_message(struct session *s, struct wire_message *m)
{
	const struct supervisor_role *r = wire_payload(m, sizeof(*r));
	/* A copy: what follows reads more messages into the same room. */
	struct supervisor_role role = r ? *r : (struct supervisor_role){0};

	if (m->type == SUPERVISOR_INTERRUPT)
		on_interrupt(s);
	else if (m->type == SUPERVISOR_LAUNCHED)
		on_launched(s, wire_payload(m, sizeof(struct supervisor_launched)));
	else if (m->type == SUPERVISOR_STARTED && r)
		on_started(s, &role, m);
	else if (m->type == SUPERVISOR_ENDED && r)
		on_ended(s, &role);
}

typedef void message_handler(struct session *s, struct wire_message *m);

/* All that waits on a socket, each in turn in room m. -EPIPE when its other side is gone. */
static int take_all(struct session *s, int sock, message_handler *handler, struct wire_message *m)
{
	int got;

	while (s->phase != PHASE_OVER && (got = wire_recv(sock, m, 0)) == 1) {
		handler(s, m);
		if (m->fd >= 0)
			close(m->fd);
		m->fd = -1;
	}
	return s->phase != PHASE_OVER && got < 0 ? got : 0;
}

/* A handler may drain another role's socket, but never its own: each has its room. */
static void drain(struct session *s, struct link *l)
{
	static struct wire_message of_tracer, of_worker;

	if (l->sock < 0)
		return;
	if (l->role == ROLE_TRACER)
		take_all(s, l->sock, tracing_on_message, &of_tracer);
	else
		take_all(s, l->sock, working_on_message, &of_worker);
}

void session_take_tracer(struct session *s)
{
	drain(s, &s->tracer);
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
		session_ask_supervisor(s, TO_SUPERVISOR_KILL, l->role);
	}
}

/* A player waits for its input, and holds nobody; nor does a tracer that nobody asks anything of.
 */
static int has_work(const struct session *s)
{
	int is_idle = s->options->serves && s->phase == PHASE_SAMPLE &&
		      !(s->mode.kinds & KINDS_OF_WINDOW);

	return !s->options->replay && !is_idle;
}

/* While we did something else for long, a role may have waited for us: for room in a queue. */
static void excuse_roles(struct session *s, uint64_t now)
{
	if (s->looked_at && now - s->looked_at > AWAY_MS * MS)
		s->tracer.beat_at = s->worker.beat_at = now;
	s->looked_at = now;
}

static void on_time(struct session *s)
{
	struct ring_page *page = s->ring->page;
	int busy = atomic_load(&page->head) != atomic_load(&page->tail) ||
		   s->phase == PHASE_FLUSH || s->phase == PHASE_SYMBOLIZE || s->wants.given;

	excuse_roles(s, clock_now());
	check_life(s, &s->tracer, atomic_load(&page->tracer_beat), has_work(s),
		LIMIT_TRACER_SILENT_MS);
	check_life(s, &s->worker, atomic_load(&page->worker_beat), busy, LIMIT_WORKER_SILENT_MS);
	if (s->phase == PHASE_SAMPLE && phases_window_is_over(s, clock_now()))
		phases_go(s, PHASE_STOP);
	if (s->debuginfod.pid)
		phases_files(s);
	heap_probe_step(s);
	if (!s->options->serves)
		progress_show(s);
}

/* How long the loop may sleep, in ms. */
static int patience(const struct session *s)
{
	uint64_t now = clock_now(), due = s->ends;
	int longest = progress_is_shown() ? 100 : 250;

	if (s->options->serves && s->phase > PHASE_SNAPSHOT)
		return serving_timeout(s, now);

	if (s->next_mark && (!due || s->next_mark < due))
		due = s->next_mark;
	if (s->phase != PHASE_SAMPLE || !due || due > now + longest * MS)
		return longest;
	return due > now ? (due - now + MS - 1) / MS : 0;
}

static void loop(struct session *s)
{
	static struct wire_message of_supervisor;

	while (s->phase != PHASE_OVER) {
		struct pollfd p[4 + SERVING_FDS] = {
			{.fd = s->supervisor, .events = POLLIN},
			{.fd = s->tracer.sock, .events = POLLIN},
			{.fd = s->worker.sock,
				.events = POLLIN | (s->to_worker.first ? POLLOUT : 0)},
			{.fd = s->debuginfod.answer, .events = POLLIN},
		};
		int more = s->server ? serving_poll_fds(s, p + 4) : 0;
		poll(p, 4 + more, patience(s));
		if (p[2].revents & POLLOUT)
			outbox_flush(&s->to_worker, s->worker.sock);
		drain(s, &s->tracer);
		drain(s, &s->worker);
		if (p[0].revents &&
			take_all(s, s->supervisor, on_supervisor_message, &of_supervisor) < 0)
			session_over(s, STATUS_FAILED);
		/* A closed socket stays readable until supervisor tells of the role's end. */
		if ((p[1].revents | p[2].revents) & POLLHUP)
			poll(NULL, 0, 1);
		on_time(s);
		if (s->server && s->phase != PHASE_OVER)
			serving_step(s, p + 4, more);
	}
}

static void set_first_mode(struct session *s)
{
	const struct options *o = s->options;

	if (o->serves)
		windows_first_mode(s, &s->mode);
	else
		s->mode = (struct tracer_mode){.kinds = o->kinds,
			.hz = o->hz,
			.flags = MODE_BEGINS | (o->dump ? MODE_DETAILS : 0)};
	s->next_mode = s->mode;
}

int session_run(const struct options *o, int supervisor, struct ring *ring)
{
	static struct session s;

	s.options = o;
	s.supervisor = supervisor;
	s.ring = ring;
	s.asked_at = clock_now();
	s.tracer = (struct link){.role = ROLE_TRACER, .sock = -1};
	s.worker = (struct link){.role = ROLE_WORKER, .sock = -1};
	debuginfod_begin(&s);
	s.symbols = symbols_new();
	buf_init(&s.summaries, 64 * MIB);
	if (!s.symbols || collection_init(&s.data) < 0 ||
		(o->kernel && collection_add_kernel(&s.data) < 0)) {
		log_error("out of memory");
		return STATUS_FAILED;
	}
	if (raw_open(&s.raw, o, clock_wall(), &s.data) < 0)
		return STATUS_FAILED;
	if (windows_init(&s.windows) < 0 || (o->serves && serving_open(&s) < 0))
		return STATUS_FAILED;
	set_first_mode(&s);
	start_role(&s, &s.worker);
	start_role(&s, &s.tracer);
	loop(&s);
	serving_close(&s);
	raw_abort(&s.raw);
	return s.status;
}
