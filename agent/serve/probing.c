/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/heap_probe.h"
#include "agent/serve/probing.h"
#include "agent/serve/server.h"
#include "base/log.h"
#include "base/now.h"

/* What a tracer that died has left switches itself off in ten seconds. */
#define PAUSE_NS      10000000000ull
#define PAUSE_MOST_NS (30 * PAUSE_NS)

/* --- those that wait ---------------------------------------------------------------------- */

/* Nobody of them is being answered: these are done. */
static struct window *first_open(const struct session *s)
{
	struct window *w = s->windows.first;

	while (w && (w->state == WINDOW_DONE || !(w->kinds & KINDS_OF_HEAP)))
		w = w->next;
	return w;
}

static void fail_all(struct session *s, const char *why)
{
	struct window *w;

	snprintf(s->server->no_probe, sizeof(s->server->no_probe), "%.*s", (int)strcspn(why, "\n"),
		why);
	s->heap.is_wanted = 0;
	while ((w = first_open(s))) {
		w->error = -ENOTSUP;
		w->state = WINDOW_DONE;
		w->is_done(s, w);
	}
}

int probing_goes_on(const struct session *s)
{
	return s->options->http || (s->options->push_kinds & ~KINDS_OF_HEAP) ||
	       s->server->probe_was_in;
}

void probing_is_in(struct session *s)
{
	struct server *server = s->server;

	if (server->probe_is_missed && s->options->heap_first)
		log_note("heap, allocs: the probe is in now");
	server->probe_was_in = 1;
	server->probe_is_missed = 0;
	server->probe_pause = PAUSE_NS;
	s->windows.has_heap = 1;
	*server->no_probe = '\0';
}

/* Whoever asks, it is wanted: what is in the way now may go. */
static void try_later(struct session *s)
{
	struct server *server = s->server;

	if (!s->options->heap_first)
		return;
	server->probe_at = clock_now() + server->probe_pause;
	server->probe_pause *= 2;
	if (server->probe_pause > PAUSE_MOST_NS)
		server->probe_pause = PAUSE_MOST_NS;
}

void probing_refuse(struct session *s, const char *text)
{
	struct server *server = s->server;

	/* Who asks again is told again; nobody but them has to know. */
	if (!server->probe_refused++)
		log_note("heap, allocs: %s", text);
	server->probe_is_missed = 1;
	fail_all(s, text);
	try_later(s);
}

void probing_is_lost(struct session *s, const char *why)
{
	char text[512];

	s->heap_awaited = HEAP_AWAIT_NOTHING;
	s->heap.is_in = s->heap.is_over = 0;
	s->windows.has_heap = 0;
	heap_record_fini(&s->data.heap);
	if (heap_record_init(&s->data.heap) < 0) {
		log_error("out of memory");
		session_over(s, STATUS_FAILED);
		return;
	}
	snprintf(text, sizeof(text), "%s; ask again in some seconds", why);
	log_note("heap, allocs: %s", s->options->heap_first ? why : text);
	fail_all(s, text);
	s->heap.began = 0;
	s->server->probe_is_missed = 1;
	s->heap.is_wanted = s->options->heap_first;
}

/* --- putting it in ------------------------------------------------------------------------ */

static uint32_t living(const struct session *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->data.n_processes; i++)
		n += !s->data.processes[i].has_ended;
	return n;
}

static void put_in(struct session *s)
{
	const struct collection *c = &s->data;
	int was_served = s->heap.is_served;

	s->heap.is_served = 1;
	s->heap.is_wanted = 0;
	for (uint32_t i = 0; i < c->n_modules && !was_served; i++)
		if (c->modules[i].fd >= 0)
			heap_probe_ask(s, i + 1);
	heap_probe_begin(s);
}

/* Somebody may have asked while the process was being attached to. */
void probing_begin(struct session *s)
{
	s->heap.is_wanted |= s->options->heap_first;
	s->server->probe_pause = PAUSE_NS;
}

void probing_step(struct session *s)
{
	if (s->server->probe_at && clock_now() >= s->server->probe_at) {
		s->server->probe_at = 0;
		s->heap.is_wanted = 1;
	}
	if (!s->heap.is_wanted || s->heap.is_in || s->heap.is_over || s->heap_awaited ||
		s->phase != PHASE_SAMPLE || s->tracer.sock < 0 || s->tracer_done ||
		!s->heap.has_modules)
		return;
	/* Its threads have a tracer just now: ours, which stays for as long as that takes. */
	if (s->mode.kinds & KIND(PROFILE_THREADCREATE))
		return;
	if (living(s) == 1)
		put_in(s);
	else
		fail_all(s, "heap and allocs are of one process, and several are profiled here");
}

/* --- after the end ------------------------------------------------------------------------ */

int probing_lingers(const struct session *s, uint32_t kinds)
{
	return s->heap.lingers && (kinds & KINDS_OF_HEAP) && !s->interrupts;
}

int probing_linger(struct session *s)
{
	int is_over = s->interrupts || (s->ends && s->ends <= clock_now());

	if (!s->options->http || !s->heap.is_over || !s->windows.has_heap || !s->target_ended ||
		s->worker.given_up || is_over)
		return 0;
	if (!s->heap.lingers)
		log_note("the process has ended; what its heap was can be asked for until Ctrl-C");
	s->heap.lingers = 1;
	s->mode = s->next_mode = (struct tracer_mode){.kinds = 0};
	s->windows.clears_at = s->windows.is_left = 0;
	return 1;
}
