/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pushes small profiles, as session does it, for tests/integration/push.sh:
 *
 *	pusher WINDOWS GAP_MS TIMES OPTIONS...
 *
 * WINDOWS windows, a new one each GAP_MS, of the kinds of -profile; each profile has its window's
 * number in its comment, and one sample of that value. TIMES is connect,total,shortest,longest,end
 *in ms (struct push_times). OPTIONS are the program's own. At the end a line for each store with
 *its counts, and one for each window that is to be saved. The exit status is 1 if something was
 *lost.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/options.h"
#include "agent/push/push.h"
#include "base/log.h"
#include "base/now.h"
#include "output/symbols.h"
#include "output/table.h"

static struct table *table;
static struct symbols *symbols;

static uint64_t wall_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Work of two threads in two functions, of which one has a name that is no ASCII. */
static struct profile *make_profile(enum profile_kind kind, uint32_t number)
{
	static const struct module_info modules[] = {
		{.path = "/usr/bin/app", .flags = MODULE_IS_EXE}};
	static const struct segment segments[] = {{0x10000, 0x12000, 0, 1}};
	static struct thread_info threads[2] = {
		{.tid = 7, .name = "main"}, {.tid = 8, .name = "w\xff"}};
	static struct stack stack = {.n = 2, .end = STACK_DONE};
	char comment[32];
	struct profile_input in = {.kind = kind,
		.threads = threads,
		.n_threads = 2,
		.modules = modules,
		.n_modules = 1,
		.segments = segments,
		.n_segments = 1,
		.time = wall_clock(),
		.duration = KIND(kind) & KINDS_OF_MOMENT ? 0 : 1000000,
		.hz = 100,
		.comments = comment};
	struct profile *p = NULL;

	snprintf(comment, sizeof(comment), "number %u", number);
	in.table = table = table_new();
	in.symbols = symbols;
	stack.v[1] = (struct frame){0x20, 1, FRAME_RETURN};
	for (uint32_t t = 0; t < 2; t++) {
		stack.v[0] = (struct frame){0x40 + t, 1, 0};
		table_add(table, &stack, t, 'S', number);
	}
	profile_build(&in, &p);
	table_free(table);
	return p;
}

static int add_window(struct push *push, const struct options *o, uint32_t number)
{
	struct profile *v[PROFILE_KINDS];
	uint32_t n = 0;

	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (o->push_kinds & KIND(kind) && (v[n] = make_profile(kind, number)))
			n++;
	int error = push_add(push, (const struct profile *const *)v, n, "app", 42, NULL);
	while (n)
		profile_free(v[--n]);
	return error;
}

static uint32_t lost_windows, lost_bytes;

static void take_failed(struct push *push)
{
	struct parcel *p;

	while ((p = push_take_failed(push))) {
		lost_windows++;
		for (uint32_t i = 0; i < p->n; i++)
			lost_bytes += p->v[i].pprof.len > 20;
		parcel_release(p);
	}
}

/* As session's loop: until then, or, in the end, until nothing is left. */
static void go_on(struct push *push, uint64_t until)
{
	uint64_t now = clock_now();

	while (until ? now < until : !push_is_idle(push)) {
		struct pollfd fds[PUSH_URLS];
		int n = push_poll_fds(push, fds, PUSH_URLS), ms = push_timeout_ms(push, now);
		int left = until ? (int)((until - now) / MS) + 1 : ms;
		poll(fds, n, ms < 0 || (until && left < ms) ? left : ms);
		now = clock_now();
		push_step(push, now);
		take_failed(push);
	}
}

static void print_counts(const struct push *push)
{
	for (uint32_t i = 0; i < push->n; i++) {
		const struct push_counts *c = push_counts(push, i);
		printf("store %s added %lu sent %lu bytes %lu retried %lu refused %lu given_up %lu "
		       "dropped %lu waiting %u\n",
			push_name(push, i), c->added, c->sent, c->sent_bytes, c->retried,
			c->refused, c->given_up, c->dropped, push_waiting(push, i));
	}
	printf("windows to be saved %u, with profiles %u, not %lu\n", lost_windows, lost_bytes,
		push->unsaved);
}

int main(int argc, char **argv)
{
	static struct push push;
	static struct options o;
	struct push_times *t = &push.times;
	int status = 2;

	if (argc < 5 || sscanf(argv[3], "%u,%u,%u,%u,%u", &t->connect_ms, &t->total_ms,
				&t->shortest_ms, &t->longest_ms, &t->end_ms) != 5) {
		fprintf(stderr, "usage: pusher WINDOWS GAP_MS TIMES OPTIONS...\n");
		return 2;
	}
	if (options_parse(&o, argc - 3, argv + 3, &status))
		return status;
	symbols = symbols_new();
	const struct symbol named = {"work", "work", "work.c", 1, 2};
	symbols_add(symbols, 1, 0x40, &named, 1);
	if (push_init(&push, &o.push, NULL, NULL) < 0)
		return 2;
	uint64_t next = clock_now();
	for (int i = 1; i <= atoi(argv[1]); i++) {
		add_window(&push, &o, i);
		take_failed(&push);
		next += atoi(argv[2]) * MS;
		go_on(&push, next);
	}
	push_stop(&push, clock_now());
	go_on(&push, 0);
	push_tell(&push);
	print_counts(&push);
	status = push_has_failed(&push);
	push_fini(&push);
	push_options_forget(&o.push);
	symbols_free(symbols);
	return status;
}
