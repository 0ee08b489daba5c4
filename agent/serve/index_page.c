/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is: Go's index page, and the same in JSON for the web view.
 */
#include <inttypes.h>
#include <string.h>

#include "agent/profiles.h"
#include "agent/serve/answer.h"
#include "agent/serve/assets.h"
#include "agent/serve/markup.h"
#include "base/json.h"
#include "config.h"
#include "output/profile.h"

struct row {
	const char *name, *about;
	int kind; /* enum profile_kind; -1: none */
};

/* By name. */
static const struct row rows[] = {
	{"allocs",
		"A sampling of all allocations since this or heap was asked for first, as heap has them",
		PROFILE_ALLOCS},
	{"block",
		"Stack traces of threads that waited for others: for a lock, a condition, a signal",
		PROFILE_BLOCK},
	{"cmdline", "The command line of the program", -1},
	{"goroutine",
		"Stack traces of all current goroutines; of a program without such, of its threads",
		PROFILE_GOROUTINE},
	{"heap",
		"A sampling of the allocations that are alive, of those since this or allocs was asked "
		"for first. You can specify the gc GET parameter, which has no meaning here, and the "
		"seconds GET parameter for what came and went in that time.",
		PROFILE_HEAP},
	{"mutex", "Stack traces of the holders of locks that others waited for", PROFILE_MUTEX},
	{"profile",
		"CPU profile. You can specify the duration in the seconds GET parameter. After you get "
		"the profile file, use the go tool pprof command to investigate the profile.",
		PROFILE_CPU},
	{"threadcreate",
		"Stack traces that led to the creation of new threads, in the windows that were asked "
		"for with the seconds GET parameter; it stays attached to the threads for that long.",
		PROFILE_THREADCREATE},
	{"threads", "Stack traces of all current threads", PROFILE_THREADS},
	{"wall",
		"What the threads did, running or not, with the seconds GET parameter as for profile",
		PROFILE_WALL},
};

#define ROWS (sizeof(rows) / sizeof(*rows))

/* As Go counts: entries of what is there without asking for it. */
static uint64_t count_of(const struct session *s, const struct row *row)
{
	const struct interval *counted = &s->windows.counters;

	if (row->kind == PROFILE_THREADS || row->kind == PROFILE_GOROUTINE)
		return s->data.now.threads_now;
	if (row->kind == PROFILE_HEAP || row->kind == PROFILE_ALLOCS)
		return s->data.heap.n_sites;
	return row->kind >= 0 && (KIND(row->kind) & WINDOWS_COUNTED) ? counted->received[row->kind]
								     : 0;
}

/* Names of programs may be any bytes. */
static void put_processes(const struct session *s, struct buf *out)
{
	if (s->data.n_processes < 2)
		return;
	buf_string(out, "<p>\nProcesses, each with an index of its own:\n<ul>\n");
	for (uint32_t i = 0; i < s->data.n_processes; i++) {
		const struct process_info *p = &s->data.processes[i];
		if (p->has_ended)
			continue;
		buf_printf(out, "<li><a href='../../pid/%d/debug/pprof/'>%d</a> ", p->pid, p->pid);
		markup_text(out, p->comm);
		buf_string(out, "</li>\n");
	}
	buf_string(out, "</ul>\n</p>\n");
}

void answer_index(struct session *s, struct exchange *e)
{
	struct buf *out = &e->body;

	e->status = 200;
	e->type = HTTP_HTML;
	buf_string(out,
		"<html>\n<head>\n<title>/debug/pprof/</title>\n<style>\n"
		".profile-name{\n\tdisplay:inline-block;\n\twidth:6rem;\n}\n</style>\n</head>\n"
		"<body>\n/debug/pprof/\n<br>\n"
		"<p>Set debug=1 as a query parameter to export in legacy text format</p>\n<br>\n"
		"Types of profiles available:\n<table>\n"
		"<thead><td>Count</td><td>Profile</td></thead>\n");
	for (size_t i = 0; i < ROWS; i++)
		buf_printf(out,
			"<tr><td>%" PRIu64 "</td><td><a href='%s?debug=1'>%s</a></td></tr>\n",
			count_of(s, &rows[i]), rows[i].name, rows[i].name);
	buf_string(out,
		"</table>\n<a href=\"goroutine?debug=2\">full goroutine stack dump</a>\n<br>\n"
		"<p>\nProfile Descriptions:\n<ul>\n");
	for (size_t i = 0; i < ROWS; i++)
		buf_printf(out, "<li><div class=profile-name>%s: </div> %s</li>\n", rows[i].name,
			rows[i].about);
	buf_string(out, "</ul>\n</p>\n");
	if (!e->wish.pid)
		put_processes(s, out);
	buf_string(out, "</body>\n</html>");
}

/* --- for the web view --------------------------------------------------------------------- */

static void put_kinds(struct json *j)
{
	static const enum profile_kind kinds[] = {PROFILE_CPU, PROFILE_WALL, PROFILE_THREADS,
		PROFILE_GOROUTINE, PROFILE_BLOCK, PROFILE_MUTEX, PROFILE_HEAP, PROFILE_ALLOCS,
		PROFILE_THREADCREATE};

	json_array(j, "kinds");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		json_object(j, NULL);
		json_string(j, "name", profile_kind_name(kinds[i]));
		json_number(j, "of_moment", !!(KIND(kinds[i]) & KINDS_OF_MOMENT));
		json_number(j, "counter", !!(KIND(kinds[i]) & (WINDOWS_COUNTED | KINDS_OF_HEAP)));
		json_end_object(j);
	}
	json_end_array(j);
}

void answer_target(struct session *s, struct exchange *e)
{
	struct json j = {.out = &e->body};

	e->status = 200;
	e->type = HTTP_JSON;
	json_object(&j, NULL);
	json_string(&j, "program", PACKAGE_NAME " " PACKAGE_VERSION);
	json_number(&j, "hz", s->options->hz);
	json_number(&j, "most_seconds", WISH_SECONDS_MAX);
	json_number(&j, "speedscope", assets_are_there());
	json_array(&j, "processes");
	for (uint32_t i = 0; i < s->data.n_processes; i++) {
		const struct process_info *p = &s->data.processes[i];
		if (p->has_ended)
			continue;
		json_object(&j, NULL);
		json_number(&j, "pid", p->pid);
		json_string(&j, "comm", p->comm);
		json_end_object(&j);
	}
	json_end_array(&j);
	put_kinds(&j);
	json_end_object(&j);
}
