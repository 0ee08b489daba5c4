/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of profile_build: one small process (libc, listed and used first; the executable in
 * two segments; anonymous code; the vdso; libc mapped again) and checks of what comes out.
 */
#ifndef TESTS_UNIT_PROFILE_FIXTURE_H
#define TESTS_UNIT_PROFILE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "output/profile.h"
#include "output/symbols.h"
#include "output/table.h"

#define BAD "\xef\xbf\xbd"

enum { LIBC = 1, EXE, ANON, VDSO, GONE, MODULES = GONE };

static struct module_info modules[MODULES] = {
	{.path = "/lib/libc.so", .build_id_len = 4, .build_id = {0xAB, 0x00, 0x0f, 0xe1}},
	{.path = "/usr/bin/app", .flags = MODULE_IS_EXE},
	{.path = "", .flags = MODULE_NO_FILE},
	{.path = "[vdso]", .flags = MODULE_FROM_MEMORY},
	{.path = "/lib/gone.so"},
};

static const struct segment segments[] = {
	{0x70000, 0x72000, 0x1000, LIBC}, {0x10000, 0x12000, 0x0, EXE},
	{0x15000, 0x16000, 0x4000, EXE}, {0xa0000, 0xa1000, 0x0, ANON},
	{0xb0000, 0xb1000, 0x0, VDSO},
	{0x90000, 0x91000, 0x2000, LIBC}, /* newer: hides the second page of the first */
};

static struct thread_info threads[8];
static struct table *table;
static struct symbols *symbols;
static struct profile_input in;
static struct profile *p;

static inline int begin(void **state)
{
	(void)state;
	memset(threads, 0, sizeof(threads));
	for (int i = 0; i < 8; i++) {
		threads[i].tid = 100 + i;
		snprintf(threads[i].name, sizeof(threads[i].name), "t%d", i);
	}
	table = table_new();
	symbols = symbols_new();
	in = (struct profile_input){
		.kind = PROFILE_CPU,
		.table = table,
		.symbols = symbols,
		.threads = threads,
		.n_threads = 8,
		.modules = modules,
		.n_modules = MODULES,
		.segments = segments,
		.n_segments = sizeof(segments) / sizeof(*segments),
		.time = 1700000000123456789ull,
		.duration = 5000000001ull,
		.hz = 99,
	};
	return !table || !symbols;
}

static inline int end(void **state)
{
	(void)state;
	profile_free(p);
	p = NULL;
	symbols_free(symbols);
	table_free(table);
	return 0;
}

/* --- input and what comes out -------------------------------------------------------------- */

static inline void add(
	uint32_t thread, uint32_t state, uint64_t count, const struct frame *v, uint32_t n)
{
	static struct stack stack;
	stack.n = n;
	stack.end = STACK_DONE;
	memcpy(stack.v, v, n * sizeof(*v));
	assert_int_equal(table_add(table, &stack, thread, state, count), 0);
}

/* ADD(thread, state, count, {offset, module, flags}, ...): leaf first */
#define ADD(thread, state, count, ...)                                                             \
	add(thread, state, count, (const struct frame[]){__VA_ARGS__},                             \
		sizeof((const struct frame[]){__VA_ARGS__}) / sizeof(struct frame))

static inline void name(uint32_t module, uint64_t offset, const char *text)
{
	struct symbol s = {text, text, "", 0, 0};
	assert_int_equal(symbols_add(symbols, module, offset, &s, 1), 0);
}

static inline const char *text(uint32_t id)
{
	assert_true(id < strings_count(p->strings));
	return strings_text(p->strings, id);
}

static inline const char *function_name(const struct profile_location *l, uint32_t line)
{
	assert_true(line < l->n_lines);
	return text(p->functions[p->lines[l->first_line + line].function - 1].name);
}

static inline const struct profile_location *location(uint32_t sample, uint32_t depth)
{
	assert_true(sample < p->n_samples);
	assert_true(depth < p->samples[sample].n_locations);
	return &p->locations[p->sample_locations[p->samples[sample].first_location + depth] - 1];
}

static inline const struct profile_mapping *mapping_of(const struct profile_location *l)
{
	assert_true(l->mapping);
	return &p->mappings[l->mapping - 1];
}

/* What holds for every profile: references in range, flags as one, no function twice. */
static inline void assert_sound(void)
{
	for (uint32_t i = 0; i < p->n_samples; i++) {
		const struct profile_sample *s = &p->samples[i];
		assert_true(s->first_location + s->n_locations <= p->n_sample_locations);
		assert_true(s->values[0] >= 0 && s->values[1] >= 0);
	}
	for (uint32_t i = 0; i < p->n_sample_locations; i++)
		assert_in_range(p->sample_locations[i], 1, p->n_locations);
	for (uint32_t i = 0; i < p->n_locations; i++) {
		const struct profile_location *l = &p->locations[i];
		assert_true(l->first_line + l->n_lines <= p->n_lines);
		assert_true(l->mapping <= p->n_mappings);
		if (l->mapping) {
			const struct profile_mapping *m = mapping_of(l);
			assert_in_range(l->address, m->start, m->limit - 1);
			assert_int_equal(m->has_functions, l->n_lines != 0);
		} else {
			assert_true(l->n_lines);
		}
	}
	for (uint32_t i = 0; i < p->n_lines; i++)
		assert_in_range(p->lines[i].function, 1, p->n_functions);
	for (uint32_t i = 0; i < p->n_mappings; i++) {
		const struct profile_mapping *m = &p->mappings[i];
		assert_int_equal(m->has_filenames, m->has_functions);
		assert_int_equal(m->has_line_numbers, m->has_functions);
		assert_int_equal(m->has_inline_frames, m->has_functions);
	}
	for (uint32_t i = 0; i < p->n_functions; i++) {
		assert_string_not_equal(text(p->functions[i].name), "");
		for (uint32_t k = 0; k < i; k++)
			assert_memory_not_equal(
				&p->functions[i], &p->functions[k], sizeof(*p->functions));
	}
}

static inline void build(void)
{
	profile_free(p);
	p = NULL;
	assert_int_equal(profile_build(&in, &p), 0);
	assert_non_null(p);
	assert_sound();
}

static inline int64_t sum(unsigned value)
{
	int64_t all = 0;
	for (uint32_t i = 0; i < p->n_samples; i++)
		all += p->samples[i].values[value];
	return all;
}

/* One frame of a sample; file NULL: no mapping, name NULL: no lines. */
static inline void check(uint32_t sample, uint32_t depth, const char *file, uint64_t address,
	const char *name_of_first)
{
	const struct profile_location *l = location(sample, depth);
	assert_int_equal(l->address, address);
	assert_int_equal(!l->mapping, !file);
	if (file)
		assert_string_equal(text(mapping_of(l)->file), file);
	assert_int_equal(!l->n_lines, !name_of_first);
	if (name_of_first)
		assert_string_equal(function_name(l, 0), name_of_first);
}

static inline void check_values(uint32_t sample, int64_t tid, int64_t first, int64_t second)
{
	assert_true(sample < p->n_samples);
	assert_int_equal(p->samples[sample].tid, tid);
	assert_int_equal(p->samples[sample].values[0], first);
	assert_int_equal(p->samples[sample].values[1], second);
}

static inline void check_type(
	const struct profile_type *type, const char *name_of, const char *unit)
{
	assert_string_equal(text(type->type), name_of);
	assert_string_equal(text(type->unit), unit);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

#endif
