/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A symbolizer that is asked again and again about functions of several compile units: those of
 * this program and of the library in it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "symbolize/symbolize.h"

#define MODULE 1u

extern const char __ehdr_start[];

static struct modules modules;
static struct symbolizer symbolizer;
static unsigned beats;

static void count_beat(void *arg)
{
	(void)arg;
	beats++;
}

static int set_up(void **state)
{
	(void)state;
	modules_init(&modules);
	symbolizer_init(&symbolizer, &modules, count_beat, NULL);
	return modules_open(&modules, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MODULE, 0);
}

static int tear_down(void **state)
{
	(void)state;
	symbolizer_fini(&symbolizer);
	modules_fini(&modules);
	return 0;
}

static void *const functions[] = {(void *)set_up, (void *)symtab_init, (void *)cu_ranges_init};
static const char *const names[] = {"set_up", "symtab_init", "cu_ranges_init"};

static int is_named(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	uint32_t *at = arg;

	(void)offset;
	assert_int_equal(n, 1);
	assert_string_equal(lines[0].name, names[*at]);
	assert_true(lines[0].line > 0);
	++*at;
	return 0;
}

static void ask_all(void)
{
	struct worker_symbolize ask = {MODULE, 3, SYMBOLS_FULL, DEMANGLE_TEMPLATES, 0, 0};
	uint64_t offsets[3];
	uint32_t answered = 0;

	for (int i = 0; i < 3; i++) {
		const struct module *m = modules_get(&modules, MODULE);
		uint64_t vaddr = (uint64_t)functions[i] - (uint64_t)__ehdr_start;
		assert_int_equal(module_vaddr_to_offset(m, vaddr, &offsets[i]), 0);
	}
	assert_int_equal(symbolizer_request(&symbolizer, &ask, offsets, is_named, &answered), 0);
	assert_int_equal(answered, 3);
}

static void each_unit_is_a_beat(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) {
		beats = 0;
		ask_all();
		assert_true(beats >= 3);
	}
}

static const char *shown; /* of the last answer */

static int keep_name(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	(void)arg, (void)offset;
	assert_int_equal(n, 1);
	shown = lines[0].name;
	return 0;
}

static void ask_symtab(uint32_t demangle)
{
	struct worker_symbolize ask = {MODULE, 1, SYMBOLS_SYMTAB, demangle, 0, 0};
	uint64_t offset;

	assert_int_equal(module_vaddr_to_offset(modules_get(&modules, MODULE),
				 (uint64_t)functions[1] - (uint64_t)__ehdr_start, &offset),
		0);
	assert_int_equal(symbolizer_request(&symbolizer, &ask, &offset, keep_name, NULL), 0);
}

static void names_are_kept(void **state)
{
	(void)state;
	ask_symtab(DEMANGLE_TEMPLATES);
	const char *first = shown;
	ask_symtab(DEMANGLE_TEMPLATES);
	assert_ptr_equal(first, shown);
	assert_string_equal(shown, names[1]);
	assert_true(symbolizer.names.bytes >= 2 * sizeof("symtab_init"));
	/* Shown otherwise they are others; and not for ever. */
	ask_symtab(DEMANGLE_FULL);
	assert_int_equal(symbolizer.names.level, DEMANGLE_FULL);
	assert_int_equal(symbolizer.names.n, 1);
	ask_all();
	assert_true(symbolizer.names.n > 1);
	ask_symtab(DEMANGLE_TEMPLATES);
	symbolizer.names.bytes = 1ul << 30;
	ask_symtab(DEMANGLE_TEMPLATES);
	assert_int_equal(symbolizer.names.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_unit_is_a_beat),
		cmocka_unit_test(names_are_kept),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
