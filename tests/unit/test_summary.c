/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run says of itself, for figures put in by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/summary.h"
#include "agent/tracer/stats.h"
#include "base/log.h"
#include "base/ring.h"
#include "config.h"
#include "output/table.h"

static struct options options;
static struct ring_page page;
static struct ring ring = {.page = &page};
static struct session s;
static struct interval written;
static struct buf out;

static int begin(void **state)
{
	(void)state;
	options = (struct options){.pids = {4711}, .n_pids = 1, .kinds = 3, .hz = 100};
	s = (struct session){.options = &options, .written = &written, .ring = &ring};
	s.data.first = (struct process_info){.pid = 4711, .comm = "app"};
	s.data.processes_seen = 1;
	buf_init(&out, 64 * KIB);
	int error = interval_init(&written, 0);
	written.ended = 2000000000;
	return error;
}

static int end(void **state)
{
	(void)state;
	interval_fini(&written);
	buf_fini(&out);
	log_set_level(LOG_NORMAL);
	return 0;
}

static const char *comments(enum profile_kind kind)
{
	buf_clear(&out);
	summary_comments(&s, kind, NULL, &out);
	return buf_text(&out);
}

/* At most four lines, none of them long. */
static void assert_short(const char *text)
{
	unsigned lines = 0;
	for (; *text; text += strcspn(text, "\n") + 1, lines++)
		assert_in_range(strcspn(text, "\n"), 1, 200);
	assert_in_range(lines, 1, 4);
}

static void put(enum profile_kind kind, uint32_t flags, uint64_t count)
{
	static struct stack stack = {.n = 2, .end = STACK_DONE, .v = {{0x10, 1, 0}, {0x20, 1, 0}}};
	stack.v[1].flags = FRAME_RETURN | flags;
	assert_int_equal(table_add(written.tables[kind], &stack, 0, 0, count), 0);
	written.received[kind] += count;
	written.ends[kind][STACK_DONE] += count;
}

static void comments_are_four_short_lines(void **state)
{
	(void)state;
	written.stats = (struct tracer_stats){.ticks = 200,
		.ticks_missed = 2,
		.ticks_late = 3,
		.captured[PROFILE_CPU] = 104,
		.captured[PROFILE_THREADS] = 9,
		.stops = 100,
		.cut_short = 6,
		.skipped[SKIP_RING_FULL] = 5};
	put(PROFILE_CPU, 0, 93);
	put(PROFILE_CPU, FRAME_GUESSED, 7);
	put(PROFILE_THREADS, FRAME_GUESSED, 1);
	put(PROFILE_THREADS, 0, 7);
	written.received[PROFILE_THREADS]++;
	written.clock = 1500000000;
	assert_string_equal(comments(PROFILE_CPU),
		"cpprof-attach " PACKAGE_VERSION ", pid 4711 (app), 100 Hz\n"
		"samples 100 at 200 ticks, 100 Hz: missed 2, late 3, lost 4, no room 5; guessed 7 stacks\n"
		"CPU 1.500s in the profile, 1.500s by the process clock (+0.00%); 1.500s of "
		"threads that ended unseen\n"
		"stops 100, p50 0us, p99 0us; 100.0% of the stacks complete; 6 calls may be cut "
		"short\n");
	assert_short(out.data);
	assert_string_equal(comments(PROFILE_THREADS),
		"cpprof-attach " PACKAGE_VERSION ", pid 4711 (app), 100 Hz\n"
		"threads 9: lost 0; guessed 1 stacks\n"
		"stops 100, p50 0us, p99 0us; 88.9% of the stacks complete; 6 calls may be cut "
		"short\n");
}

/* The target chooses its name, and any figure may be huge. */
static void comments_stay_short_whatever_happens(void **state)
{
	(void)state;
	memset(s.data.first.comm, '\n', sizeof(s.data.first.comm) - 1);
	written.stats = (struct tracer_stats){.ticks = UINT64_MAX / 2,
		.ticks_missed = UINT64_MAX / 2,
		.ticks_late = UINT64_MAX / 2,
		.captured[PROFILE_CPU] = UINT64_MAX / 2,
		.skipped[SKIP_RING_FULL] = UINT64_MAX / 2,
		.stops = UINT64_MAX / 2,
		.cut_short = UINT64_MAX / 2};
	put(PROFILE_CPU, 0, UINT64_MAX / 4);
	written.clock = UINT64_MAX / 2;
	assert_short(comments(PROFILE_CPU));
	assert_non_null(strstr(out.data, "(\\x0a\\x0a"));
}

static void assert_says(const char *line)
{
	buf_clear(&out);
	summary_text(&s, &out);
	assert_non_null(strstr(buf_text(&out), line));
}

static void assert_silent_about(const char *word)
{
	buf_clear(&out);
	summary_text(&s, &out);
	assert_null(strstr(buf_text(&out), word));
}

static void several_processes_are_counted(void **state)
{
	(void)state;
	assert_silent_about("processes");
	s.data.processes_seen = 5;
	s.data.processes_ended = 2;
	assert_says("\nprocesses 5 profiled, 2 of them ended\n");
	assert_silent_about("left out");
	s.left_out = 3;
	assert_says("\nprocesses 3 left out, they cannot be attached to\n");
	assert_non_null(strstr(comments(PROFILE_CPU), "pid 4711 (app) and 4 more, 100 Hz\n"));
}

/* 150 ticks in two seconds, of which the rate was lowered for one. */
static void a_lowered_rate_is_said(void **state)
{
	(void)state;
	options.most_stop = 20000;
	written.stats.ticks = 150;
	assert_says(": 75 Hz of 100 asked;");
	assert_silent_about("\nrate ");
	written.stats.slowed_ns = 1000000000;
	assert_says("\nrate      lowered for 1.0s, to keep the pauses below 2% of the CPU time "
		    "(-max-stop)\n");
}

/* Of 10 stops 4 waited for others: 6 pauses of 100 us are 0.06 % of the CPU time. */
static void waits_for_others_are_said_apart(void **state)
{
	(void)state;
	written.clock = 1000000000;
	for (int i = 0; i < 10; i++)
		stats_add_stop(&written.stats, i < 6 ? 100000 : 500000000, i < 6 ? 0 : STATS_OURS);
	assert_says(
		"\nstops     6, p50 104us, p99 104us, 0.001s in all: 0.06% of the CPU time used, "
		"0.03% of the window\n"
		"          4 more took 2.000s, in which the thread waited for a CPU that others "
		"had\n");
}

/* --- what is missing, per module ----------------------------------------------------------- */

static const char *module_lines(void)
{
	buf_clear(&out);
	summary_text(&s, &out);
	const char *lines = strstr(buf_text(&out), "modules ");
	return lines ? lines : "";
}

/* Each module has two frames, but the last, which has none. */
static void use_modules(struct module *modules, uint32_t n)
{
	static struct naming_frame frames[64];
	assert_in_range(n, 1, 32);
	for (uint32_t i = 0; i < 2 * (n - 1); i++)
		frames[i] = (struct naming_frame){0x10 * (1 + i % 2), 1 + i / 2};
	s.data.modules = modules;
	s.data.n_modules = n;
	s.naming.frames = frames;
	s.naming.n = 2 * (n - 1);
	options.symbols = SYMBOLS_FULL;
}

static void what_is_missing_is_said_per_module(void **state)
{
	struct module modules[] = {
		{.info = {.path = "/usr/bin/app", .flags = MODULE_IS_EXE | MODULE_NO_DWARF}},
		{.info = {.path = "/lib/stripped.so",
			 .flags = MODULE_NO_SYMBOLS | MODULE_NO_DWARF}},
		{.info = {.path = "/lib/a\x1b.so", .flags = MODULE_NO_CFI | MODULE_NO_DWARF}},
		{.info = {.path = "/lib/closed.so", .flags = MODULE_REFUSED}},
		{.info = {.path = "/lib/bad.so",
			 .flags = MODULE_UNREADABLE | MODULE_NO_CFI | MODULE_NO_SYMBOLS}},
		{.info = {.path = "/lib/evil.so", .flags = MODULE_BLACKLISTED}},
		{.info = {.path = "/lib/packed.so", .flags = MODULE_ZSTD | MODULE_NO_DWARF}},
		{.info = {.path = "", .flags = MODULE_NO_FILE | MODULE_NO_SYMBOLS}},
		{.info = {.path = "[vdso]", .flags = MODULE_FROM_MEMORY | MODULE_NO_DWARF}},
		{.info = {.path = "/lib/unused.so", .flags = MODULE_NO_SYMBOLS | MODULE_REFUSED}},
	};
	(void)state;
	use_modules(modules, 10);
	assert_string_equal(module_lines(),
		"modules   could not be opened: closed.so\n"
		"modules   damaged: bad.so\n"
		"modules   not read any more, killed a worker: evil.so\n"
		"modules   no unwind information: a\\x1b.so\n"
		"modules   no symbols found: stripped.so\n"
		"modules   debug information packed by zstd, not readable here: packed.so\n");
	log_set_level(LOG_VERBOSE);
	assert_non_null(strstr(module_lines(), "here: packed.so\n"
					       "modules   no debug information: app, a\\x1b.so\n"));
	/* A separate debug file was found. */
	modules[0].info.flags = MODULE_IS_EXE;
	modules[1].info.flags = 0;
	assert_non_null(strstr(module_lines(), "modules   no debug information: a\\x1b.so\n"));
	assert_null(strstr(out.data, "no symbols"));
	/* Names were not asked for. */
	modules[1].info.flags = MODULE_NO_SYMBOLS | MODULE_NO_DWARF;
	options.symbols = SYMBOLS_SYMTAB;
	assert_null(strstr(module_lines(), "debug information"));
	assert_non_null(strstr(out.data, "no symbols"));
	options.symbols = SYMBOLS_NONE;
	assert_null(strstr(module_lines(), "no symbols"));
	assert_non_null(strstr(out.data, "no unwind information"));
}

static void many_modules_are_a_count(void **state)
{
	static struct module modules[8];
	static const char five[] = "modules   no symbols found: m1, m2, m3, m4, m5";
	static char names[8][8];
	char said[100];
	(void)state;
	for (int i = 0; i < 8; i++) {
		snprintf(names[i], sizeof(names[i]), "/m%d", i + 1);
		modules[i].info =
			(struct module_info){.path = names[i], .flags = MODULE_NO_SYMBOLS};
	}
	use_modules(modules, 8);
	snprintf(said, sizeof(said), "%s and 2 more\n", five);
	assert_string_equal(module_lines(), said);
	use_modules(modules, 6);
	snprintf(said, sizeof(said), "%s\n", five);
	assert_string_equal(module_lines(), said);
}

/* The table of symbols is there, but none of the module's frames has a name by it. */
static void a_module_without_any_name_has_no_symbols(void **state)
{
	struct module modules[] = {
		{.info = {.path = "/usr/bin/stripped"}},
		{.info = {.path = "/lib/named.so"}},
		{.info = {.path = "/lib/unused.so"}},
	};
	struct symbol symbol = {"f", "f", "", 0, 0};
	(void)state;
	use_modules(modules, 3);
	s.symbols = symbols_new();
	assert_int_equal(symbols_add(s.symbols, 2, 0x20, &symbol, 1), 0);
	assert_string_equal(module_lines(), "modules   no symbols found: stripped\n");
	options.symbols = SYMBOLS_NONE;
	assert_string_equal(module_lines(), "");
	symbols_free(s.symbols);
}

static void nothing_missing_is_not_mentioned(void **state)
{
	struct module modules[] = {
		{.info = {.path = "/usr/bin/app", .flags = MODULE_IS_EXE}},
		{.info = {.path = "/lib/libc.so.6", .flags = MODULE_NO_DWARF}},
		{.info = {.path = "/lib/unused.so", .flags = MODULE_NO_SYMBOLS}},
	};
	(void)state;
	use_modules(modules, 3);
	assert_string_equal(module_lines(), "");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(comments_are_four_short_lines),
		TEST(comments_stay_short_whatever_happens),
		TEST(several_processes_are_counted),
		TEST(a_lowered_rate_is_said),
		TEST(waits_for_others_are_said_apart),
		TEST(what_is_missing_is_said_per_module),
		TEST(many_modules_are_a_count),
		TEST(a_module_without_any_name_has_no_symbols),
		TEST(nothing_missing_is_not_mentioned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
