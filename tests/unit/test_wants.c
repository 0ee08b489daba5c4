/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that a worker wants are looked for once each, a few at a time, place by place; a new worker
 * is told of them again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/session.h"

#define MODULES 200u /* more than are asked for at once, fewer than a socket takes */

static struct session session;
static struct options options;
static struct module modules[MODULES];
static struct wire_message message;
static int tracer, worker;
static uint32_t asked[MODULES + 1]; /* by id: how often */

/* As the worker tells it: name and folder are in one. */
static int want(uint32_t module, uint32_t kind, uint32_t index, const char *name)
{
	struct extra_file file = {
		.module = module, .kind = kind, .index = index, .name_len = strlen(name)};

	message.size = sizeof(file) + file.name_len;
	memcpy(message.payload, &file, sizeof(file));
	memcpy(message.payload + sizeof(file), name, file.name_len);
	return wants_add(&session, &message);
}

/* All modules have frames but every fifth. */
static int begin(void **state)
{
	int pair[2], other[2];

	(void)state;
	if (wire_pair(pair) != 0 || wire_pair(other) != 0)
		return -1;
	tracer = pair[1];
	worker = other[1];
	memset(asked, 0, sizeof(asked));
	options = (struct options){.symbols = SYMBOLS_FULL};
	session = (struct session){
		.options = &options, .tracer = {.sock = pair[0]}, .worker = {.sock = other[0]}};
	session.data.modules = modules;
	session.data.n_modules = MODULES;
	for (uint32_t i = 0; i < MODULES; i++)
		modules[i] = (struct module){
			.fd = -1, .has_frames = i % 5 != 0, .info.path = (char *)"/bin/some"};
	return 0;
}

static int end(void **state)
{
	(void)state;
	wants_fini(&session.wants);
	outbox_clear(&session.to_worker);
	close(tracer);
	close(worker);
	close(session.tracer.sock);
	close(session.worker.sock);
	return 0;
}

static struct extra_file *take(int sock, uint32_t type)
{
	if (wire_recv(sock, &message, 0) != 1)
		return NULL;
	assert_int_equal(message.type, type);
	return (struct extra_file *)message.payload;
}

/* The tracer's answer to what is in message. */
static void answer_tracer(int error, const char *path)
{
	struct extra_file *f = (void *)message.payload;

	f->error = error;
	f->path_len = error ? 0 : strlen(path);
	memcpy(f + 1, path, f->path_len);
	message.size = sizeof(*f) + f->path_len;
	message.fd = error ? -1 : memfd_create("file", MFD_CLOEXEC);
	wants_on_file(&session, &message);
	assert_int_equal(message.fd, -1);
}

/* The worker's, to the next file that it is given; whether it came with a descriptor. */
static int answer_worker(int error)
{
	struct extra_file *f = take(worker, TO_WORKER_EXTRA);

	assert_non_null(f);
	int has_fd = message.fd >= 0;
	if (has_fd)
		close(message.fd);
	f->error = error;
	assert_int_equal(wants_on_answer(&session, &message), 0);
	return has_fd;
}

static void each_once_and_never_too_many(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= MODULES; id++) {
		assert_int_equal(want(id, EXTRA_DEBUG, 0, "x.debug"), 0);
		assert_int_equal(want(id, EXTRA_DEBUG, 0, "x.debug"), 0);
	}
	while (wants_ask(&session)) {
		assert_in_range(session.wants.asked, 1, WANTS_ASKED);
		struct extra_file *f = take(tracer, TO_TRACER_EXTRA);
		assert_int_equal(f->path_len, strlen("/bin/some"));
		assert_memory_equal((char *)(f + 1), "x.debug/bin/some", 16);
		asked[f->module]++;
		answer_tracer(-ENOENT, "");
		assert_false(answer_worker(0));
	}
	assert_null(take(tracer, 0));
	for (uint32_t id = 1; id <= MODULES; id++)
		assert_int_equal(asked[id], (id - 1) % 5 != 0);
}

/* Long names: not even that many. */
static void never_too_large(void **state)
{
	static char name[LIMIT_PATH - 1];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	for (uint32_t id = 1; id <= MODULES; id++)
		assert_int_equal(want(id, EXTRA_DEBUG, 0, name), 0);
	wants_ask(&session);
	assert_in_range(session.wants.asked * sizeof(name), 1, WANTS_BYTES);
}

static void another_file_sends_on_to_the_next_place(void **state)
{
	(void)state;
	want(2, EXTRA_DEBUG, 0, "x.debug");
	assert_int_equal(wants_ask(&session), 1);
	struct extra_file *f = take(tracer, TO_TRACER_EXTRA);
	assert_int_equal(f->candidate, 0);
	f->candidate = 3;
	answer_tracer(0, "/bin/.debug/x.debug");
	assert_true(answer_worker(-EINVAL));
	assert_int_equal(wants_ask(&session), 1);
	f = take(tracer, TO_TRACER_EXTRA);
	assert_int_equal(f->candidate, 4);
	answer_tracer(0, "/usr/lib/debug/bin/x.debug");
	assert_true(answer_worker(0));
	assert_int_equal(wants_ask(&session), 0);
	assert_string_equal(
		wants_find(&session.wants, 2, EXTRA_DEBUG, 0)->path, "/usr/lib/debug/bin/x.debug");
	/* What the debug file names is looked for beside it. */
	want(2, EXTRA_ALT, 1, "../x");
	assert_int_equal(wants_ask(&session), 1);
	f = take(tracer, TO_TRACER_EXTRA);
	assert_memory_equal((char *)(f + 1), "../x/usr/lib/debug/bin/x.debug", f->path_len + 4);
}

static void a_new_worker_is_told_again(void **state)
{
	(void)state;
	want(2, EXTRA_DEBUG, 0, "");
	want(3, EXTRA_DEBUG, 0, "");
	assert_int_equal(wants_ask(&session), 2);
	take(tracer, TO_TRACER_EXTRA);
	answer_tracer(0, "/here");
	take(tracer, TO_TRACER_EXTRA);
	answer_tracer(-ENOENT, "");
	assert_true(answer_worker(0)); /* and the other one dies with the worker */
	assert_int_equal(wants_ask(&session), 1);
	assert_non_null(take(worker, TO_WORKER_EXTRA));
	wants_tell(&session, 2);
	wants_tell(&session, 3);
	assert_true(answer_worker(0));
	assert_false(answer_worker(0));
	assert_int_equal(wants_ask(&session), 0);
	/* Its debug information brought a worker down. */
	modules[1].symtab_only = 1;
	wants_tell(&session, 2);
	assert_null(take(worker, 0));
}

/* The present request of names is asked again once it is here, also where another worker had it. */
static void a_split_file_is_awaited(void **state)
{
	(void)state;
	want(2, EXTRA_SPLIT, 7, "x.dwo");
	assert_true(session.naming.awaits);
	assert_int_equal(wants_ask(&session), 1);
	take(tracer, TO_TRACER_EXTRA);
	answer_tracer(0, "/x.dwo");
	assert_true(answer_worker(0));
	assert_int_equal(wants_ask(&session), 0);
	session.naming.awaits = 0;
	want(2, EXTRA_SPLIT, 7, "x.dwo");
	assert_true(session.naming.awaits);
	assert_int_equal(wants_ask(&session), 1);
	assert_true(answer_worker(0));
}

static void a_tracer_that_died(void **state)
{
	(void)state;
	want(2, EXTRA_DEBUG, 0, "");
	want(3, EXTRA_DEBUG, 0, "");
	assert_int_equal(wants_ask(&session), 2);
	wants_tracer_ended(&session);
	assert_false(answer_worker(0));
	assert_false(answer_worker(0));
	assert_int_equal(wants_ask(&session), 0);
	close(tracer);
	want(4, EXTRA_DEBUG, 0, "");
	assert_int_equal(wants_ask(&session), 1);
	assert_false(answer_worker(0));
	tracer = dup(session.tracer.sock);
}

static void names_without_debug_files(void **state)
{
	(void)state;
	options.symbols = SYMBOLS_SYMTAB;
	want(2, EXTRA_DEBUG, 0, "");
	assert_int_equal(wants_ask(&session), 0);
	assert_null(take(tracer, 0));
}

static void what_makes_no_sense(void **state)
{
	(void)state;
	assert_int_equal(want(0, EXTRA_DEBUG, 0, ""), -EPROTO);
	assert_int_equal(want(MODULES + 1, EXTRA_DEBUG, 0, ""), -EPROTO);
	assert_int_equal(want(1, EXTRA_KINDS, 0, ""), -EPROTO);
	want(1, EXTRA_DEBUG, 0, "abc");
	message.size--;
	assert_int_equal(wants_add(&session, &message), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_once_and_never_too_many, begin, end),
		cmocka_unit_test_setup_teardown(never_too_large, begin, end),
		cmocka_unit_test_setup_teardown(
			another_file_sends_on_to_the_next_place, begin, end),
		cmocka_unit_test_setup_teardown(a_new_worker_is_told_again, begin, end),
		cmocka_unit_test_setup_teardown(a_split_file_is_awaited, begin, end),
		cmocka_unit_test_setup_teardown(a_tracer_that_died, begin, end),
		cmocka_unit_test_setup_teardown(names_without_debug_files, begin, end),
		cmocka_unit_test_setup_teardown(what_makes_no_sense, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
