/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What session keeps of perf maps, gives to the worker, and says of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/naming.h"
#include "agent/perf_maps.h"
#include "base/log.h"
#include "base/wire.h"

#define MODULES 12u

static struct session session;
static struct options options;
static struct module modules[MODULES];
static struct naming_frame frames[2 * MODULES];
static uint32_t numbers[MODULES];
static struct wire_message message;
static int worker;
static struct buf text;

/* Each module has two frames. The last one has a file. */
static int begin(void **state)
{
	int pair[2];

	(void)state;
	if (wire_pair(pair) != 0)
		return -1;
	worker = pair[1];
	options = (struct options){.symbols = SYMBOLS_FULL};
	session = (struct session){.options = &options, .worker = {.sock = pair[0]}};
	session.symbols = symbols_new();
	session.data.modules = modules;
	session.data.n_modules = MODULES;
	session.data.number_module = numbers;
	session.data.n_numbers = MODULES;
	session.naming.frames = frames;
	session.naming.n = 2 * MODULES;
	for (uint32_t i = 0; i < MODULES; i++) {
		modules[i] = (struct module){.fd = -1, .perf_map = {.fd = -1}};
		modules[i].info.flags = i + 1 < MODULES ? MODULE_NO_FILE : 0;
		numbers[i] = i + 1;
	}
	for (uint32_t i = 0; i < 2 * MODULES; i++)
		frames[i] = (struct naming_frame){i, i / 2 + 1};
	buf_init(&text, 64 * KIB);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MODULES; i++)
		if (modules[i].perf_map.fd >= 0)
			close(modules[i].perf_map.fd);
	symbols_free(session.symbols);
	buf_fini(&text);
	close(worker);
	close(session.worker.sock);
	log_set_level(LOG_NORMAL);
	return 0;
}

static int tell(uint32_t module, int32_t pid, int32_t error)
{
	const struct tracer_perf_map m = {.module = module, .pid = pid, .error = error};

	memcpy(message.payload, &m, sizeof(m));
	message.type = TRACER_PERF_MAP;
	message.size = sizeof(m);
	message.fd = error ? -1 : memfd_create("map", MFD_CLOEXEC);
	int result = perf_maps_on_file(&session, &message);
	if (message.fd >= 0)
		close(message.fd);
	return result;
}

static int tell_read(uint32_t module, uint32_t functions, uint32_t bad, int32_t error)
{
	const struct worker_perf_map m = {module, functions, bad, error};

	memcpy(message.payload, &m, sizeof(m));
	message.size = sizeof(m);
	return perf_maps_on_read(&session, &message);
}

static const char *said(void)
{
	buf_clear(&text);
	perf_maps_text(&session, &text);
	return buf_text(&text);
}

static void only_of_modules_without_a_file(void **state)
{
	(void)state;
	assert_int_equal(tell(1, 7, 0), 0);
	assert_true(modules[0].perf_map.fd >= 0);
	assert_true(perf_maps_is_usable(&modules[0]));
	assert_int_equal(tell(MODULES, 7, 0), -EPROTO);
	assert_int_equal(tell(0, 7, 0), -EPROTO);
	assert_int_equal(tell(MODULES + 1, 7, 0), -EPROTO);
	numbers[1] = 0; /* past the ceiling of modules */
	assert_int_equal(tell(2, 7, 0), -EPROTO);
	message.size--;
	assert_int_equal(perf_maps_on_file(&session, &message), -EPROTO);
	assert_int_equal(tell_read(0, 1, 1, 0), -EPROTO);
	assert_int_equal(tell_read(MODULES + 1, 1, 1, 0), -EPROTO);
	modules[0].info.flags |= MODULE_BLACKLISTED;
	assert_false(perf_maps_is_usable(&modules[0]));
}

static void the_one_before_stays_until_there_is_another(void **state)
{
	(void)state;
	assert_int_equal(tell(1, 7, 0), 0);
	int fd = modules[0].perf_map.fd;
	assert_int_equal(tell(1, 7, -ELOOP), 0);
	assert_int_equal(modules[0].perf_map.fd, fd);
	assert_int_equal(modules[0].perf_map.error, -ELOOP);
	assert_int_equal(tell(1, 7, 0), 0);
	assert_true(modules[0].perf_map.fd >= 0);
	assert_int_equal(modules[0].perf_map.error, 0);
}

/* The worker gets it before the first question about its module, again for the next interval, and
 * again when it is another worker. */
static void the_worker_gets_it_first(void **state)
{
	(void)state;
	assert_int_equal(tell(3, 7, 0), 0);
	for (int round = 0; round < 2; round++) {
		session.naming.module = 0; /* as at the begin of an interval */
		session.naming.level = session.options->symbols;
		session.naming.next = session.naming.asked = 0;
		assert_int_equal(naming_ask(&session, round), 1);
		assert_int_equal(session.naming.module, 3);
		assert_int_equal(wire_recv(worker, &message, 0), 1);
		assert_int_equal(message.type, TO_WORKER_PERF_MAP);
		assert_int_equal(((struct worker_module *)message.payload)->module, 3);
		assert_true(message.fd >= 0);
		close(message.fd);
		assert_int_equal(wire_recv(worker, &message, 0), 1);
		assert_int_equal(message.type, TO_WORKER_SYMBOLIZE);
		assert_int_equal(((struct worker_symbolize *)message.payload)->n, 2);
		assert_int_equal(naming_ask(&session, 0), 1);
		assert_int_equal(session.naming.module, MODULES);
		assert_int_equal(wire_recv(worker, &message, 0), 1);
		assert_int_equal(message.type, TO_WORKER_SYMBOLIZE);
	}
	/* Code comes and goes: what an interval before had a name for is asked again. */
	struct symbol line = {.name = "a", .system_name = "a", .file = ""};
	for (uint32_t i = 4; i < 6; i++)
		assert_int_equal(symbols_add(session.symbols, 3, i, &line, 1), 0);
	session.naming.next = session.naming.asked = 0;
	assert_int_equal(naming_ask(&session, 0), 1);
	assert_int_equal(session.naming.module, 3);
}

static void each_process_is_one_line(void **state)
{
	(void)state;
	assert_string_equal(said(), "");
	assert_int_equal(tell(1, 7, -ENOENT), 0);
	assert_int_equal(tell(5, 7, -ENOENT), 0); /* the same process */
	assert_non_null(strstr(said(), "no symbols: JIT code without /tmp/perf-7.map (node "));
	assert_null(strstr(said(), "perf-7.map, "));
	for (uint32_t i = 2; i <= 8; i++)
		assert_int_equal(tell(i, 10 + i, -ENOENT), 0);
	assert_non_null(strstr(said(),
		"/tmp/perf-7.map, /tmp/perf-12.map, /tmp/perf-13.map, /tmp/perf-14.map, "
		"/tmp/perf-15.map and 3 more ("));
	options.symbols = SYMBOLS_NONE;
	assert_string_equal(said(), "");
}

static void what_became_of_it(void **state)
{
	static const struct {
		int error;
		const char *text;
	} refusals[] = {
		{-ELOOP, "it is a symbolic link"},
		{-EPERM, "it belongs to another user"},
		{-EMLINK, "it has more than one name"},
		{-EINVAL, "it is no regular file"},
		{-EFBIG, "it is too large"},
		{-ESTALE, "it is older than the process"},
		{-EACCES, "Permission denied"},
	};
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		assert_int_equal(tell(1, 7, refusals[i].error), 0);
		snprintf(line, sizeof(line),
			"modules   JIT code: /tmp/perf-7.map is not used: %s\n", refusals[i].text);
		assert_string_equal(said(), line);
	}
	assert_int_equal(tell(1, 7, 0), 0);
	assert_int_equal(tell_read(1, 0, 3, 0), 0);
	assert_string_equal(
		said(), "modules   JIT code: nothing in /tmp/perf-7.map, 3 bad lines\n");
	assert_int_equal(tell_read(1, 20, 3, 0), 0);
	assert_string_equal(said(), "");
	log_set_level(LOG_VERBOSE);
	assert_string_equal(
		said(), "modules   JIT code: 20 functions in /tmp/perf-7.map, 3 bad lines\n");
	assert_int_equal(tell_read(1, 0, 0, -E2BIG), 0);
	assert_string_equal(
		said(), "modules   JIT code: /tmp/perf-7.map is not used: it is too large\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_of_modules_without_a_file),
		TEST(the_one_before_stays_until_there_is_another),
		TEST(the_worker_gets_it_first),
		TEST(each_process_is_one_line),
		TEST(what_became_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
