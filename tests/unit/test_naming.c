/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug files are asked for a few at a time, and each once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/naming.h"
#include "base/wire.h"

#define MODULES 200u /* more than are asked for at once, fewer than a socket takes */
#define FRAMES	3u   /* of each */

static struct session session;
static struct options options = {.symbols = SYMBOLS_FULL};
static struct module modules[MODULES];
static struct naming_frame frames[MODULES * FRAMES];
static struct wire_message message;
static int tracer;
static uint32_t asked[MODULES + 1]; /* by id: how often */

/* Every second one wants a debug file. */
static int begin(void **state)
{
	int pair[2];

	(void)state;
	if (wire_pair(pair) != 0)
		return -1;
	tracer = pair[1];
	memset(asked, 0, sizeof(asked));
	session = (struct session){.options = &options, .tracer = {.sock = pair[0]}};
	session.data.modules = modules;
	session.data.n_modules = MODULES;
	session.naming.frames = frames;
	session.naming.n = MODULES * FRAMES;
	for (uint32_t i = 0; i < MODULES; i++)
		modules[i] = (struct module){.fd = -1, .debug_fd = -1, .wants_debug_file = i % 2};
	for (uint32_t i = 0; i < MODULES * FRAMES; i++)
		frames[i] = (struct naming_frame){i, i / FRAMES + 1};
	return 0;
}

static int end(void **state)
{
	(void)state;
	close(tracer);
	close(session.tracer.sock);
	return 0;
}

/* 1: a question was there, and is now in message, as an answer without a file. */
static int take_question(void)
{
	if (wire_recv(tracer, &message, 0) != 1)
		return 0;
	assert_int_equal(message.type, TO_TRACER_DEBUG_FILE);
	struct tracer_debug_file *ask = (void *)message.payload;
	assert_int_equal(message.size, sizeof(*ask));
	assert_in_range(ask->module, 1, MODULES);
	asked[ask->module]++;
	ask->error = -ENOENT;
	message.type = TRACER_DEBUG_FILE;
	return 1;
}

static void each_once_and_never_too_many(void **state)
{
	uint32_t pending = naming_ask_debug_files(&session), answers = 0;

	(void)state;
	assert_int_equal(pending, NAMING_DEBUG_PENDING);
	for (; pending; answers++) {
		assert_true(pending <= NAMING_DEBUG_PENDING);
		assert_true(take_question());
		naming_on_debug_file(&session, &message);
		pending = naming_ask_debug_files(&session);
	}
	assert_false(take_question());
	assert_int_equal(answers, MODULES / 2);
	for (uint32_t id = 1; id <= MODULES; id++)
		assert_int_equal(asked[id], (id - 1) % 2);
}

static void one_that_has_its_file_is_not_asked_for(void **state)
{
	(void)state;
	session.naming.n = 4 * FRAMES;
	modules[1].debug_fd = 1000;
	assert_int_equal(naming_ask_debug_files(&session), 1);
	assert_true(take_question());
	assert_int_equal(asked[4], 1);
	naming_on_debug_file(&session, &message);
	assert_int_equal(naming_ask_debug_files(&session), 0);
	assert_false(take_question());
}

/* Its socket is closed at the other end: nobody is waited for. */
static void a_tracer_that_died(void **state)
{
	(void)state;
	close(tracer);
	assert_int_equal(naming_ask_debug_files(&session), 0);
	tracer = dup(session.tracer.sock);
}

static void names_without_debug_files(void **state)
{
	(void)state;
	options.symbols = SYMBOLS_SYMTAB;
	assert_int_equal(naming_ask_debug_files(&session), 0);
	options.symbols = SYMBOLS_FULL;
	assert_false(take_question());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_once_and_never_too_many, begin, end),
		cmocka_unit_test_setup_teardown(one_that_has_its_file_is_not_asked_for, begin, end),
		cmocka_unit_test_setup_teardown(a_tracer_that_died, begin, end),
		cmocka_unit_test_setup_teardown(names_without_debug_files, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
