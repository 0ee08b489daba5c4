/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unwinder on recordings of programs whose stack is always the same (tests/fixtures/fixture.c):
 * every capture has that very chain of functions, by the names of the program's own symbol table.
 */
#include <errno.h>
#include <fcntl.h>
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

#include "agent/raw_check.h"
#include "agent/raw_reader.h"
#include "base/generations.h"
#include "symbolize/symtab.h"
#include "unwind/unwind.h"

#define CAPTURES 5 /* at least, in each recording */

struct fixture {
	const char *name;
	const char *const *chain; /* leaf first */
	uint32_t guessed;	  /* frames from this one on rest on frame pointers; 0: none */
	uint32_t signal;	  /* this one was interrupted by a signal; 0: none */
};

static const char *const chain20[] = {"f01", "f02", "f03", "f04", "f05", "f06", "f07", "f08", "f09",
	"f10", "f11", "f12", "f13", "f14", "f15", "f16", "f17", "f18", "f19", "f20", "first",
	"_start", NULL};
static const char *const leaf[] = {"leaf", "caller", "first", "_start", NULL};
static const char *const signals[] = {
	"in_handler", "handler", "restorer", "interrupted", "before", "first", "_start", NULL};
static const char *const noreturn_call[] = {"gives_up", "ends_in_a_call", "first", "_start", NULL};
static const char *const aligned[] = {"inner", "aligned", "variable", "first", "_start", NULL};

/* --- one recording at a time --------------------------------------------------------------- */

static struct modules modules;
static struct rules *rules;
static struct generations generations;
static struct symtab symtab; /* of the program */
static uint32_t n_modules, program;
static struct tracer_identity identity;
static unsigned captures;

static int open_fixture(const char *name, const char *ending)
{
	const char *folder = getenv("srcdir");
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/fixtures/%s%s", folder ? folder : ".", name, ending);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

/* The file itself is the recorded one: else the chain would prove nothing. */
static void on_module(const struct fixture *f, const struct tracer_module *m, int image)
{
	int is_program = !!(m->flags & MODULE_IS_EXE);
	int fd = is_program ? open_fixture(f->name, ".elf") : image;
	const unsigned char *id;

	assert_int_equal(modules_open(&modules, fd, ++n_modules, m->flags), 0);
	if (!is_program)
		return;
	struct module *module = modules_get(&modules, n_modules);
	assert_true(module_is_readable(module));
	assert_int_equal(identity.build_id_len, 20);
	assert_int_equal(module_build_id(module, &id), 20);
	assert_memory_equal(id, identity.build_id, 20);
	assert_int_equal(symtab_init(&symtab, module), 0);
	program = n_modules;
}

static const char *name_of(const struct frame *f)
{
	const struct symtab_entry *e;
	uint64_t vaddr;

	if (f->module != program ||
		module_offset_to_vaddr(modules_get(&modules, program), f->offset, &vaddr) < 0)
		return "?";
	e = symtab_find(&symtab, vaddr);
	return e ? e->name : "?";
}

static void ignore_reading(void *arg, uint32_t module)
{
	(void)arg, (void)module;
}

static void on_capture(const struct fixture *f, const struct capture *c)
{
	static struct stack stack;
	struct unwinder u = {.modules = &modules, .rules = rules, .reading = ignore_reading};
	uint64_t need;
	uint32_t n = 0;

	const struct maps *maps = generations_find(&generations, c->generation);
	assert_non_null(maps);
	unwind_capture(&u, c, maps, &stack, &need);
	for (; f->chain[n] && n < stack.n; n++) {
		const struct frame *frame = &stack.v[n];
		assert_string_equal(name_of(frame), f->chain[n]);
		assert_int_equal(!!(frame->flags & FRAME_GUESSED), f->guessed && n >= f->guessed);
		assert_int_equal(!!(frame->flags & FRAME_SIGNAL), f->signal && n == f->signal);
	}
	assert_null(f->chain[n]);
	assert_int_equal(stack.n, n);
	assert_int_equal(stack.end, STACK_DONE);
	assert_true(need < c->stack_len);
	captures++;
}

static int make_image(const void *bytes, size_t n)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	return fd;
}

static void play(const struct fixture *f, struct raw_reader *r)
{
	struct raw_check check = {0};
	struct raw_record record;
	int image = -1;

	while (raw_reader_next(r, &record) == 1) {
		const struct maps_part *part = (const void *)r->payload;
		assert_int_equal(raw_check(&check, &record, r->payload), 0);
		if (record.type == TRACER_RECORDED)
			break;
		if (record.type == RAW_IMAGE)
			image = make_image(r->payload, record.size);
		else if (record.type == TRACER_IDENTITY)
			memcpy(&identity, r->payload, sizeof(identity));
		else if (record.type == TRACER_MAPS)
			assert_true(generations_add(&generations, part,
					    (const struct mapping *)(part + 1)) >= 0);
		else if (record.type == RAW_CAPTURE)
			on_capture(f, (const void *)r->payload);
		else if (record.type == TRACER_MODULE) {
			on_module(f, (const void *)r->payload, image);
			image = -1;
		}
	}
	assert_int_equal(raw_reader_end(r), 0);
}

static void chain_is_exact(const struct fixture *f)
{
	struct raw_reader reader;
	struct raw_header header;
	int fd = open_fixture(f->name, ".raw");

	modules_init(&modules);
	rules = rules_new();
	assert_non_null(rules);
	n_modules = program = captures = 0;
	raw_reader_init(&reader);
	assert_int_equal(raw_reader_open(&reader, fd, &header), 0);
	play(f, &reader);
	assert_true(captures >= CAPTURES);
	raw_reader_fini(&reader);
	close(fd);
	symtab_fini(&symtab);
	generations_fini(&generations);
	rules_free(rules);
	modules_fini(&modules);
}

/* --- the fixtures -------------------------------------------------------------------------- */

static void twenty_functions(void **state)
{
	(void)state;
	chain_is_exact(&(struct fixture){"chain20", chain20, 0, 0});
}

static void a_leaf_without_a_frame(void **state)
{
	(void)state;
	chain_is_exact(&(struct fixture){"leaf", leaf, 0, 0});
}

static void a_signal_handler(void **state)
{
	(void)state;
	chain_is_exact(&(struct fixture){"signal", signals, 0, 3});
}

static void a_signal_handler_on_its_own_stack(void **state)
{
	(void)state;
	chain_is_exact(&(struct fixture){"altstack", signals, 0, 3});
}

static void a_call_that_is_the_last_instruction(void **state)
{
	(void)state;
	chain_is_exact(&(struct fixture){"noreturn", noreturn_call, 0, 0});
}

static void frames_that_align_the_stack(void **state)
{
	(void)state;
	chain_is_exact(&(struct fixture){"aligned", aligned, 0, 0});
}

/* Frame pointers, and no unwind information but that of _start. */
static void no_unwind_information(void **state)
{
	(void)state;
	chain_is_exact(&(struct fixture){"nocfi", chain20, 1, 0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twenty_functions),
		cmocka_unit_test(a_leaf_without_a_frame),
		cmocka_unit_test(a_signal_handler),
		cmocka_unit_test(a_signal_handler_on_its_own_stack),
		cmocka_unit_test(a_call_that_is_the_last_instruction),
		cmocka_unit_test(frames_that_align_the_stack),
		cmocka_unit_test(no_unwind_information),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
