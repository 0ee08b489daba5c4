/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output/dump_tally.h"
#include "output/dump_words.h"
#include "output/wait_kind.h"

#define NAMES_SHOWN 8u	/* distinct names of a group */
#define TIDS_SHOWN  12u /* ranges of thread ids */
#define WAITS_SHOWN 8u	/* what the threads of a group wait for */

static const struct dump_thread *member(
	const struct dump *d, const struct dump_group *g, uint32_t i)
{
	return &d->threads[d->members[g->first_member + i]];
}

/* --- the head of the page ------------------------------------------------------------------ */

static void put_states(const struct dump *d, const struct dump_process *p, struct buf *out)
{
	static const char letters[] = "RSDTtIPZX";
	const char *between = ": ";
	uint32_t told = 0;

	for (const char *letter = letters; *letter; letter++) {
		uint32_t n = 0;
		for (uint32_t i = 0; i < d->n_threads; i++)
			n += d->threads[i].pid == p->pid &&
			     d->threads[i].state == (uint32_t)*letter;
		if (!n)
			continue;
		buf_printf(out, "%s%u %s", between, n, dump_state(*letter));
		between = ", ";
		told += n;
	}
	if (told < p->n_threads)
		buf_printf(out, "%s%u unknown", between, p->n_threads - told);
}

static void put_process(const struct dump *d, const struct dump_process *p, struct buf *out)
{
	buf_printf(out, "process %d \"", p->pid);
	dump_put_escaped(out, p->comm);
	buf_printf(out, "\", %u thread%s", p->n_threads, p->n_threads == 1 ? "" : "s");
	put_states(d, p, out);
	buf_string(out, "\n");
}

static void put_when(const struct dump *d, struct buf *out)
{
	time_t seconds = d->time / 1000000000;
	struct tm tm;
	char when[64] = "";

	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &tm);
	buf_printf(out, "%s, taken in ", when);
	dump_put_time(out, d->took_ns);
	buf_printf(
		out, ", %" PRIu64 " thread%s stopped for it", d->stops, d->stops == 1 ? "" : "s");
	if (d->lost)
		buf_printf(out, ", %" PRIu64 " stack%s lost", d->lost, d->lost == 1 ? "" : "s");
	buf_string(out, "\n");
}

static void put_since(const struct dump *d, struct buf *out)
{
	uint32_t still = 0;

	for (uint32_t i = 0; i < d->n_threads; i++)
		still += d->threads[i].unmoved_ns != 0;
	buf_printf(out, "dump %u, ", d->number + 1);
	dump_put_time(out, d->since_ns);
	buf_printf(out, " after the one before: %u of %u thread%s not run since\n", still,
		d->n_threads, d->n_threads == 1 ? " has" : "s have");
}

/* --- deadlocks ----------------------------------------------------------------------------- */

static int is_in_cycle(const struct dump *d, const struct dump_cycle *c, uint32_t thread)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (d->in_cycles[c->first + i] == thread)
			return 1;
	return 0;
}

/* Threads outside the circle that wait for one in it, also through others. */
static uint32_t held_up(const struct dump *d, const struct dump_cycle *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->n_threads; i++) {
		uint32_t at = i, steps = 0;
		if (is_in_cycle(d, c, i))
			continue;
		while (at != DUMP_NO_INDEX && !is_in_cycle(d, c, at) && steps++ < d->n_threads)
			at = d->threads[at].holder;
		n += at != DUMP_NO_INDEX && is_in_cycle(d, c, at);
	}
	return n;
}

static void put_cycle(const struct dump *d, const struct dump_cycle *c, struct buf *out)
{
	int64_t soonest = INT64_MAX;

	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t next = d->in_cycles[c->first + (i + 1) % c->n];
		const struct dump_thread *t = &d->threads[d->in_cycles[c->first + i]];
		buf_string(out, i ? ",\n          thread " : "deadlock: thread ");
		dump_put_thread(out, t);
		buf_string(out, t->wait.kind == WAIT_JOIN ? " waits for the end of thread "
							  : " waits for ");
		if (t->wait.kind != WAIT_JOIN) {
			dump_put_lock(out, t);
			buf_string(out, " held by thread ");
		}
		dump_put_thread(out, &d->threads[next]);
		if (c->n == 1)
			buf_string(out, " itself");
		if (t->left_ns >= 0 && t->left_ns < soonest)
			soonest = t->left_ns;
	}
	uint32_t others = held_up(d, c);
	if (others)
		buf_printf(out, ";\n          %u other thread%s wait%s for them", others,
			others == 1 ? "" : "s", others == 1 ? "s" : "");
	if (soonest != INT64_MAX) {
		buf_string(out, ";\n          one of them gives up in at most ");
		dump_put_time(out, soonest);
	}
	buf_string(out, "\n");
}

/* --- groups -------------------------------------------------------------------------------- */

static void put_name(struct buf *out, const struct dump *d, const struct dump_thread *t)
{
	(void)d;
	buf_string(out, "\"");
	dump_put_escaped(out, t->name);
	buf_string(out, "\"");
}

static int put_names(const struct dump *d, const struct dump_group *g, struct buf *out)
{
	struct dump_tally names;
	int error = dump_tally_group(&names, d, g, put_name);

	for (uint32_t i = 0; i < names.n && i < NAMES_SHOWN && !error; i++) {
		buf_string(out, i ? ", " : names.n > 1 ? ": " : " ");
		if (names.n > 1)
			buf_printf(out, "%u ", names.v[i].n);
		buf_string(out, names.v[i].text);
	}
	if (names.n > NAMES_SHOWN)
		buf_printf(out, " and %u other names", names.n - NAMES_SHOWN);
	dump_tally_fini(&names);
	return error;
}

/* They are sorted by id. */
static void put_tids(const struct dump *d, const struct dump_group *g, struct buf *out)
{
	uint32_t shown = 0, i = 0;

	buf_string(out, "    tids");
	while (i < g->n_members && shown < TIDS_SHOWN) {
		int32_t first = member(d, g, i)->tid, last = first;
		while (++i < g->n_members && member(d, g, i)->tid == last + 1)
			last++;
		buf_printf(out, last > first ? " %d-%d" : " %d", first, last);
		shown++;
	}
	if (i < g->n_members)
		buf_printf(out, " and %u others", g->n_members - i);
	buf_string(out, "\n");
}

static void put_range(struct buf *out, uint64_t low, uint64_t high)
{
	struct buf from, to;

	buf_init(&from, 64);
	buf_init(&to, 64);
	dump_put_time(&from, low);
	dump_put_time(&to, high);
	const char *a = buf_text(&from), *b = buf_text(&to);
	if (a && b)
		buf_printf(out, strcmp(a, b) ? "%s to %s" : "%s", a, b);
	buf_fini(&from);
	buf_fini(&to);
}

struct range {
	uint64_t low, high;
	uint32_t n;
};

static void widen(struct range *r, uint64_t value)
{
	if (!r->n || value < r->low)
		r->low = value;
	if (!r->n || value > r->high)
		r->high = value;
	r->n++;
}

static void put_times(const struct dump *d, const struct dump_group *g, struct buf *out)
{
	struct range idle = {0}, cpu = {0}, runs = {0};

	for (uint32_t i = 0; i < g->n_members; i++) {
		const struct dump_thread *t = member(d, g, i);
		if (t->idle_ns >= 0)
			widen(&idle, t->idle_ns);
		widen(&cpu, t->cpu);
		widen(&runs, t->runs);
	}
	if (idle.n && g->state != 'R') {
		buf_string(out, ", not run for ");
		put_range(out, idle.low, idle.high);
	}
	buf_string(out, ", CPU ");
	put_range(out, cpu.low, cpu.high);
	buf_printf(out, " in %" PRIu64, runs.low);
	if (runs.high > runs.low)
		buf_printf(out, " to %" PRIu64, runs.high);
	buf_string(out, runs.high == 1 ? " run" : " runs");
}

static void put_unmoved(const struct dump *d, const struct dump_group *g, struct buf *out)
{
	struct range still = {0};

	for (uint32_t i = 0; i < g->n_members; i++)
		if (member(d, g, i)->unmoved_ns)
			widen(&still, member(d, g, i)->unmoved_ns);
	if (!still.n)
		return;
	buf_string(out, "    not moved for ");
	put_range(out, still.low, still.high);
	if (still.n < g->n_members)
		buf_printf(out, ": %u of them", still.n);
	buf_string(out, "\n");
}

static void put_moved_or_wait(struct buf *out, const struct dump *d, const struct dump_thread *t)
{
	dump_put_wait(out, d, t);
	if (t->moved && t->state != 'R')
		buf_string(out, "ran while it was looked at");
}

/* Where all have the same wait and it ends by itself. */
static void put_left(const struct dump *d, const struct dump_group *g, struct buf *out)
{
	struct range left = {0};

	for (uint32_t i = 0; i < g->n_members; i++)
		if (member(d, g, i)->left_ns >= 0)
			widen(&left, member(d, g, i)->left_ns);
	if (left.n < g->n_members)
		return;
	buf_string(out, ", at most ");
	put_range(out, left.low, left.high);
	buf_string(out, " left");
}

static int put_waits(const struct dump *d, const struct dump_group *g, struct buf *out)
{
	struct dump_tally waits;
	int error = dump_tally_group(&waits, d, g, put_moved_or_wait);
	uint32_t rest = 0;

	for (uint32_t i = 0; i < waits.n && !error; i++) {
		if (i >= WAITS_SHOWN)
			rest += waits.v[i].n;
		if (i >= WAITS_SHOWN || !*waits.v[i].text)
			continue;
		buf_string(out, "    ");
		if (waits.n > 1)
			buf_printf(out, "%u x ", waits.v[i].n);
		buf_string(out, waits.v[i].text);
		if (waits.n == 1)
			put_left(d, g, out);
		buf_string(out, "\n");
	}
	if (rest)
		buf_printf(out, "    and %u in other waits\n", rest);
	dump_tally_fini(&waits);
	return error;
}

/* The last two parts of a path say enough. */
static const char *short_path(const char *file)
{
	const char *at = file + strlen(file);

	for (int slashes = 0; at > file; at--)
		if (at[-1] == '/' && ++slashes == 2)
			break;
	return at;
}

static void put_line(const struct dump *d, const struct dump_line *l, uint32_t i, struct buf *out)
{
	if (!l->module) {
		buf_printf(out, "    --  %s\n", l->function);
		return;
	}
	buf_printf(out, "    #%-2u ", i);
	dump_put_escaped(out, *l->function ? l->function : "??");
	if (*l->file) {
		buf_string(out, " ");
		dump_put_escaped(out, short_path(l->file));
		if (l->line)
			buf_printf(out, ":%u", l->line);
	}
	const char *module = dump_module(d, l->module);
	int is_bare = *module == '['; /* memory, the kernel */
	buf_string(out, is_bare ? " " : " [");
	dump_put_escaped(out, module);
	if (!*l->function)
		buf_printf(out, "+0x%" PRIx64, l->offset);
	buf_string(out, is_bare ? "" : "]");
	buf_string(out, l->is_inlined ? " (inlined)" : "");
	buf_string(out, l->is_guessed ? " (guessed)\n" : "\n");
}

static int put_group(const struct dump *d, const struct dump_group *g, struct buf *out)
{
	int error = 0;

	if (g->n_members == 1) {
		buf_string(out, "\nthread ");
		dump_put_thread(out, member(d, g, 0));
	} else {
		buf_printf(out, "\n%u threads", g->n_members);
		error = put_names(d, g, out);
	}
	buf_printf(out, ", %s", dump_state(g->state));
	put_times(d, g, out);
	buf_string(out, "\n");
	if (g->n_members > 1)
		put_tids(d, g, out);
	put_unmoved(d, g, out);
	if (!error)
		error = put_waits(d, g, out);
	for (uint32_t i = 0; i < g->n_lines; i++)
		put_line(d, &d->lines[g->first_line + i], i, out);
	return error;
}

int dump_text(const struct dump *d, struct buf *out)
{
	const struct dump_process *last = NULL;
	int error = 0;

	if (d->number)
		put_since(d, out);
	for (uint32_t i = 0; i < d->n_processes && d->n_processes == 1; i++)
		put_process(d, &d->processes[i], out);
	put_when(d, out);
	for (uint32_t i = 0; i < d->n_cycles; i++)
		put_cycle(d, &d->cycles[i], out);
	for (uint32_t g = 0; g < d->n_groups && !error; g++) {
		for (uint32_t i = 0; i < d->n_processes && d->n_processes > 1; i++)
			if (d->processes[i].pid == d->groups[g].pid && &d->processes[i] != last) {
				last = &d->processes[i];
				buf_string(out, "\n");
				put_process(d, last, out);
			}
		error = put_group(d, &d->groups[g], out);
	}
	return error ? error : out->failed;
}
