/* SPDX-License-Identifier: GPL-2.0-or-later */
/* symbolize/gopclntab: a table made by hand after the runtime's own definitions, whole and damaged.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "symbolize/go_stacks.h"
#include "symbolize/module.h"
#include "tests/unit/elf_fixture.h"

/* Where things are in the file, which is loaded at BASE as a whole. */
enum { TEXT = 0x1000, TABLE = 0x2000, DATA = 0x3000, TREE = 0x3800, NAMES = 0x3f00, SIZE = 0x4400 };
#define BASE 0x400000u

enum { T_NAMES = 0x80, T_UNITS = 0x100, T_FILES = 0x120, T_VALUES = 0x160, T_FUNCTIONS = 0x200 };

static unsigned char file[SIZE];

static void put32(size_t at, uint32_t value)
{
	memcpy(file + at, &value, 4);
}

static void put64(size_t at, uint64_t value)
{
	memcpy(file + at, &value, 8);
}

static void put_bytes(size_t at, const char *bytes, size_t n)
{
	memcpy(file + at, bytes, n);
}
#define PUT(at, literal) put_bytes(at, literal, sizeof(literal))

static void put_section(
	unsigned i, uint32_t name, uint32_t type, uint64_t flags, size_t at, size_t n)
{
	Elf64_Shdr section = {.sh_name = name,
		.sh_type = type,
		.sh_flags = flags,
		.sh_addr = flags ? BASE + at : 0,
		.sh_offset = at,
		.sh_size = n};

	memcpy(file + NAMES + 0x100 + i * sizeof(section), &section, sizeof(section));
}

static void make_elf(void)
{
	put_headers(file, SIZE, BASE, NAMES + 0x100, 5);
	PUT(NAMES, "\0.text\0.gopclntab\0.noptrdata\0.shstrtab");
	put_section(1, 1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, 0x100);
	put_section(2, 7, SHT_PROGBITS, SHF_ALLOC, TABLE, 0x400);
	put_section(3, 18, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, DATA, 0x200);
	put_section(4, 29, SHT_STRTAB, 0, NAMES, 0x40);
}

/* runtime.pcHeader of Go 1.26: without the address of the text, which moduledata has. */
static void make_header(uint32_t magic)
{
	put32(TABLE, magic);
	put32(TABLE + 4, 0x08010000);
	put64(TABLE + 8, 2);
	put64(TABLE + 16, 1);
	put64(TABLE + 32, T_NAMES);
	put64(TABLE + 40, T_UNITS);
	put64(TABLE + 48, T_FILES);
	put64(TABLE + 56, T_VALUES);
	put64(TABLE + 64, T_FUNCTIONS);
	put64(DATA + 8, BASE + TABLE);
	put64(DATA + 16, BASE + TABLE + T_NAMES);
	put64(DATA + 8 + 8 * 22, BASE + TEXT);
	put64(DATA + 8 + 8 * 40, BASE + TREE - 0x10);
}

/* main.root at 0 to 0x40, main.outer to 0x80, into which main.inner was inlined at 0x50 to 0x60. */
static void make_functions(void)
{
	enum { ROOT = 0x20, OUTER = 0x60 };

	PUT(TABLE + T_NAMES, "\0main.root\0main.outer\0main.inner");
	put32(TABLE + T_UNITS, 0);
	PUT(TABLE + T_FILES, "/src/a.go");
	/* Differences of values (twice, odd for below zero) and of addresses; the first from -1. 0
	 * ends a table, but not in the first place. */
	PUT(TABLE + T_VALUES + 0x01, "\x02\x04\x10\x38\x10\x04"); /* 0 for 4, 8 for 56, 16 for 4 */
	PUT(TABLE + T_VALUES + 0x10, "\x02\x40");		  /* file 0 */
	PUT(TABLE + T_VALUES + 0x20, "\x16\x10\x14\x10\x13\x20"); /* 10, 20, 10 */
	PUT(TABLE + T_VALUES + 0x30, "\0\x10\x02\x10\x01\x20");	  /* -1, 0, -1 */
	uint32_t functab[] = {0, ROOT, 0x40, OUTER, 0x80, 0};
	memcpy(file + TABLE + T_FUNCTIONS, functab, sizeof(functab));
	for (unsigned i = 0; i < 2; i++) {
		size_t at = TABLE + T_FUNCTIONS + (i ? OUTER : ROOT);
		put32(at, i ? 0x40 : 0);
		put32(at + 4, i ? 11 : 1);
		put32(at + 16, 0x01);
		put32(at + 20, 0x10);
		put32(at + 24, i ? 0x20 : 0);
		put32(at + 28, i ? 3 : 0); /* npcdata */
		put32(at + 36, i ? 9 : 3); /* start line */
		file[at + 41] = i ? GO_MOVES_SP : GO_ROOT;
	}
	size_t data = TABLE + T_FUNCTIONS + OUTER + 44;
	file[data - 1] = 4; /* nfuncdata */
	put32(data + 8, 0x30);
	for (unsigned i = 0; i < 3; i++)
		put32(data + 12 + 4 * i, UINT32_MAX);
	put32(data + 24, 0x10);
	put32(TREE + 4, 22);   /* main.inner */
	put32(TREE + 8, 0x04); /* called at the line of this place of main.outer */
	put32(TREE + 12, 15);
}

static void make(void)
{
	memset(file, 0, sizeof(file));
	make_elf();
	make_header(0xfffffff1);
	make_functions();
}

static struct module *open_file(void)
{
	struct module *m;
	int fd = memfd_create("go", MFD_CLOEXEC);

	assert_int_equal(write(fd, file, SIZE), SIZE);
	assert_int_equal(module_open(fd, 1, 0, &m), 0);
	return m;
}

static void functions_are_found(void **state)
{
	(void)state;
	make();
	struct module *m = open_file();
	const struct gopclntab *t = module_gopclntab(m);
	struct go_function f;

	assert_non_null(t);
	assert_int_equal(
		module_flags(m) & (MODULE_NO_CFI | MODULE_NO_SYMBOLS | MODULE_NO_DWARF), 0);
	assert_true(gopclntab_find(t, BASE + TEXT - 1, &f) < 0);
	assert_int_equal(gopclntab_find(t, BASE + TEXT, &f), 0);
	assert_string_equal(f.name, "main.root");
	assert_true(f.start == BASE + TEXT && f.end == BASE + TEXT + 0x40);
	assert_int_equal(f.flags, GO_ROOT);
	assert_int_equal(f.start_line, 3);
	assert_int_equal(gopclntab_find(t, BASE + TEXT + 0x3f, &f), 0);
	assert_string_equal(f.name, "main.root");
	assert_int_equal(gopclntab_find(t, BASE + TEXT + 0x7f, &f), 0);
	assert_string_equal(f.name, "main.outer");
	assert_int_equal(f.flags, GO_MOVES_SP);
	assert_true(gopclntab_find(t, BASE + TEXT + 0x80, &f) < 0);
	module_close(m);
}

static void depths_follow_the_instructions(void **state)
{
	(void)state;
	make();
	struct module *m = open_file();
	const struct gopclntab *t = module_gopclntab(m);
	/* Where, how deep, from where to where. */
	static const int32_t depths[][4] = {{0, 0, 0, 4}, {3, 0, 0, 4}, {4, 8, 4, 0x3c},
		{0x3b, 8, 4, 0x3c}, {0x3c, 16, 0x3c, 0x40}, {0x3f, 16, 0x3c, 0x40}};
	struct go_function f;
	struct go_range where;

	assert_int_equal(gopclntab_find(t, BASE + TEXT, &f), 0);
	for (size_t i = 0; i < sizeof(depths) / sizeof(*depths); i++) {
		assert_int_equal(
			gopclntab_depth(t, &f, BASE + TEXT + depths[i][0], &where), depths[i][1]);
		assert_int_equal(where.start, BASE + TEXT + depths[i][2]);
		assert_int_equal(where.end, BASE + TEXT + depths[i][3]);
	}
	module_close(m);
}

static void inlined_functions_come_first(void **state)
{
	(void)state;
	make();
	struct module *m = open_file();
	const struct gopclntab *t = module_gopclntab(m);
	struct go_function f;
	struct go_line v[4];

	assert_int_equal(gopclntab_find(t, BASE + TEXT + 0x50, &f), 0);
	assert_int_equal(gopclntab_lines(t, &f, BASE + TEXT + 0x4f, v, 4), 1);
	assert_string_equal(v[0].name, "main.outer");
	assert_int_equal(v[0].line, 10);
	for (unsigned at = 0x50; at < 0x60; at++) {
		assert_int_equal(gopclntab_lines(t, &f, BASE + TEXT + at, v, 4), 2);
		assert_string_equal(v[0].name, "main.inner");
		assert_string_equal(v[0].file, "/src/a.go");
		assert_true(v[0].line == 20 && v[0].start_line == 15);
		assert_string_equal(v[1].name, "main.outer");
		assert_true(v[1].line == 10 && v[1].start_line == 9);
	}
	/* No room: the function itself is what stays. */
	assert_int_equal(gopclntab_lines(t, &f, BASE + TEXT + 0x50, v, 1), 1);
	assert_string_equal(v[0].name, "main.outer");
	assert_int_equal(gopclntab_lines(t, &f, BASE + TEXT + 0x60, v, 4), 1);
	module_close(m);
}

/* A function that says of itself that it is inlined where it is called does not go on for ever. */
static void a_circle_of_calls_ends(void **state)
{
	(void)state;
	make();
	put32(TREE + 8, 0x10);
	struct module *m = open_file();
	struct go_function f;
	struct go_line v[8];

	assert_int_equal(gopclntab_find(module_gopclntab(m), BASE + TEXT + 0x50, &f), 0);
	assert_int_equal(gopclntab_lines(module_gopclntab(m), &f, BASE + TEXT + 0x50, v, 8), 8);
	assert_string_equal(v[7].name, "main.outer");
	module_close(m);
}

static void other_layouts_are_not_read(void **state)
{
	(void)state;
	static const uint32_t magics[] = {0xfffffffb, 0xfffffffa, 0xfffffff2, 0};
	for (size_t i = 0; i < 4; i++) {
		make();
		put32(TABLE, magics[i]);
		struct module *m = open_file();
		assert_null(module_gopclntab(m));
		assert_true(module_flags(m) & MODULE_NO_SYMBOLS);
		module_close(m);
	}
}

/* The second function under another name, with that code. */
static struct module *open_named(const char *name, const char *code, size_t n)
{
	make();
	put_bytes(TABLE + T_NAMES + 0x30, name, strlen(name) + 1);
	put32(TABLE + T_FUNCTIONS + 0x60 + 4, 0x30);
	put_bytes(TEXT + 0x40, code, n);
	return open_file();
}

static uint32_t curg_of(const char *name, const char *code, size_t n)
{
	struct module *m = open_named(name, code, n);
	uint32_t curg = go_stacks_curg(m, module_gopclntab(m));

	module_close(m);
	return curg;
}

static void the_goroutine_is_found_in_systemstack(void **state)
{
	(void)state;
#define CURG(name, code) curg_of(name, code, sizeof(code))
	/* mov 0x30(%rax),%rbx; cmp 0x48(%rbx),%rax; cmp 0xb8(%rbx),%rax */
	assert_int_equal(CURG("runtime.systemstack",
				 "\x48\x8b\x58\x30\x48\x3b\x43\x48\x48\x3b\x83\xb8\0\0\0"),
		0xb8);
	assert_int_equal(CURG("main.systemstack", "\x48\x8b\x58\x30\x48\x3b\x83\xb8\0\0\0"), 0);
	/* Of another register; too large; no multiple of 8. */
	assert_int_equal(CURG("runtime.systemstack", "\x48\x3b\x83\xb8\0\0\0"), 0);
	assert_int_equal(
		CURG("runtime.systemstack", "\x48\x8b\x58\x30\x48\x3b\x83\xb8\0\0\x40"), 0);
	assert_int_equal(CURG("runtime.systemstack", "\x48\x8b\x58\x30\x48\x3b\x83\xb9\0\0\0"), 0);
}

static void places_are_known_by_name(void **state)
{
	static const struct {
		const char *name;
		enum go_place place;
	} rows[] = {{"runtime.systemstack", GO_CALLS}, {"runtime.asmcgocall.abi0", GO_CALLS},
		{"runtime.morestack", GO_GROWS}, {"runtime.morestack_noctxt", GO_ELSEWHERE},
		{"runtime.systemstack_switch", GO_SWITCH}, {"time.now", GO_CLOCK},
		{"runtime.nanotime1.abi0", GO_CLOCK}, {"runtime.sigtramp", GO_HANDLER},
		{"runtime.schedule", GO_SCHEDULES}, {"runtime.mcall", GO_PARKS},
		{"runtime", GO_ELSEWHERE}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct go_function f = {.name = rows[i].name};
		assert_int_equal(go_stacks_place(&f), rows[i].place);
	}
}

static void the_kept_stack_pointer_is_found(void **state)
{
	static const char code[] = "\x55\x49\x89\xe4";
	struct module *m = open_named("time.now", code, sizeof(code));
	struct go_function f;

	(void)state;
	assert_int_equal(gopclntab_find_name(module_gopclntab(m), "time.now", &f), 0);
	assert_true(go_stacks_kept_sp(m, &f) == f.start + 1);
	f.start += 8;
	f.end += 8;
	assert_int_equal(go_stacks_kept_sp(m, &f), 0);
	f.end = f.start + 8;
	assert_int_equal(go_stacks_kept_sp(m, &f), 0);
	assert_true(gopclntab_find_name(module_gopclntab(m), "time.then", &f) < 0);
	module_close(m);
}

static void ask_everything(const struct gopclntab *t)
{
	struct go_function f;
	struct go_line v[16];
	uint64_t sum = 0;

	for (uint64_t at = BASE + TEXT - 4; at < BASE + TEXT + 0x90; at += 4) {
		if (gopclntab_find(t, at, &f) < 0)
			continue;
		assert_true(strlen(f.name) > 0);
		sum += gopclntab_depth(t, &f, at, NULL);
		uint32_t n = gopclntab_lines(t, &f, at, v, 16);
		assert_true(n >= 1 && n <= 16);
		for (uint32_t i = 0; i < n; i++)
			sum += strlen(v[i].name) + (v[i].file ? strlen(v[i].file) : 0);
	}
	(void)sum;
}

/* Whatever the bytes say, nothing outside the file is read (the sanitizers look on). */
static void damaged_tables_do_no_harm(void **state)
{
	(void)state;
	static const unsigned char nasty[] = {0, 1, 0x7f, 0x80, 0xff};
	uint64_t x = 88172645463325252;
	for (unsigned round = 0; round < 20000; round++) {
		make();
		for (unsigned k = 0; k < 1 + round % 4; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			size_t part = x % 3 == 0 ? DATA : x % 3 == 1 ? TREE : TABLE;
			size_t at = part + (x >> 8) % (part == TREE ? 0x20 : 0x2c0);
			file[at] = (x >> 40) % 8 < 5 ? nasty[(x >> 40) % 8] : x >> 48;
		}
		struct module *m = open_file();
		if (module_gopclntab(m))
			ask_everything(module_gopclntab(m));
		module_close(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found),
		cmocka_unit_test(depths_follow_the_instructions),
		cmocka_unit_test(inlined_functions_come_first),
		cmocka_unit_test(a_circle_of_calls_ends),
		cmocka_unit_test(other_layouts_are_not_read),
		cmocka_unit_test(the_goroutine_is_found_in_systemstack),
		cmocka_unit_test(places_are_known_by_name),
		cmocka_unit_test(the_kept_stack_pointer_is_found),
		cmocka_unit_test(damaged_tables_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
