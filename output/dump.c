/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/path.h"
#include "base/sorted.h"
#include "output/dump.h"
#include "output/pseudo.h"
#include "output/symbols.h"
#include "output/wait_kind.h"

#define MOST	    (UINT32_MAX / 4)
#define NAMED_LINES 24u /* the innermost: somewhere in them is the function that waits */

void dump_fini(struct dump *d)
{
	free(d->processes);
	free(d->threads);
	free(d->raw);
	free(d->groups);
	free(d->members);
	free(d->lines);
	free(d->cycles);
	free(d->in_cycles);
	memset(d, 0, sizeof(*d));
}

int dump_add_process(struct dump *d, int32_t pid, const char *comm)
{
	int error = list_room(&d->processes, d->n_processes, 1, &d->processes_room,
		sizeof(*d->processes), 64 * LIMIT_PROCESSES);

	if (!error)
		d->processes[d->n_processes++] = (struct dump_process){.pid = pid, .comm = comm};
	return error;
}

int dump_set_thread(struct dump *d, uint32_t index, const struct dump_thread *t,
	const struct frame *frames, uint32_t n)
{
	int error = list_room(&d->raw, d->n_raw, n, &d->raw_room, sizeof(*d->raw), MOST);

	if (error)
		return error;
	if (n)
		memcpy(d->raw + d->n_raw, frames, n * sizeof(*frames));
	d->threads[index] = *t;
	d->threads[index].first_frame = d->n_raw;
	d->threads[index].n_frames = n;
	d->n_raw += n;
	return 0;
}

int dump_add_thread(
	struct dump *d, const struct dump_thread *t, const struct frame *frames, uint32_t n)
{
	int error = list_room(&d->threads, d->n_threads, 1, &d->threads_room, sizeof(*d->threads),
		64 * LIMIT_THREADS);

	if (!error)
		error = dump_set_thread(d, d->n_threads, t, frames, n);
	d->n_threads += !error;
	return error;
}

/* --- groups -------------------------------------------------------------------------------- */

static uint32_t place_of(const struct dump *d, int32_t pid)
{
	for (uint32_t i = 0; i < d->n_processes; i++)
		if (d->processes[i].pid == pid)
			return i;
	return d->n_processes;
}

static int by_stack(const void *a, const void *b, void *arg)
{
	const struct dump *d = arg;
	const struct dump_thread *x = &d->threads[*(const uint32_t *)a];
	const struct dump_thread *y = &d->threads[*(const uint32_t *)b];
	int order = sorted_order(x->pid, y->pid);

	if (!order)
		order = sorted_order(x->state, y->state);
	if (!order)
		order = sorted_order(x->n_frames, y->n_frames);
	if (!order && x->n_frames)
		order = memcmp(d->raw + x->first_frame, d->raw + y->first_frame,
			x->n_frames * sizeof(*d->raw));
	return order;
}

static int by_stack_and_tid(const void *a, const void *b, void *arg)
{
	const struct dump *d = arg;
	int order = by_stack(a, b, arg);

	return order ? order
		     : sorted_order(d->threads[*(const uint32_t *)a].tid,
			       d->threads[*(const uint32_t *)b].tid);
}

static int by_size(const void *a, const void *b, void *arg)
{
	const struct dump *d = arg;
	const struct dump_group *x = a, *y = b;
	int order = sorted_order(place_of(d, x->pid), place_of(d, y->pid));

	if (!order)
		order = sorted_order(y->n_members, x->n_members);
	return order ? order
		     : sorted_order(d->threads[d->members[x->first_member]].tid,
			       d->threads[d->members[y->first_member]].tid);
}

static void put_in_groups(struct dump *d)
{
	for (uint32_t i = 0; i < d->n_threads; i++)
		d->members[i] = i;
	qsort_r(d->members, d->n_threads, sizeof(*d->members), by_stack_and_tid, d);
	for (uint32_t i = 0; i < d->n_threads; i++) {
		const struct dump_thread *t = &d->threads[d->members[i]];
		if (!i || by_stack(&d->members[i - 1], &d->members[i], d))
			d->groups[d->n_groups++] = (struct dump_group){
				.pid = t->pid, .state = t->state, .first_member = i};
		d->groups[d->n_groups - 1].n_members++;
	}
	qsort_r(d->groups, d->n_groups, sizeof(*d->groups), by_size, d);
	for (uint32_t g = 0; g < d->n_groups; g++)
		for (uint32_t m = 0; m < d->groups[g].n_members; m++)
			d->threads[d->members[d->groups[g].first_member + m]].group = g;
}

static int group(struct dump *d)
{
	d->groups = calloc(d->n_threads + 1, sizeof(*d->groups));
	d->members = calloc(d->n_threads + 1, sizeof(*d->members));
	if (!d->groups || !d->members)
		return -ENOMEM;
	put_in_groups(d);
	return 0;
}

/* --- names --------------------------------------------------------------------------------- */

static int add_line(struct dump *d, const struct dump_line *line)
{
	int error = list_room(&d->lines, d->n_lines, 1, &d->lines_room, sizeof(*d->lines), MOST);

	if (!error)
		d->lines[d->n_lines++] = *line;
	return error;
}

static int add_frame(struct dump *d, const struct symbols *symbols, const struct frame *f)
{
	uint32_t n = 0;
	const struct symbol *s = f->module ? symbols_find(symbols, f->module, f->offset, &n) : NULL;
	struct dump_line line = {
		.function = f->module ? "" : pseudo_name(f->offset),
		.file = "",
		.module = f->module,
		.offset = f->offset,
		.is_guessed = !!(f->flags & FRAME_GUESSED),
	};
	int error = 0;

	if (!s)
		return add_line(d, &line);
	for (uint32_t i = 0; i < n && !error; i++) {
		line.function = s[i].name;
		line.file = s[i].file;
		line.line = s[i].line;
		line.is_inlined = i + 1 < n;
		error = add_line(d, &line);
	}
	return error;
}

static int name_group(struct dump *d, const struct symbols *symbols, struct dump_group *g)
{
	const struct dump_thread *t = &d->threads[d->members[g->first_member]];
	int error = 0;

	g->first_line = d->n_lines;
	for (uint32_t i = 0; i < t->n_frames && !error; i++)
		error = add_frame(d, symbols, &d->raw[t->first_frame + i]);
	g->n_lines = d->n_lines - g->first_line;
	return error;
}

/* The names on top of the stack tell what the call alone does not. */
static void find_kind(struct dump *d, struct dump_thread *t)
{
	const struct dump_group *g = &d->groups[t->group];
	const char *names[NAMED_LINES];
	uint32_t n = g->n_lines < NAMED_LINES ? g->n_lines : NAMED_LINES;

	for (uint32_t i = 0; i < n; i++)
		names[i] = d->lines[g->first_line + i].function;
	t->wait.kind = wait_kind_of(&t->wait, names, n);
}

/* --- who holds whom up --------------------------------------------------------------------- */

static int by_tid(const void *a, const void *b, void *arg)
{
	const struct dump *d = arg;

	return sorted_order(
		d->threads[*(const uint32_t *)a].tid, d->threads[*(const uint32_t *)b].tid);
}

static uint32_t find_tid(const struct dump *d, const uint32_t *sorted, int32_t tid)
{
	uint32_t low = 0, high = d->n_threads;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (d->threads[sorted[middle]].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < d->n_threads && d->threads[sorted[low]].tid == tid ? sorted[low]
									: DUMP_NO_INDEX;
}

static int find_holders(struct dump *d)
{
	uint32_t *sorted = malloc((d->n_threads + 1) * sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_threads; i++)
		sorted[i] = i;
	qsort_r(sorted, d->n_threads, sizeof(*sorted), by_tid, d);
	for (uint32_t i = 0; i < d->n_threads; i++) {
		struct dump_thread *t = &d->threads[i];
		t->holder = t->wait.holder ? find_tid(d, sorted, t->wait.holder) : DUMP_NO_INDEX;
	}
	free(sorted);
	return 0;
}

int dump_finish(struct dump *d, const struct symbols *symbols, const struct module_info *modules,
	uint32_t n_modules)
{
	int error = group(d);

	d->modules = modules;
	d->n_modules = n_modules;
	for (uint32_t g = 0; g < d->n_groups && !error; g++)
		error = name_group(d, symbols, &d->groups[g]);
	for (uint32_t i = 0; i < d->n_threads && !error; i++) {
		uint32_t process = place_of(d, d->threads[i].pid);
		if (process < d->n_processes)
			d->processes[process].n_threads++;
		find_kind(d, &d->threads[i]);
	}
	return error ? error : find_holders(d);
}

int dump_add_cycle(struct dump *d, uint32_t first, uint32_t n)
{
	uint32_t at = first;
	int error = list_room(
		&d->cycles, d->n_cycles, 1, &d->cycles_room, sizeof(*d->cycles), LIMIT_THREADS);

	if (!error)
		error = list_room(&d->in_cycles, d->n_in_cycles, n, &d->in_cycles_room,
			sizeof(*d->in_cycles), 64 * LIMIT_THREADS);
	if (error)
		return error;
	d->cycles[d->n_cycles++] = (struct dump_cycle){d->n_in_cycles, n};
	for (uint32_t i = 0; i < n && at != DUMP_NO_INDEX; i++, at = d->threads[at].holder)
		d->in_cycles[d->n_in_cycles++] = at;
	return 0;
}

const char *dump_place(const struct dump *d, const struct dump_thread *t)
{
	const struct dump_group *g = &d->groups[t->group];
	const char *first = "";

	for (uint32_t i = 0; i < g->n_lines; i++) {
		const struct dump_line *l = &d->lines[g->first_line + i];
		if (!l->module || !*l->function)
			continue;
		if (d->modules[l->module - 1].flags & MODULE_IS_EXE)
			return l->function;
		if (!*first)
			first = l->function;
	}
	return first;
}

const char *dump_module(const struct dump *d, uint32_t module)
{
	const char *path = module && module <= d->n_modules ? d->modules[module - 1].path : NULL;

	return path && *path ? path_base(path) : "[memory]";
}
