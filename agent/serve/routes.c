/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/profiles.h"
#include "agent/serve/answer.h"
#include "agent/serve/assets.h"
#include "agent/serve/markup.h"
#include "agent/serve/routes.h"
#include "agent/serve/symbols_page.h"
#include "base/now.h"

/* Readers allow some seconds more than a profile takes. */
#define WAIT_NS (3 * SECOND)

/* --- windows ------------------------------------------------------------------------------ */

static void on_done(struct session *s, struct window *w)
{
	struct exchange *e = w->arg;

	if (e) {
		if (w->error == -ESRCH)
			http_refuse(e, 503, "the process has ended");
		else if (w->error == -EAGAIN)
			http_refuse(
				e, 503, "the threads could not be looked at just now; ask again");
		else if (w->error == -ENOTSUP)
			http_refuse(e, 503, "%s", s->server->no_probe);
		else if (w->error)
			http_refuse(e, 500, "failed to collect profile: %s", strerror(-w->error));
		else
			answer_window(s, w, e);
		e->waits_for = NULL;
		s->server->profiles += e->status == 200;
		http_answer(e);
	}
	windows_drop(&s->windows, w);
}

static void wait_for(struct session *s, struct exchange *e, const struct window *how)
{
	struct window *w = windows_add(&s->windows, how);

	if (!w) {
		http_refuse(e, 500, "failed to collect profile: out of memory");
		return;
	}
	w->is_done = on_done;
	w->arg = e;
	e->waits_for = w;
}

static int is_full(struct session *s, struct exchange *e)
{
	if (windows_count(&s->windows) < HTTP_HELD)
		return 0;
	e->retry_s = 1;
	http_refuse(e, 503, "%u profiles are being taken already; ask again", HTTP_HELD);
	return 1;
}

static void open_window(struct session *s, struct exchange *e)
{
	const struct wish *wish = &e->wish;
	enum profile_kind kind = answer_kind(s, wish);
	uint64_t busy = wish->flags & WINDOW_COUNTERS
				? 0
				: windows_conflict(&s->windows, KIND(kind), clock_now());

	if (busy > WAIT_NS) {
		e->retry_s = (busy + SECOND - 1) / SECOND;
		http_refuse(e, 503,
			"threadcreate stays attached to the threads and goes alone; %s: ask again in %us",
			kind == PROFILE_THREADCREATE ? "other profiles are being taken"
						     : "its window is open",
			e->retry_s);
		return;
	}
	struct window how = {.kinds = KIND(kind),
		.flags = wish->flags,
		.pid = wish->pid,
		.length = wish->flags & WINDOW_COUNTERS ? 0 : wish->length,
		.not_before = busy ? clock_now() + busy : 0};
	wait_for(s, e, &how);
	if (!(KIND(kind) & KINDS_OF_HEAP) || e->status)
		return;
	s->heap.is_wanted = 1;
	if (s->heap.lingers)
		windows_take_last(s, e->waits_for);
}

/* Names of addresses: places of a sum that nothing is added to. */
static void look_up(struct session *s, struct exchange *e)
{
	const struct window how = {.flags = WINDOW_COUNTERS};

	wait_for(s, e, &how);
	if (e->status)
		return;
	struct window *w = e->waits_for;
	w->error = symbols_page_collect(s, e, &w->sum);
	/* Before the first interval has ended there is nothing to go on from. */
	if (s->shared)
		w->state = WINDOW_DONE;
}

/* --- routes ------------------------------------------------------------------------------- */

/* A process that is profiled, and has not ended. */
static int is_there(const struct session *s, int32_t pid)
{
	const struct process_info *p = collection_process_of_pid(&s->data, pid);

	return p && !p->has_ended;
}

/* The same, with a slash behind its path. */
static void redirect(struct exchange *e)
{
	const char *uri = e->uri ? e->uri : "/debug/pprof";
	int n = strcspn(uri, "?");

	if (asprintf(&e->location, "%.*s/%s", n, uri, uri + n) < 0) {
		e->location = NULL;
		http_refuse(e, 500, "out of memory");
		return;
	}
	e->status = 301;
	e->type = HTTP_HTML;
	buf_string(&e->body, "<a href=\"");
	markup_text(&e->body, e->location);
	buf_string(&e->body, "\">Moved Permanently</a>.\n\n");
}

/* 1: it needed no window. */
static int take_at_once(struct session *s, struct exchange *e)
{
	switch (e->wish.page) {
	case PAGE_REDIRECT:
		redirect(e);
		break;
	case PAGE_INDEX:
		answer_index(s, e);
		break;
	case PAGE_VIEW:
		answer_view(s, e);
		break;
	case PAGE_TARGET:
		answer_target(s, e);
		break;
	case PAGE_METRICS:
		answer_metrics(s, e);
		break;
	case PAGE_ASSET:
		assets_answer(e);
		break;
	default:
		return 0;
	}
	return 1;
}

void routes_take(void *owner, struct exchange *e)
{
	struct server *server = owner;
	struct session *s = server->session;
	const struct wish *wish = &e->wish;
	int is_over = s->is_last || s->interrupts || s->phase == PHASE_OVER;

	if ((!wish->pid || is_there(s, wish->pid)) && take_at_once(s, e))
		return;
	if (is_over && !answer_lingers(s, wish))
		http_refuse(
			e, 503, "%s", s->interrupts ? "the server ends" : "the process has ended");
	else if (!is_over && wish->pid && s->phase > PHASE_SNAPSHOT && !is_there(s, wish->pid))
		http_refuse(e, 404, "no such process is profiled here");
	else if (e->is_head)
		answer_head(s, e);
	else if (is_full(s, e))
		return;
	else if (wish->page == PAGE_SYMBOL)
		look_up(s, e);
	else
		open_window(s, e);
}

void routes_forget(void *owner, struct exchange *e)
{
	struct server *server = owner;
	struct window *w = e->waits_for;

	e->waits_for = NULL;
	if (!w)
		return;
	/* One that is being named is dropped when it is answered. */
	w->arg = NULL;
	if (w->state != WINDOW_DONE)
		windows_drop(&server->session->windows, w);
}
