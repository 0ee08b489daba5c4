/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/browser.h"
#include "agent/heap_probe.h"
#include "agent/naming.h"
#include "agent/phases.h"
#include "agent/serve/probing.h"
#include "agent/serve/pushing.h"
#include "agent/serve/routes.h"
#include "agent/serve/server.h"
#include "agent/serve/serving.h"
#include "base/log.h"
#include "base/now.h"

/* Readers allow 2 s more than the window: pprof half of it, scrapers 3 s. */
#define NAMES_NS (1500 * MS)

/* What is being sent when the run ends has so long to be read. */
#define LAST_MS 2000

int serving_open(struct session *s)
{
	const struct options *o = s->options;
	struct server *server = calloc(1, sizeof(*server));

	if (!server) {
		log_error("out of memory");
		return -ENOMEM;
	}
	server->session = s;
	server->http.owner = server;
	server->http.take = routes_take;
	server->http.forget = routes_forget;
	s->server = server;
	int error = o->push.n ? pushing_open(server) : 0;
	return error || !o->http ? error : http_open(&server->http, o->http, o->http_token);
}

void serving_begin(struct session *s)
{
	const struct http *h = &s->server->http;

	windows_begin(s, clock_now());
	probing_begin(s);
	if (s->options->push.n)
		pushing_begin(s);
	if (!s->options->http)
		return;
	log_note("serving %s", h->listener.url);
	if (s->options->open)
		browser_open(h->listener.url);
	if (h->token)
		log_note("the token of -http-token is asked for: the first part of the path, or "
			 "\"Authorization: Bearer TOKEN\"");
	if (h->listener.is_open_to_others && !h->token)
		log_note(
			"warning: other machines can ask, and nothing is asked of them: profiles show "
			"what a program does and where its code lies; give -http-token FILE, or no host");
}

/* --- windows that are done ---------------------------------------------------------------- */

static void name_next(struct session *s)
{
	struct window *w = windows_done(&s->windows);

	if (!w && s->is_last && !probing_linger(s))
		session_over(s, s->tracer.given_up || s->worker.given_up);
	else if (!w)
		phases_go(s, PHASE_SAMPLE);
	if (!w)
		return;
	s->written = &w->sum;
	s->names_by = clock_now() + NAMES_NS;
	/* Nobody is left who knows names. */
	phases_go(s, s->worker.given_up ? PHASE_WRITE : PHASE_DEBUG);
}

void serving_share(struct session *s)
{
	if (s->shared_is_new)
		heap_probe_count_lost(s, s->shared);
	if (s->shared_is_new)
		windows_take(s, s->shared, &s->shared_mode);
	s->shared_is_new = 0;
	name_next(s);
}

void serving_answer(struct session *s)
{
	struct window *w = windows_done(&s->windows);

	s->names_by = 0;
	if (w)
		w->is_done(s, w);
	/* Who took no notice would be asked for ever. */
	if (w && windows_done(&s->windows) == w)
		windows_drop(&s->windows, w);
	s->written = s->shared;
	name_next(s);
}

/* --- the event loop ----------------------------------------------------------------------- */

int serving_poll_fds(const struct session *s, struct pollfd *fds)
{
	struct server *server = s->server;
	int n = server->http.daemon ? http_poll_fds(&server->http, fds) : 0;

	return n + (server->push.n ? push_poll_fds(&server->push, fds + n, SERVING_FDS - n) : 0);
}

static int sooner(int ms, uint64_t due, uint64_t now)
{
	int until = due > now ? (due - now + MS - 1) / MS : 0;

	return !due || (ms >= 0 && ms < until) ? ms : until;
}

static int shorter(int a, int b)
{
	return b < 0 || (a >= 0 && a < b) ? a : b;
}

int serving_timeout(const struct session *s, uint64_t now)
{
	int is_sampled = !!(s->mode.kinds & KINDS_OF_WINDOW);
	int http = s->server->http.daemon ? http_timeout(&s->server->http) : -1;
	/* While a role works its signs of life are looked at: LIMIT_TRACER_SILENT_MS. */
	int ms = s->phase == PHASE_SAMPLE && !is_sampled ? -1
		 : s->phase == PHASE_SAMPLE		 ? 500
							 : 250;

	int push = s->server->push.n ? push_timeout_ms(&s->server->push, now) : -1;

	ms = shorter(shorter(ms, http), push);
	if (s->phase == PHASE_SAMPLE) {
		ms = sooner(ms, windows_due(&s->windows), now);
		ms = sooner(ms, s->server->probe_at, now);
		ms = sooner(ms, s->ends, now);
	}
	return sooner(ms, s->names_by, now);
}

static void hurry(struct session *s)
{
	int names = s->phase == PHASE_DEBUG || s->phase == PHASE_SYMBOLIZE;

	if (!names || !s->names_by || clock_now() < s->names_by)
		return;
	naming_give_up(s);
	s->server->hurried++;
	phases_go(s, PHASE_WRITE);
}

void serving_step(struct session *s, const struct pollfd *fds, int n)
{
	if (s->server->http.daemon)
		http_step(&s->server->http, fds, n);
	if (s->server->push.n)
		pushing_step(s);
	hurry(s);
	probing_step(s);
	/* One that needed no mark. */
	if (s->phase == PHASE_SAMPLE && s->shared && windows_done(&s->windows))
		phases_go(s, PHASE_SHARE);
}

void serving_close(struct session *s)
{
	struct server *server = s->server;

	if (!server)
		return;
	http_close(&server->http, LAST_MS);
	if (pushing_close(server) < 0 && !s->status)
		s->status = 1;
	if (s->options->http && s->phase == PHASE_OVER && s->began)
		log_note("served %" PRIu64 " requests, %" PRIu64 " of them profiles",
			server->http.counts.requests, server->profiles);
	free(server);
	s->server = NULL;
}
