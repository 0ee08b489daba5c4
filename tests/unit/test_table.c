/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stores of a run: stacks, symbols, and the names of what is not code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/go_reasons.h"
#include "output/pseudo.h"
#include "output/symbols.h"
#include "output/table.h"

#define BAD "\xef\xbf\xbd"

/* hash_pair(K + a, b) == hash_pair(a, b + 1): what is told apart must not rest on the hash. */
#define K 0x9e3779b97f4a7c15ull

/* --- pseudo -------------------------------------------------------------------------------- */

static void pseudo_names_are_told_apart(void **state)
{
	static const uint64_t known[] = {STACK_DEPTH, STACK_UNREADABLE, STACK_NO_PROGRESS,
		STACK_NO_MODULE, STACK_NO_CFI, STACK_NO_REGISTER, STACK_WORKER_LOST,
		PSEUDO_MISSING + MISSING_MOVING, PSEUDO_MISSING + MISSING_LATE,
		PSEUDO_MISSING + MISSING_DENIED, PSEUDO_UNSAMPLED, PSEUDO_ENDED, PSEUDO_TABLE_FULL,
		PSEUDO_GUESSED, PSEUDO_NO_HOLDER, PSEUDO_HOLDER_GONE, PSEUDO_HOLDER_OTHER,
		PSEUDO_READERS, PSEUDO_MISSING + MISSING_QUEUED, PSEUDO_MISSING + MISSING_RELEASED};
	static const uint64_t unknown[] = {STACK_ENDS, PSEUDO_MISSING - 1,
		PSEUDO_MISSING + MISSING_REASONS, PSEUDO_UNSAMPLED - 1, PSEUDO_READERS + 1,
		(1ull << 32) + PSEUDO_ENDED, UINT64_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const char *name = pseudo_name(known[i]);
		assert_int_equal(name[0], '[');
		assert_int_equal(name[strlen(name) - 1], ']');
		assert_string_not_equal(name, "[unknown]");
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(name, pseudo_name(known[k]));
	}
	for (uint64_t i = 0; i < 256; i++)
		assert_non_null(pseudo_name(i));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		assert_string_equal(pseudo_name(unknown[i]), "[unknown]");
	assert_string_equal(pseudo_name(PSEUDO_END + STACK_DEPTH), "[stack too deep]");
	assert_string_equal(pseudo_name(PSEUDO_UNSAMPLED), "[CPU of threads never sampled]");
	assert_string_equal(pseudo_name(PSEUDO_ENDED), "[CPU of threads that ended unseen]");
}

static void pseudo_states_are_words(void **state)
{
	static const char letters[] = "RSDTtZXIP";
	static const char *const words[] = {"running", "sleeping", "disk", "stopped", "traced",
		"zombie", "dead", "idle", "parked"};
	(void)state;
	for (size_t i = 0; letters[i]; i++)
		assert_string_equal(pseudo_state(letters[i]), words[i]);
	assert_string_equal(pseudo_state(0), "unknown");
	assert_string_equal(pseudo_state('r'), "unknown");
	assert_string_equal(pseudo_state(GO_RUNNING), "running");
	assert_string_equal(pseudo_state(GO_WAITS + go_reasons_find("chan send", 9)), "chan send");
	assert_string_equal(pseudo_state(GO_WAITS), "waiting");
	assert_string_equal(pseudo_state(UINT32_MAX), "waiting");
}

/* --- symbols ------------------------------------------------------------------------------- */

static void symbols_keep_a_copy_in_order(void **state)
{
	(void)state;
	char name[] = "inner", file[] = "/src/inner.c";
	struct symbol lines[] = {
		{name, "_Zinner", file, 7, 5},
		{"outer", "_Zouter", "", 0, 0},
	};
	struct symbols *store = symbols_new();
	uint32_t n = 9;
	assert_int_equal(symbols_add(store, 3, 0x1000, lines, 2), 0);
	memset(name, '?', sizeof(name) - 1);
	memset(file, '?', sizeof(file) - 1);
	memset(lines, 0, sizeof(lines));
	const struct symbol *found = symbols_find(store, 3, 0x1000, &n);
	assert_non_null(found);
	assert_int_equal(n, 2);
	assert_string_equal(found[0].name, "inner");
	assert_string_equal(found[0].system_name, "_Zinner");
	assert_string_equal(found[0].file, "/src/inner.c");
	assert_int_equal(found[0].line, 7);
	assert_int_equal(found[0].start_line, 5);
	assert_string_equal(found[1].name, "outer");
	assert_string_equal(found[1].system_name, "_Zouter");
	assert_string_equal(found[1].file, "");
	assert_int_equal(found[1].line, 0);
	symbols_free(store);
	symbols_free(NULL);
}

static void symbols_know_what_they_were_told(void **state)
{
	(void)state;
	struct symbol first = {"first", "", "", 1, 0}, second = {"sec\xffond", "", "", 2, 0};
	struct symbols *store = symbols_new();
	uint32_t n = 9;
	assert_null(symbols_find(store, 1, 0, &n));
	assert_int_equal(n, 0);
	assert_int_equal(symbols_add(store, 1, 2, &first, 1), 0);
	assert_int_equal(symbols_add(store, 1, 2, &second, 1), 0);
	assert_int_equal(symbols_add(store, 2, 1, &second, 1), 0);
	/* What is told last counts: code that is made at run time comes and goes. */
	assert_string_equal(symbols_find(store, 1, 2, &n)->name, "sec" BAD "ond");
	assert_string_equal(symbols_find(store, 2, 1, &n)->name, "sec" BAD "ond");
	n = 9;
	assert_null(symbols_find(store, 2, 2, &n));
	assert_int_equal(n, 0);
	assert_int_equal(symbols_add(store, 5, 5, NULL, 0), 0);
	assert_null(symbols_find(store, 5, 5, &n));
	assert_int_equal(n, 0);
	symbols_free(store);
}

static void symbols_survive_equal_hashes(void **state)
{
	(void)state;
	struct symbol one = {"one", "", "", 0, 0}, two = {"two", "", "", 0, 0};
	struct symbols *store = symbols_new();
	uint32_t n;
	assert_int_equal(hash_pair(K, 1), hash_pair(0, 2));
	assert_int_equal(symbols_add(store, 1, K, &one, 1), 0);
	assert_null(symbols_find(store, 2, 0, &n));
	assert_int_equal(symbols_add(store, 2, 0, &two, 1), 0);
	assert_string_equal(symbols_find(store, 1, K, &n)->name, "one");
	assert_string_equal(symbols_find(store, 2, 0, &n)->name, "two");
	symbols_free(store);
}

/* What was found first is still there when the store has grown. */
static void symbols_lend_what_stays(void **state)
{
	(void)state;
	struct symbol line = {"same", "same", "same.c", 0, 0};
	struct symbols *store = symbols_new();
	uint32_t n;
	assert_int_equal(symbols_add(store, 1, 0, &line, 1), 0);
	const struct symbol *early = symbols_find(store, 1, 0, &n);
	const char *name = early->name;
	for (uint32_t i = 1; i < 50000; i++) {
		line.line = i;
		assert_int_equal(symbols_add(store, 1 + i % 7, i, &line, 1), 0);
	}
	for (uint32_t i = 1; i < 50000; i++) {
		const struct symbol *s = symbols_find(store, 1 + i % 7, i, &n);
		assert_int_equal(s->line, i);
		assert_ptr_equal(s->name, name);
	}
	assert_ptr_equal(symbols_find(store, 1, 0, &n), early);
	assert_string_equal(name, "same");
	symbols_free(store);
}

/* --- table --------------------------------------------------------------------------------- */

static struct stack stack;

/* A stack of module 1, offsets leaf first, ending in 0. */
static const struct stack *stack_of(enum stack_end end, const uint64_t *offsets)
{
	stack.end = end;
	for (stack.n = 0; offsets[stack.n]; stack.n++)
		stack.v[stack.n] = (struct frame){offsets[stack.n], 1, FRAME_RETURN};
	return &stack;
}

#define STACK(end, ...) stack_of(end, (const uint64_t[]){__VA_ARGS__, 0})

/* Everything that a table says, as text: "thread/state count: leaf < ... < root" lines. */
struct told {
	char text[4096];
	size_t len;
	int stop_after;
};

static void __attribute__((format(printf, 2, 3))) tell(struct told *t, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	t->len += vsnprintf(t->text + t->len, sizeof(t->text) - t->len, format, ap);
	va_end(ap);
	assert_true(t->len < sizeof(t->text));
}

static int tell_entry(void *arg, const struct table_entry *e)
{
	struct told *t = arg;
	tell(t, "%u/%u %lu:", e->thread, e->state, e->count);
	for (uint32_t i = 0; i < e->n; i++)
		tell(t, " %u.%lx.%u", e->frames[i].module, e->frames[i].offset, e->frames[i].flags);
	tell(t, "\n");
	return t->stop_after && !--t->stop_after ? 42 : 0;
}

static int tell_frame(void *arg, const struct frame *f)
{
	struct told *t = arg;
	tell(t, "%u.%lx.%u ", f->module, f->offset, f->flags);
	return t->stop_after && !--t->stop_after ? 43 : 0;
}

static void assert_entries(const struct table *table, const char *expected)
{
	struct told t = {.len = 0};
	assert_int_equal(table_each(table, tell_entry, &t), 0);
	assert_string_equal(t.text, expected);
}

static void table_counts_by_stack_thread_and_state(void **state)
{
	(void)state;
	struct table *t = table_new();
	assert_entries(t, "");
	assert_int_equal(table_add(t, STACK(STACK_DONE, 3, 2, 1), 5, 'R', 2), 0);
	assert_int_equal(table_add(t, STACK(STACK_DONE, 3, 2, 1), 0, 'R', 1), 0);
	assert_int_equal(table_add(t, STACK(STACK_DONE, 3, 2, 1), 5, 'S', 1), 0);
	assert_int_equal(table_add(t, STACK(STACK_DONE, 2, 1), 5, 'R', 1), 0); /* on the way */
	assert_int_equal(table_add(t, STACK(STACK_DONE, 3, 2), 5, 'R', 1), 0); /* another root */
	assert_int_equal(table_add(t, STACK(STACK_DONE, 3, 2, 1), 5, 'R', 1ull << 40), 0);
	assert_entries(t, "5/82 1099511627778: 1.3.1 1.2.1 1.1.1\n"
			  "0/82 1: 1.3.1 1.2.1 1.1.1\n"
			  "5/83 1: 1.3.1 1.2.1 1.1.1\n"
			  "5/82 1: 1.2.1 1.1.1\n"
			  "5/82 1: 1.3.1 1.2.1\n");
	assert_int_equal(table_overflow(t), 0);
	table_free(t);
	table_free(NULL);
}

static void table_tells_frames_apart_by_flags_and_module(void **state)
{
	(void)state;
	struct table *t = table_new();
	struct stack *s = &stack;
	stack_of(STACK_DONE, (const uint64_t[]){2, 1, 0});
	assert_int_equal(table_add(t, s, 0, 0, 1), 0);
	s->v[0].flags = FRAME_RETURN | FRAME_GUESSED;
	assert_int_equal(table_add(t, s, 0, 0, 1), 0);
	s->v[0] = (struct frame){2, 7, FRAME_RETURN};
	assert_int_equal(table_add(t, s, 0, 0, 1), 0);
	s->v[0] = (struct frame){1, 1, FRAME_RETURN}; /* recursion: the same frame again */
	assert_int_equal(table_add(t, s, 0, 0, 1), 0);
	assert_entries(t, "0/0 1: 1.2.1 1.1.1\n0/0 1: 1.2.3 1.1.1\n"
			  "0/0 1: 7.2.1 1.1.1\n0/0 1: 1.1.1 1.1.1\n");
	table_free(t);
}

static void table_survives_equal_hashes(void **state)
{
	static const struct frame roots[] = {{K, 1, 0}, {0, 2, 0}, {1ull << 60, 2, 0}, {0, 2, 1}};
	(void)state;
	struct table *t = table_new();
	stack.n = 1;
	stack.end = STACK_DONE;
	for (int i = 0; i < 4; i++) {
		stack.v[0] = roots[i];
		assert_int_equal(table_add(t, &stack, 0, 0, 1), 0);
	}
	stack.n = 2; /* below the first two roots, which are nodes 1 and 2 */
	for (int i = 0; i < 2; i++) {
		stack.v[1] = roots[i];
		stack.v[0] = (struct frame){i ? 0 : K << 32, 3, 0};
		assert_int_equal(table_add(t, &stack, 0, 0, 1), 0);
	}
	assert_entries(t, "0/0 1: 1.9e3779b97f4a7c15.0\n0/0 1: 2.0.0\n"
			  "0/0 1: 2.1000000000000000.0\n0/0 1: 2.0.1\n"
			  "0/0 1: 3.7f4a7c1500000000.0 1.9e3779b97f4a7c15.0\n0/0 1: 3.0.0 2.0.0\n");
	table_free(t);
}

static void table_says_why_a_stack_ends(void **state)
{
	(void)state;
	for (uint32_t end = 0; end < STACK_ENDS; end++) {
		struct table *t = table_new();
		char expected[64];
		assert_int_equal(table_add(t, STACK(end, 0x20, 0x10), 0, 0, 1), 0);
		if (end == STACK_DONE || end == STACK_NOT_READ)
			snprintf(expected, sizeof(expected), "0/0 1: 1.20.1 1.10.1\n");
		else
			snprintf(expected, sizeof(expected), "0/0 1: 1.20.1 1.10.1 0.%x.0\n",
				PSEUDO_END + end);
		assert_entries(t, expected);
		table_free(t);
	}
}

static void table_shows_each_frame_once(void **state)
{
	(void)state;
	struct table *t = table_new();
	struct told told = {.len = 0}, cut = {.stop_after = 2}, entries = {.stop_after = 1};
	assert_int_equal(table_each_frame(t, tell_frame, &told), 0);
	assert_int_equal(told.len, 0);
	table_add(t, STACK(STACK_DONE, 3, 2, 1), 0, 0, 1);
	table_add(t, STACK(STACK_DONE, 3, 1), 1, 0, 1);
	table_add(t, STACK(STACK_DEPTH, 3, 2, 1), 0, 0, 1);
	assert_int_equal(table_each_frame(t, tell_frame, &told), 0);
	assert_non_null(strstr(told.text, "1.1.1 "));
	assert_non_null(strstr(told.text, "1.2.1 "));
	assert_non_null(strstr(told.text, "1.3.1 "));
	assert_non_null(strstr(told.text, "0.1.0 "));
	assert_int_equal(told.len, 4 * strlen("1.1.1 "));
	assert_int_equal(table_each_frame(t, tell_frame, &cut), 43);
	assert_int_equal(cut.len, 2 * strlen("1.1.1 "));
	assert_int_equal(table_each(t, tell_entry, &entries), 42);
	assert_string_equal(entries.text, "0/0 1: 1.3.1 1.2.1 1.1.1\n");
	table_free(t);
}

/* --- the fullest table --------------------------------------------------------------------- */

static const struct stack *deep_stack(uint64_t first, enum stack_end end)
{
	stack.n = LIMIT_FRAMES;
	stack.end = end;
	for (uint32_t i = 0; i < LIMIT_FRAMES; i++)
		stack.v[i] = (struct frame){first + LIMIT_FRAMES - 1 - i, 1, 0};
	return &stack;
}

/* The first stack without its leaf. */
static const struct stack *caller_stack(void)
{
	deep_stack(1, STACK_DONE);
	memmove(stack.v, stack.v + 1, --stack.n * sizeof(*stack.v));
	return &stack;
}

struct last {
	uint32_t entries, n;
	uint64_t count, leaf, root;
	uint32_t leaf_module;
};

static int keep_last(void *arg, const struct table_entry *e)
{
	struct last *last = arg;
	last->entries++;
	last->n = e->n;
	last->count = e->count;
	last->leaf = e->n ? e->frames[0].offset : 0;
	last->leaf_module = e->n ? e->frames[0].module : 0;
	last->root = e->n ? e->frames[e->n - 1].offset : 0;
	return 0;
}

static struct last last_of(const struct table *t)
{
	struct last last = {0};
	assert_int_equal(table_each(t, keep_last, &last), 0);
	return last;
}

static void table_keeps_known_frames_when_full(void **state)
{
	(void)state;
	struct table *t = table_new();
	uint64_t next = 1;
	uint32_t whole = 0;
	while (!table_overflow(t)) {
		assert_int_equal(table_add(t, deep_stack(next, STACK_DONE), 0, 0, 1), 0);
		next += LIMIT_FRAMES;
		whole += !table_overflow(t);
	}
	/* One node is the root above all: the rest are frames, the last stack got what was left,
	 * and a leaf that says so. */
	assert_int_equal(whole, (LIMIT_TABLE_NODES - 1) / LIMIT_FRAMES);
	struct last last = last_of(t);
	assert_int_equal(last.entries, whole + 1);
	assert_int_equal(last.n, (LIMIT_TABLE_NODES - 1) % LIMIT_FRAMES + 1);
	assert_int_equal(last.root, next - LIMIT_FRAMES);
	assert_int_equal(last.leaf_module, 0);
	assert_int_equal(last.leaf, PSEUDO_TABLE_FULL);

	/* The same again: the same frames, the same entry. */
	assert_int_equal(table_add(t, deep_stack(next - LIMIT_FRAMES, STACK_DONE), 0, 0, 1), 0);
	assert_int_equal(table_overflow(t), 2);
	assert_int_equal(last_of(t).entries, whole + 1);
	assert_int_equal(last_of(t).count, 2);

	/* What is known is whole; for another thread it is another entry. */
	assert_int_equal(table_add(t, deep_stack(1, STACK_DONE), 1, 0, 1), 0);
	assert_int_equal(table_overflow(t), 2);
	assert_int_equal(last_of(t).n, LIMIT_FRAMES);
	assert_int_equal(last_of(t).leaf_module, 1);
	/* The caller on its own is another stack than the caller of what is missing. */
	assert_int_equal(table_add(t, caller_stack(), 3, 0, 1), 0);
	assert_int_equal(table_overflow(t), 2);
	assert_int_equal(last_of(t).leaf, LIMIT_FRAMES - 1);
	/* A new leaf on a known caller keeps the caller. */
	assert_int_equal(table_add(t, STACK(STACK_DONE, 0xfffffff), 2, 0, 1), 0);
	assert_int_equal(last_of(t).n, 1);
	assert_int_equal(last_of(t).leaf, PSEUDO_TABLE_FULL);
	assert_int_equal(table_add(t, STACK(STACK_NO_CFI, 0xfffffff), 4, 0, 1), 0);
	assert_int_equal(last_of(t).n, 1);
	deep_stack(1, STACK_DONE);
	stack.v[0].offset = 0xfffffff;
	assert_int_equal(table_add(t, &stack, 3, 0, 1), 0);
	assert_int_equal(table_overflow(t), 5);
	assert_int_equal(last_of(t).n, LIMIT_FRAMES);
	assert_int_equal(last_of(t).count, 1);
	assert_int_equal(last_of(t).leaf, PSEUDO_TABLE_FULL);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pseudo_names_are_told_apart),
		cmocka_unit_test(pseudo_states_are_words),
		cmocka_unit_test(symbols_keep_a_copy_in_order),
		cmocka_unit_test(symbols_know_what_they_were_told),
		cmocka_unit_test(symbols_survive_equal_hashes),
		cmocka_unit_test(symbols_lend_what_stays),
		cmocka_unit_test(table_counts_by_stack_thread_and_state),
		cmocka_unit_test(table_tells_frames_apart_by_flags_and_module),
		cmocka_unit_test(table_survives_equal_hashes),
		cmocka_unit_test(table_says_why_a_stack_ends),
		cmocka_unit_test(table_shows_each_frame_once),
		cmocka_unit_test(table_keeps_known_frames_when_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
