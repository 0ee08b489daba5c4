/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/serve/wish: what a request asks for, and what Go says of those that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/serve/wish.h"
#include "agent/windows.h"

#define SECOND 1000000000ull

static struct wish w;

/* arg: "name=value&name=value", as it would be decoded. */
static const char *parameter(const void *arg, const char *name)
{
	static char values[8][64];
	static int next;
	const char *at = arg;
	size_t n = strlen(name);

	while (at && *at) {
		const char *end = strchrnul(at, '&');
		if (!strncmp(at, name, n) && at[n] == '=') {
			char *value = values[next++ % 8];
			snprintf(value, 64, "%.*s", (int)(end - at - n - 1), at + n + 1);
			return value;
		}
		at = *end ? end + 1 : end;
	}
	return NULL;
}

static const struct wish *ask(const char *path, const char *query)
{
	wish_parse(&w, path, parameter, query);
	return &w;
}

static void refused(const char *path, const char *query, int status, const char *why)
{
	ask(path, query);
	assert_int_equal(w.status, status);
	assert_non_null(strstr(w.why, why));
}

static void taken(const char *path, const char *query, enum page page)
{
	ask(path, query);
	assert_int_equal(w.status, 0);
	assert_int_equal(w.page, page);
}

static void profile_is_of_a_time(void **state)
{
	static const char *const as_30[] = {"", "seconds=", "seconds=0", "seconds=-5", "seconds=x",
		"seconds=1.5", "seconds= 1", "seconds=1 ", "seconds=0x10",
		"seconds=99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof(as_30) / sizeof(*as_30); i++) {
		taken("/debug/pprof/profile", as_30[i], PAGE_PROFILE);
		assert_int_equal(w.length, 30 * SECOND);
	}
	taken("/debug/pprof/profile", "seconds=5", PAGE_PROFILE);
	assert_int_equal(w.kind, PROFILE_CPU);
	assert_int_equal(w.length, 5 * SECOND);
	assert_string_equal(w.name, "profile");
	assert_int_equal(ask("/debug/pprof/profile", "seconds=%2B5")->length, 30 * SECOND);
	assert_int_equal(ask("/debug/pprof/profile", "seconds=+5")->length, 5 * SECOND);
	assert_int_equal(ask("/debug/pprof/profile", "seconds=007")->length, 7 * SECOND);
	assert_int_equal(ask("/debug/pprof/profile", "seconds=3600")->status, 0);
	refused("/debug/pprof/profile", "seconds=3601", 400, "WriteTimeout");
	/* Go's has no text. */
	assert_int_equal(ask("/debug/pprof/profile", "debug=1&seconds=2")->debug, 0);
	assert_int_equal(w.length, 2 * SECOND);
	taken("/debug/pprof/wall", "seconds=2", PAGE_PROFILE);
	assert_int_equal(w.kind, PROFILE_WALL);
}

static void others_are_of_now(void **state)
{
	static const char *const names[] = {
		"threads", "goroutine", "threadcreate", "block", "mutex"};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int counts = i >= 2;
		snprintf(path, sizeof(path), "/debug/pprof/%s", names[i]);
		taken(path, "", PAGE_PROFILE);
		assert_string_equal(w.name, names[i]);
		assert_int_equal(w.length, 0);
		assert_int_equal(w.flags, counts ? WINDOW_COUNTERS : 0);
		taken(path, "seconds=", PAGE_PROFILE);
		assert_int_equal(w.length, 0);
		taken(path, "seconds=4&debug=0", PAGE_PROFILE);
		assert_int_equal(w.length, 4 * SECOND);
		assert_int_equal(w.flags, counts ? 0 : WINDOW_DELTA);
		refused(path, "seconds=0", 400, "must be a positive integer");
		refused(path, "seconds=-1", 400, "must be a positive integer");
		refused(path, "seconds=x&debug=1", 400, "must be a positive integer");
		refused(path, "seconds=4&debug=1", 400,
			"seconds and debug params are incompatible");
		refused(path, "seconds=4000", 400, "WriteTimeout");
		assert_int_equal(ask(path, "debug=1&gc=1")->debug, 1);
		assert_int_equal(ask(path, "debug=2")->debug, 2);
		assert_int_equal(w.flags, counts ? WINDOW_COUNTERS : WINDOW_DETAILS);
		assert_int_equal(ask(path, "debug=7")->debug, 1);
		assert_int_equal(ask(path, "debug=x")->debug, 0);
	}
	assert_int_equal(ask("/debug/pprof/goroutine", "")->is_goroutine, 1);
	assert_int_equal(ask("/debug/pprof/threads", "")->is_goroutine, 0);
}

static void paths(void **state)
{
	(void)state;
	taken("/debug/pprof/", "", PAGE_INDEX);
	taken("/debug/pprof", "", PAGE_REDIRECT);
	taken("/debug/pprof/cmdline", "", PAGE_COMMAND);
	taken("/debug/pprof/symbol", "", PAGE_SYMBOL);
	taken("/", "", PAGE_VIEW);
	taken("/metrics", "", PAGE_METRICS);
	taken("/api/target", "", PAGE_TARGET);
	taken("/api/dump", "pid=12", PAGE_DUMP);
	assert_int_equal(w.pid, 12);
	assert_int_equal(w.flags, WINDOW_DETAILS);
	taken("/speedscope/x.js", "", PAGE_ASSET);
	assert_string_equal(w.asset, "x.js");
	refused("/debug/pprof/nope", "", 404, "Unknown profile");
	refused("/debug/pprof/trace", "", 404, "Unknown profile");
	refused("/debug/pprof/heapz", "", 404, "Unknown profile");
	refused("/debug/pprof/profile/", "", 404, "Unknown profile");
	refused("/debug/pprofx", "", 404, "not found");
	refused("/debug", "", 404, "not found");
	refused("/api/", "", 404, "not found");
	refused("", "", 404, "not found");
}

static void other_names(void **state)
{
	(void)state;
	taken("/pprof/profile", "seconds=1", PAGE_PROFILE);
	taken("/pprof/contention", "", PAGE_PROFILE);
	assert_int_equal(w.kind, PROFILE_MUTEX);
	taken("/pprof/symbol", "", PAGE_SYMBOL);
	taken("/pprof/cmdline", "", PAGE_COMMAND);
	refused("/pprof/growth", "", 404, "Unknown profile");
	refused("/pprof/", "", 404, "not found");
}

static void of_one_process(void **state)
{
	(void)state;
	taken("/pid/41/debug/pprof/profile", "seconds=1", PAGE_PROFILE);
	assert_int_equal(w.pid, 41);
	taken("/pid/41/debug/pprof", "", PAGE_REDIRECT);
	taken("/pid/41/pprof/contention", "", PAGE_PROFILE);
	assert_int_equal(w.pid, 41);
	taken("/pid/41/", "", PAGE_VIEW);
	/* One that cannot be is none that is there. */
	assert_int_equal(ask("/pid/99999999999999999999/debug/pprof/", "")->pid, -1);
	assert_int_equal(ask("/pid/2147483648/debug/pprof/", "")->pid, -1);
	refused("/pid/0/debug/pprof/", "", 404, "not found");
	refused("/pid/-1/debug/pprof/", "", 404, "not found");
	refused("/pid/4x/debug/pprof/", "", 404, "not found");
	refused("/pid/41", "", 404, "not found");
	refused("/pid/", "", 404, "not found");
	refused("/pid/1/pid/2/debug/pprof/", "", 404, "not found");
}

static void of_the_view(void **state)
{
	(void)state;
	taken("/api/view", "kind=cpu&seconds=10", PAGE_VIEW_DATA);
	assert_int_equal(w.kind, PROFILE_CPU);
	assert_int_equal(w.length, 10 * SECOND);
	taken("/api/view", "kind=block", PAGE_VIEW_DATA);
	assert_int_equal(w.flags, WINDOW_COUNTERS);
	taken("/api/view", "kind=threads&debug=2", PAGE_VIEW_DATA);
	assert_int_equal(w.debug, 0);
	taken("/api/speedscope", "kind=wall&seconds=1&pid=7", PAGE_SPEEDSCOPE);
	assert_int_equal(w.pid, 7);
	assert_int_equal(ask("/api/view", "kind=cpu&pid=-7")->pid, -1);
	refused("/api/view", "", 404, "Unknown profile");
	refused("/api/view", "kind=profile", 404, "Unknown profile");
	refused("/api/view", "kind=goheap", 404, "Unknown profile");
}

/* All since the probe went in, or what came and went. */
static void heap_and_allocs(void **state)
{
	(void)state;
	taken("/debug/pprof/heap", "gc=1", PAGE_PROFILE);
	assert_int_equal(w.kind, PROFILE_HEAP);
	assert_int_equal(w.flags, WINDOW_COUNTERS);
	assert_int_equal(w.length, 0);
	assert_string_equal(w.name, "heap");
	taken("/pid/7/debug/pprof/allocs", "seconds=3", PAGE_PROFILE);
	assert_int_equal(w.kind, PROFILE_ALLOCS);
	assert_int_equal(w.flags, 0);
	assert_int_equal(w.length, 3 * SECOND);
	taken("/debug/pprof/heap", "debug=1", PAGE_PROFILE);
	assert_int_equal(w.debug, 1);
	refused("/debug/pprof/heap", "seconds=1&debug=1", 400, "incompatible");
	refused("/debug/pprof/allocs", "seconds=0", 400, "positive integer");
	taken("/pprof/heap", "", PAGE_PROFILE);
	taken("/api/view", "kind=heap", PAGE_VIEW_DATA);
}

/* Whatever the path is, the answer is a page that there is or an error. */
static void any_path(void **state)
{
	static const char *const parts[] = {"/", "debug", "pprof", "pid", "1", "profile", "api",
		"view", "..", "symbol", "\xff", "heap", "?", "", "speedscope", "99999999999"};
	char path[256];

	(void)state;
	srandom(1);
	for (int round = 0; round < 200000; round++) {
		size_t n = 0;
		for (int part = random() % 9; part-- > 0;)
			n += snprintf(path + n, sizeof(path) - n, "%s%s", random() % 4 ? "/" : "",
				parts[random() % 16]);
		path[n] = '\0';
		ask(path, random() % 2 ? "seconds=1" : "");
		assert_true(!w.status || w.status == 400 || w.status == 404);
		assert_true(!w.status == !w.why);
		assert_true(w.page <= PAGE_ASSET && w.kind < PROFILE_KINDS);
		assert_true(strlen(w.name) < sizeof(w.name));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_is_of_a_time),
		cmocka_unit_test(others_are_of_now),
		cmocka_unit_test(paths),
		cmocka_unit_test(other_names),
		cmocka_unit_test(of_one_process),
		cmocka_unit_test(of_the_view),
		cmocka_unit_test(heap_and_allocs),
		cmocka_unit_test(any_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
