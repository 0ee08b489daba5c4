/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/brief.h"
#include "agent/heap_probe.h"
#include "agent/naming.h"
#include "agent/phases.h"
#include "agent/progress.h"
#include "agent/result.h"
#include "agent/serve/serving.h"
#include "base/log.h"
#include "base/now.h"
#include "base/wire.h"

/* The window opens: with it the command may begin. */
static void begin_sampling(struct session *s)
{
	const struct options *o = s->options;
	uint64_t now = clock_now();

	s->ends = o->window_ns ? now + o->window_ns : 0;
	s->next_mark = o->every_ns && !o->serves ? now + o->every_ns : 0;
	if (o->launched) {
		s->launch_pending = 1;
		session_ask_supervisor(s, TO_SUPERVISOR_GO, ROLE_TRACER);
	}
	if (o->serves) {
		serving_begin(s);
		return;
	}
	/* A recording is played to its end. */
	if (!(o->kinds & KINDS_OF_WINDOW) && !o->every_ns && !o->replay)
		s->ends = now;
	/* The first one at once. */
	if (o->dump && o->every_ns)
		s->next_mark = now;
}

static void forget_process(void *arg, uint32_t process)
{
	struct worker_forget forget = {.process = process};

	brief_send(arg, TO_WORKER_FORGET, &forget, sizeof(forget), NULL, 0, -1);
}

/* After an interval was written: the next one ends at the next full time, or at once. */
static void resume_sampling(struct session *s)
{
	if (s->heap.lingers)
		return;
	s->tracer.recent = s->worker.recent = 0;
	if (collection_forget(&s->data, s->written->number, forget_process, s) < 0) {
		log_error("out of memory at the end of the interval");
		session_over(s, STATUS_FAILED);
		return;
	}
	while (s->next_mark && s->next_mark <= clock_now())
		s->next_mark += s->options->every_ns;
	if (s->interrupts)
		s->ends = clock_now();
	if (s->tracer_done) {
		s->is_last = 1;
		phases_go(s, PHASE_FLUSH);
	}
}

void phases_ask_figures(struct session *s)
{
	if (s->tracer.sock >= 0)
		wire_send(s->tracer.sock, s->is_last ? TO_TRACER_STOP : TO_TRACER_MARK,
			&s->next_mode, sizeof(s->next_mode), -1);
}

/* Serving goes on until it is told to end; else the last interval is that of the run's end. */
static int is_last_interval(const struct session *s)
{
	uint32_t last = s->options->count;

	return (!s->next_mark && !s->options->serves) || s->interrupts ||
	       (last && s->data.open + 1 >= last) || (s->ends && s->ends <= clock_now());
}

static void begin_stop(struct session *s)
{
	if (s->data.open || s->options->serves)
		s->asked_at = clock_now();
	s->is_last |= is_last_interval(s);
	if (s->options->serves)
		windows_mark(s, clock_now(), &s->next_mode);
	if (s->tracer_done)
		phases_go(s, PHASE_FLUSH);
	else
		phases_ask_figures(s);
}

/* The tracer's word of when it read the last figures, where there is one: session may be late. */
static uint64_t end_of_interval(struct session *s)
{
	uint64_t now = clock_now(), at = s->stopped_at;

	s->stopped_at = 0;
	return at > collection_open(&s->data)->began && at < now ? at : now;
}

static void begin_flush(struct session *s)
{
	uint64_t now = replay_window_end(s, end_of_interval(s));
	uint64_t wall = clock_wall() - (clock_now() - now);

	s->written = s->shared = collection_open(&s->data);
	s->shared_is_new = 1;
	s->shared_mode = s->mode;
	s->mode = s->next_mode;
	if (s->is_last)
		windows_end(&s->windows);
	if (collection_close(&s->data, now) < 0 ||
		(!s->is_last && collection_open_next(&s->data, now, wall) < 0)) {
		log_error("out of memory at the end of the interval");
		session_over(s, STATUS_FAILED);
	} else if (s->worker.given_up) {
		phases_go(s, s->options->serves ? PHASE_SHARE : PHASE_WRITE);
	} else {
		brief_send(s, TO_WORKER_FLUSH, NULL, 0, NULL, 0, -1);
	}
}

/* A recording does not know of commands. */
static void finish_recording(struct session *s)
{
	const struct interval *i = s->written;
	int ended_early = s->target_ended && !phases_end_is_meant(s);

	raw_finish(&s->raw, i->wall_began, i->ended - i->began, ended_early);
}

static void begin_naming(struct session *s)
{
	finish_recording(s);
	debuginfod_begin(s);
	if (heap_probe_settle(s) < 0 || naming_collect(s) < 0 || locks_collect(s) < 0) {
		log_error("out of memory while collecting addresses");
		session_over(s, STATUS_FAILED);
	} else {
		phases_files(s);
	}
}

void phases_files(struct session *s)
{
	int is_awaited =
		s->phase == PHASE_DEBUG || (s->phase == PHASE_SYMBOLIZE && s->naming.awaits);

	if (!is_awaited || wants_ask(s))
		return;
	/* What it brings may want more. */
	if (s->phase == PHASE_DEBUG && debuginfod_step(s))
		return;
	if (s->phase == PHASE_DEBUG)
		phases_go(s, PHASE_SYMBOLIZE);
	else if (s->worker.sock >= 0 && !naming_ask(s, 1))
		phases_go(s, PHASE_WRITE);
}

static void write_result(struct session *s)
{
	progress_end(s);
	finish_recording(s); /* where the phases before this one were skipped */
	if (s->options->serves) {
		serving_answer(s);
		return;
	}
	int status = heap_probe_settle(s) < 0 ? STATUS_FAILED : result_write(s);

	s->failed |= status == STATUS_FAILED;
	if (s->is_last)
		session_over(s, s->failed ? STATUS_FAILED : s->data.open ? STATUS_DONE : status);
	else
		phases_go(s, PHASE_SAMPLE);
}

/* What begins with a phase. */
void phases_go(struct session *s, enum phase phase)
{
	enum phase before = s->phase;

	s->phase = phase;
	switch (phase) {
	case PHASE_SNAPSHOT:
		s->began = clock_now();
		s->data.intervals[0].began = s->began;
		s->data.intervals[0].wall_began = clock_wall();
		replay_begin_window(s);
		if (!s->options->serves && !(s->options->kinds & KINDS_OF_HEAP))
			progress_begin(s);
		break;
	case PHASE_SAMPLE:
		/* Who reads it may count on the probe. */
		if (!s->options->serves && before == PHASE_SNAPSHOT &&
			s->options->kinds & KINDS_OF_HEAP)
			progress_begin(s);
		if (before == PHASE_SNAPSHOT)
			begin_sampling(s);
		else
			resume_sampling(s);
		break;
	case PHASE_STOP:
		begin_stop(s);
		break;
	case PHASE_FLUSH:
		begin_flush(s);
		break;
	case PHASE_SHARE:
		serving_share(s);
		break;
	case PHASE_DEBUG:
		begin_naming(s);
		break;
	case PHASE_SYMBOLIZE:
		if (s->worker.sock >= 0 && !naming_ask(s, 0))
			phases_go(s, PHASE_WRITE);
		break;
	case PHASE_WRITE:
		write_result(s);
		break;
	default:
		break;
	}
}

int phases_end_is_meant(const struct session *s)
{
	return s->options->launched && !s->ends;
}

int phases_window_is_over(const struct session *s, uint64_t now)
{
	uint64_t due = s->options->serves ? windows_due(&s->windows) : s->next_mark;

	return (s->ends && now >= s->ends) || (due && now >= due);
}
