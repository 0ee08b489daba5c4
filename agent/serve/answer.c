/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/dump.h"
#include "agent/profiles.h"
#include "agent/serve/answer.h"
#include "agent/serve/probing.h"
#include "agent/serve/symbols_page.h"
#include "output/html.h"
#include "output/legacy.h"
#include "output/pprof.h"
#include "output/speedscope.h"
#include "output/view_json.h"

static int has_goroutines(const struct session *s, int32_t pid)
{
	const struct process_info *first = profiles_first(s);
	uint32_t program = profiles_program(s, pid || !first ? pid : first->pid);
	const struct tracer_go *go = program ? &s->data.modules[program - 1].go : NULL;

	return go && go->number && go->lack == GO_LACK_NOTHING;
}

enum profile_kind answer_kind(const struct session *s, const struct wish *wish)
{
	if (!wish->is_goroutine || (has_goroutines(s, wish->pid) && wish->debug < 2))
		return wish->kind;
	return PROFILE_THREADS;
}

int answer_lingers(const struct session *s, const struct wish *w)
{
	int is_profile =
		w->page == PAGE_PROFILE || w->page == PAGE_VIEW_DATA || w->page == PAGE_SPEEDSCOPE;

	return is_profile && !w->status && !w->length && (!w->pid || w->pid == s->data.first.pid) &&
	       probing_lingers(s, KIND(w->kind));
}

/* --- profiles ----------------------------------------------------------------------------- */

/* As /proc/PID/maps has them, those that code is in. Of several processes none: their addresses
 * mean different things. */
static const char *maps_text(const struct session *s, int32_t pid, struct buf *out)
{
	const struct process_info *p = pid ? collection_process_of_pid(&s->data, pid)
				       : s->data.processes_seen == 1 ? &s->data.first
								     : NULL;
	const struct maps *maps = p ? generations_newest(&s->data.maps, p->number) : NULL;

	for (uint32_t i = 0; maps && i < maps->n; i++) {
		const struct mapping *m = &maps->v[i];
		const struct module_info *info = &s->data.modules[m->module - 1].info;
		int is_memory = !!(info->flags & MODULE_NO_FILE);
		/* A line break in a name would be another line. */
		if (strchr(info->path, '\n'))
			continue;
		buf_printf(out,
			"%" PRIx64 "-%" PRIx64 " r-xp %08" PRIx64 " %02x:%02x %" PRIu64 " %s\n",
			m->start, m->end, is_memory ? 0 : m->offset,
			(unsigned)(info->dev >> 8 & 0xff), (unsigned)(info->dev & 0xff), info->ino,
			info->path);
	}
	return maps ? buf_text(out) : NULL;
}

static int put_legacy(struct session *s, const struct profile *p, struct exchange *e)
{
	struct buf maps;

	buf_init(&maps, LIMIT_MAPS_TEXT);
	const char *text = maps_text(s, e->wish.pid, &maps);
	int error = legacy_text(p, text, &e->body);
	buf_fini(&maps);
	e->type = HTTP_TEXT;
	return error;
}

/* What Go calls a delta: a profile that it also has without seconds. */
static int is_delta(const struct wish *w)
{
	return w->kind != PROFILE_CPU && w->kind != PROFILE_WALL && w->length;
}

static void set_file_name(struct exchange *e)
{
	e->type = HTTP_BINARY;
	snprintf(e->file_name, sizeof(e->file_name), "%s%s", e->wish.name,
		is_delta(&e->wish) ? "-delta" : "");
}

static int put_pprof(const struct profile *p, struct exchange *e)
{
	set_file_name(e);
	return pprof_bytes(p, &e->body);
}

static int put_profile(struct session *s, const struct profile *p, struct exchange *e)
{
	switch (e->wish.page) {
	case PAGE_VIEW_DATA:
		e->type = HTTP_JSON;
		return view_json(p, &e->body);
	case PAGE_SPEEDSCOPE:
		e->type = HTTP_JSON;
		return speedscope_text(p, &e->body);
	default:
		return e->wish.debug ? put_legacy(s, p, e) : put_pprof(p, e);
	}
}

static void answer_profile(struct session *s, const struct window *w, struct exchange *e)
{
	struct profiles_how how = {
		.kind = answer_kind(s, &e->wish),
		.pid = w->pid,
		.is_like_go = e->wish.is_goroutine,
		.is_in_ns = !!(w->flags & WINDOW_COUNTERS),
		.is_delta = is_delta(&e->wish),
		.is_limited = e->wish.page == PAGE_PROFILE,
	};
	struct profile *p;
	int error = profiles_build(s, &how, &p);

	if (!error) {
		error = put_profile(s, p, e);
		profile_free(p);
	}
	e->status = 200;
	if (error)
		http_refuse(e, 500, "failed to collect profile: %s", strerror(-error));
}

/* --- other answers of windows ------------------------------------------------------------- */

static void answer_dump(struct session *s, struct exchange *e)
{
	int is_page = e->wish.page == PAGE_DUMP;
	long n = dump_page(s, is_page ? FORMAT_JSON : FORMAT_GOROUTINE, e->wish.pid, &e->body);

	e->status = 200;
	e->type = is_page ? HTTP_JSON : HTTP_TEXT;
	if (n < 0)
		http_refuse(e, 500, "failed to collect profile: %s", strerror(-n));
}

/* Arguments with a NUL between them, and none behind the last. */
static void answer_command(struct session *s, struct exchange *e)
{
	const struct process_info *p =
		e->wish.pid ? collection_process_of_pid(&s->data, e->wish.pid) : profiles_first(s);
	uint32_t n = p ? p->command_len : 0;

	while (n && !p->command[n - 1])
		n--;
	e->status = 200;
	e->type = HTTP_TEXT;
	if (n)
		buf_append(&e->body, p->command, n);
	else
		buf_string(&e->body, p ? p->comm : "");
}

/* A look at the threads that a tracer died of is not made again. */
static int is_missing(const struct session *s, const struct exchange *e)
{
	enum profile_kind kind = answer_kind(s, &e->wish);

	return (KIND(kind) & KINDS_OF_MOMENT) && !s->written->received[kind] && !e->wish.length;
}

/* The threads could not be attached to: somebody else is. */
static int is_shut_out(const struct session *s, const struct exchange *e)
{
	const struct interval *i = s->written;
	int is_of_stops = e->wish.kind == PROFILE_CPU || e->wish.kind == PROFILE_WALL;

	if (e->wish.kind == PROFILE_THREADCREATE && e->wish.length)
		return !i->creations.attached;
	return is_of_stops && !i->received[e->wish.kind] && i->stats.skipped[SKIP_DENIED];
}

void answer_window(struct session *s, const struct window *w, struct exchange *e)
{
	if (e->wish.page == PAGE_COMMAND)
		answer_command(s, e);
	else if (e->wish.page == PAGE_SYMBOL)
		symbols_page_answer(s, e);
	else if (is_missing(s, e))
		http_refuse(e, 503, "the threads could not be looked at just now; ask again");
	else if (is_shut_out(s, e))
		http_refuse(e, 503, "its threads cannot be attached to: somebody else traces them");
	else if (w->flags & WINDOW_DETAILS)
		answer_dump(s, e);
	else
		answer_profile(s, w, e);
}

void answer_head(struct session *s, struct exchange *e)
{
	const struct wish *w = &e->wish;
	int is_binary = w->page == PAGE_PROFILE && !w->debug;
	int is_json =
		w->page == PAGE_VIEW_DATA || w->page == PAGE_SPEEDSCOPE || w->page == PAGE_DUMP;

	(void)s;
	e->status = 200;
	e->type = is_json ? HTTP_JSON : is_binary ? HTTP_BINARY : HTTP_TEXT;
	if (is_binary)
		set_file_name(e);
}

void answer_view(struct session *s, struct exchange *e)
{
	(void)s;
	e->status = 200;
	e->type = HTTP_HTML;
	e->page = html_page(&e->page_size);
}
