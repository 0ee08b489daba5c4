/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/progress.h"
#include "base/log.h"
#include "base/now.h"

#define WIDTH 30
#define EVERY 200000000ull /* ns between two drawings */

int progress_is_shown(void)
{
	return log_get_level() >= LOG_NORMAL && isatty(STDERR_FILENO);
}

static void put(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return; /* the terminal is gone: nothing to show it on */
}

static void tell_target(const struct session *s, char *out, size_t room)
{
	const struct collection *c = &s->data;
	const char *children = s->options->with_children ? " and their descendants" : "";
	char comm[4 * sizeof(c->first.comm) + 1];
	uint32_t threads = 0;

	for (uint32_t i = 0; i < c->n_processes; i++)
		threads += c->processes[i].n_threads;

	log_escape(comm, sizeof(comm), c->first.comm);
	if (c->n_processes > 1)
		snprintf(out, room, "%u processes (%s and others, %u threads)%s", c->n_processes,
			comm, threads, children);
	else
		snprintf(out, room, "process %d (%s, %u thread%s)%s", c->first.pid, comm, threads,
			threads == 1 ? "" : "s", children);
}

void progress_begin(const struct session *s)
{
	const struct options *o = s->options;
	char length[48] = "until Ctrl-C", every[48] = "", what[320], shown[256];

	if (o->replay) {
		log_note("replaying process %d (%s, %u thread%s), sampled %u times a second",
			s->data.first.pid, s->data.first.comm, s->data.first.n_threads,
			s->data.first.n_threads == 1 ? "" : "s", o->hz);
		return;
	}
	if (o->every_ns)
		snprintf(every, sizeof(every), ", a new file every %gs", o->every_ns / 1e9);
	if (o->window_ns)
		snprintf(length, sizeof(length), "for %gs (Ctrl-C ends it early)",
			o->window_ns / 1e9);
	else if (o->launched)
		snprintf(length, sizeof(length), "until it ends");
	if (o->launched)
		snprintf(what, sizeof(what), "%s (process %d)",
			log_escape(shown, sizeof(shown), o->command[0]), o->launched);
	else
		tell_target(s, what, sizeof(what));
	if (o->kinds & KINDS_OF_HEAP && !(o->kinds & KINDS_OF_TICKS))
		log_note("sampling the allocations of %s, one in %" PRIu64 " bytes, %s", what,
			o->heap_rate, length);
	else if (o->kinds & KIND(PROFILE_THREADCREATE)) /* goes alone */
		log_note("attached to %s %s%s", what, length, every);
	else if (o->kinds & KINDS_OF_WINDOW)
		log_note("sampling %s %u times a second %s%s", what, o->hz, length, every);
	else
		log_note("reading the stacks of %s", what);
}

static void draw(const struct session *s, uint64_t now)
{
	char bar[WIDTH + 1], line[160];
	double passed = (now - s->began) / 1e9, whole = s->options->window_ns / 1e9;
	double share = whole > 0 && passed < whole ? passed / whole : 1;

	for (int i = 0; i < WIDTH; i++)
		bar[i] = i < share * WIDTH ? '#' : '.';
	bar[WIDTH] = '\0';
	if (s->phase > PHASE_STOP)
		snprintf(line, sizeof(line), "\r\033[K[%s] naming %u addresses", bar, s->naming.n);
	else if (s->options->window_ns)
		snprintf(line, sizeof(line), "\r\033[K[%s] %.0f of %gs, %" PRIu64 " samples", bar,
			passed, whole, s->data.now.taken);
	else
		snprintf(line, sizeof(line), "\r\033[K%.0fs, %" PRIu64 " samples", passed,
			s->data.now.taken);
	put(line);
}

void progress_show(const struct session *s)
{
	static uint64_t last;
	uint64_t now = clock_now();

	if (s->phase < PHASE_SAMPLE || s->phase >= PHASE_WRITE || now - last < EVERY ||
		!progress_is_shown())
		return;
	last = now;
	draw(s, now);
}

void progress_end(const struct session *s)
{
	if (s->phase >= PHASE_SAMPLE && progress_is_shown())
		put("\r\033[K");
}
