/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * symbolize/ against this very program, which knows its own truth: each function notes its address
 * and the lines of its calls while it runs.
 */
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/limits.h"
#include "symbolize/symbolize.h"

#define MODULE	  1u
#define LINES_MAX 80u
#define INLINED	  static inline __attribute__((always_inline))
#define OUTLINE	  __attribute__((noinline))

static struct modules modules;
static struct symbolizer symbolizer;
static uint64_t load_address;

/* --- functions that are looked for --------------------------------------------------------- */

static uint64_t noted;	  /* an address in the innermost function */
static int call_lines[4]; /* of the functions of a chain, outermost first */
static volatile int sink;

/* The address of the very instruction that is on this line. */
#define NOTE(depth)                                                                                \
	do {                                                                                       \
		call_lines[depth] = __LINE__;                                                      \
		__asm__ volatile("0: lea 0b(%%rip), %0" : "=r"(noted));                            \
	} while (0)

#define CALL(depth, function)                                                                      \
	do {                                                                                       \
		call_lines[depth] = __LINE__;                                                      \
		function();                                                                        \
	} while (0)

enum { LINE_INNER = __LINE__ + 1 };
INLINED void chain_inner(void)
{
	NOTE(3);
	sink++;
}

enum { LINE_MIDDLE = __LINE__ + 1 };
INLINED void chain_middle(void)
{
	sink++;
	for (int i = 0; i < sink % 2 + 1; i++) {
		CALL(2, chain_inner);
	}
	sink++;
}

INLINED void chain_upper(void)
{
	CALL(1, chain_middle);
	sink++;
}

void chain_outer(void);
enum { LINE_OUTER = __LINE__ + 1 };
OUTLINE void chain_outer(void)
{
	sink++;
	CALL(0, chain_upper);
	sink++;
}

/* Deeper than what is shown. */
#define DEEP(name, next)                                                                           \
	INLINED void name(void)                                                                    \
	{                                                                                          \
		sink++;                                                                            \
		next();                                                                            \
	}
#define DEEP_2(p, next)	 DEEP(p##1, next) DEEP(p##0, p##1)
#define DEEP_4(p, next)	 DEEP_2(p##1, next) DEEP_2(p##0, p##10)
#define DEEP_8(p, next)	 DEEP_4(p##1, next) DEEP_4(p##0, p##100)
#define DEEP_16(p, next) DEEP_8(p##1, next) DEEP_8(p##0, p##1000)
DEEP_16(deep_d, chain_inner)
DEEP_16(deep_c, deep_d0000)
DEEP_16(deep_b, deep_c0000)
DEEP_16(deep_a, deep_b0000)

void deep_outer(void);
OUTLINE void deep_outer(void)
{
	CALL(0, deep_a0000);
}

int mangled(int x) __asm__("_ZN2ns3BoxIiE3runEi");
OUTLINE int mangled(int x)
{
	sink += x;
	return sink;
}

/* One address with several names. */
void known(void);
OUTLINE void known(void)
{
	sink++;
}
void __attribute__((alias("known"))) __known(void);
void __attribute__((alias("known"), weak)) knowm(void);
static void __attribute__((alias("known"), used)) k(void);

static OUTLINE void local(void)
{
	sink--;
}
void __attribute__((alias("local"), weak)) exported(void);

/* Assembler code: labels in a function, and one that is all there is. */
extern const char asm_function[], asm_label[], asm_bare[], asm_end[];
__asm__(".text\n"
	".globl asm_function, asm_label, asm_bare, asm_end\n"
	".type asm_function, @function\n"
	"asm_function: nop\n"
	"asm_label: nop\n"
	"ret\n"
	".size asm_function, . - asm_function\n"
	"asm_bare: nop\n"
	"ret\n"
	".type asm_end, @function\n"
	"asm_end: ret\n"
	".size asm_end, . - asm_end\n");

/* --- asking -------------------------------------------------------------------------------- */

struct answer {
	uint64_t offset;
	uint32_t n;
	char name[LINES_MAX][128], system_name[LINES_MAX][128], file[LINES_MAX][512];
	uint32_t line[LINES_MAX], start_line[LINES_MAX];
};

struct answers {
	uint32_t n, stop_after;
	struct answer v[4];
};

static struct answers answers;

static int take_answer(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	struct answers *all = arg;
	struct answer *a = &all->v[all->n++];

	assert_true(all->n <= 4 && n <= LINES_MAX);
	a->offset = offset;
	a->n = n;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(a->name[i], sizeof(a->name[i]), "%s", lines[i].name);
		snprintf(a->system_name[i], sizeof(a->system_name[i]), "%s", lines[i].system_name);
		snprintf(a->file[i], sizeof(a->file[i]), "%s", lines[i].file);
		a->line[i] = lines[i].line;
		a->start_line[i] = lines[i].start_line;
	}
	return all->n == all->stop_after ? 99 : 0;
}

static uint64_t offset_of(uint64_t address)
{
	uint64_t offset;

	const struct module *m = modules_get(&modules, MODULE);
	assert_int_equal(module_vaddr_to_offset(m, address - load_address, &offset), 0);
	return offset;
}

static int ask_many(uint32_t module, const uint64_t *offsets, uint32_t n, uint32_t level)
{
	struct worker_symbolize ask = {module, n, level, DEMANGLE_TEMPLATES, 0, 0};

	memset(&answers, 0, sizeof(answers));
	return symbolizer_request(&symbolizer, &ask, offsets, take_answer, &answers);
}

static const struct answer *ask_address(uint64_t address, uint32_t level)
{
	uint64_t offset = offset_of(address);

	assert_int_equal(ask_many(MODULE, &offset, 1, level), 0);
	assert_int_equal(answers.n, 1);
	assert_int_equal(answers.v[0].offset, offset);
	return &answers.v[0];
}

static void assert_line(
	const struct answer *a, uint32_t i, const char *name, int line, uint32_t start_line)
{
	const char *file = strrchr(a->file[i], '/');

	assert_string_equal(a->name[i], name);
	assert_int_equal(a->line[i], line);
	assert_int_equal(a->start_line[i], start_line);
	/* Where the compiler ran is a part of it, however it was called. */
	assert_string_equal(file, "/test_symbolize.c");
	assert_null(strstr(a->file[i], "/../"));
	assert_int_not_equal(strncmp(a->file[i], "../", 3), 0);
}

/* --- symbol table -------------------------------------------------------------------------- */

static const char *symtab_name_of(const struct symtab *t, const void *address)
{
	const struct symtab_entry *e = symtab_find(t, (uint64_t)address - load_address);

	return e ? e->name : "nothing";
}

static void symtab_finds_functions_to_their_ends(void **state)
{
	struct symtab t;
	(void)state;

	assert_int_equal(symtab_init(&t, modules_get(&modules, MODULE)), 0);
	assert_string_equal(symtab_name_of(&t, (void *)chain_outer), "chain_outer");
	assert_string_equal(symtab_name_of(&t, (char *)chain_outer + 3), "chain_outer");
	const struct symtab_entry *e = symtab_find(&t, (uint64_t)chain_outer - load_address);
	assert_ptr_equal(symtab_find(&t, e->end - 1), e);
	assert_ptr_not_equal(symtab_find(&t, e->end), e);
	assert_null(symtab_find(&t, 0));
	assert_null(symtab_find(&t, UINT64_MAX));
	assert_null(symtab_find(&t, (uint64_t)&answers - load_address));
	symtab_fini(&t);
	assert_null(symtab_find(&t, 1));
}

static void symtab_prefers_what_people_know(void **state)
{
	struct symtab t;
	(void)state;

	assert_int_equal(symtab_init(&t, modules_get(&modules, MODULE)), 0);
	assert_string_equal(symtab_name_of(&t, (void *)known), "known");
	assert_string_equal(symtab_name_of(&t, (void *)local), "exported");
	assert_string_equal(symtab_name_of(&t, asm_function), "asm_function");
	assert_string_equal(symtab_name_of(&t, asm_label), "asm_function");
	assert_string_equal(symtab_name_of(&t, asm_label + 1), "asm_function");
	/* A label that no function covers, up to the next symbol. */
	assert_string_equal(symtab_name_of(&t, asm_bare), "asm_bare");
	assert_string_equal(symtab_name_of(&t, asm_bare + 1), "asm_bare");
	assert_string_equal(symtab_name_of(&t, asm_end), "asm_end");
	symtab_fini(&t);
}

/* The stub named getppid@plt is called, and does what getppid does. */
static void plt_stubs_have_names(void **state)
{
	struct symtab t;
	uint64_t stub = 0;
	volatile pid_t parent = getppid();
	(void)state;

	assert_int_equal(symtab_init(&t, modules_get(&modules, MODULE)), 0);
	for (uint32_t i = 0; i < t.n; i++)
		if (t.v[i].is_plt && !strcmp(t.v[i].name, "getppid"))
			stub = load_address + t.v[i].start;
	symtab_fini(&t);
	if (!stub)
		skip(); /* linked without a PLT */
	assert_int_equal(((pid_t(*)(void))stub)(), parent);
	const struct answer *a = ask_address(stub + 4, SYMBOLS_FULL);
	assert_int_equal(a->n, 1);
	assert_string_equal(a->name[0], "getppid@plt");
	assert_string_equal(a->system_name[0], "getppid@plt");
}

/* --- functions and lines ------------------------------------------------------------------- */

static void chain_is_innermost_first(void **state)
{
	(void)state;
	chain_outer();
	const struct answer *a = ask_address(noted, SYMBOLS_FULL);
	assert_int_equal(a->n, 4);
	assert_line(a, 0, "chain_inner", call_lines[3], LINE_INNER);
	assert_line(a, 1, "chain_middle", call_lines[2], LINE_MIDDLE);
	assert_string_equal(a->name[2], "chain_upper");
	assert_int_equal(a->line[2], call_lines[1]);
	assert_line(a, 3, "chain_outer", call_lines[0], LINE_OUTER);
}

/* The same functions, inlined elsewhere. */
static void long_chain_ends_with_its_function(void **state)
{
	(void)state;
	deep_outer();
	const struct answer *a = ask_address(noted, SYMBOLS_FULL);
	assert_int_equal(a->n, LIMIT_INLINE_DEPTH + 1);
	assert_line(a, 0, "chain_inner", call_lines[3], LINE_INNER);
	assert_string_equal(a->name[1], "deep_d1111");
	assert_string_equal(a->name[LIMIT_INLINE_DEPTH], "deep_outer");
	assert_int_equal(a->line[LIMIT_INLINE_DEPTH], call_lines[0]);
}

static void names_are_demangled(void **state)
{
	(void)state;
	assert_int_not_equal(mangled(1), 0);
	const struct answer *a = ask_address((uint64_t)mangled, SYMBOLS_FULL);
	assert_int_equal(a->n, 1);
	assert_string_equal(a->name[0], "ns::Box<int>::run");
	assert_string_equal(a->system_name[0], "_ZN2ns3BoxIiE3runEi");
}

/* The only way of names to debug information: how often it was gone. */
static unsigned debug_infos;

int __real_debug_info_open(struct debug_info *d, struct module *m);
int __wrap_debug_info_open(struct debug_info *d, struct module *m);
int __wrap_debug_info_open(struct debug_info *d, struct module *m)
{
	debug_infos++;
	return __real_debug_info_open(d, m);
}

static void symtab_level_has_no_lines(void **state)
{
	struct symbolizer with_dwarf = symbolizer;
	unsigned before = debug_infos;
	(void)state;

	chain_outer();
	symbolizer_init(&symbolizer, &modules, NULL, NULL);
	const struct answer *a = ask_address(noted, SYMBOLS_SYMTAB);
	assert_int_equal(debug_infos, before);
	assert_int_equal(a->n, 1);
	assert_string_equal(a->name[0], "chain_outer");
	assert_string_equal(a->file[0], "");
	assert_int_equal(a->line[0], 0);
	assert_int_equal(a->start_line[0], 0);
	assert_int_equal(symbolizer.has_dwarf, 0);
	ask_address(noted, SYMBOLS_FULL);
	assert_true(debug_infos > before);
	symbolizer_fini(&symbolizer);
	symbolizer = with_dwarf;
	/* Nor if they were read for another request. */
	assert_int_equal(ask_address(noted, SYMBOLS_FULL)->n, 4);
	assert_int_equal(ask_address(noted, SYMBOLS_SYMTAB)->n, 1);
}

static void answers_come_as_asked(void **state)
{
	(void)state;
	chain_outer();
	uint64_t v[] = {offset_of((uint64_t)mangled), offset_of(noted), UINT64_MAX,
		offset_of((uint64_t)mangled)};
	assert_int_equal(ask_many(MODULE, v, 4, SYMBOLS_FULL), 0);
	assert_int_equal(answers.n, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(answers.v[i].offset, v[i]);
	assert_int_equal(answers.v[0].n, 1);
	assert_int_equal(answers.v[1].n, 4);
	assert_int_equal(answers.v[2].n, 0);
	assert_string_equal(answers.v[3].name[0], answers.v[0].name[0]);
	assert_int_equal(ask_many(MODULE, v, 0, SYMBOLS_FULL), 0);
	assert_int_equal(answers.n, 0);
}

static void emit_ends_the_request(void **state)
{
	uint64_t v[] = {0, 1, 2};
	struct worker_symbolize ask = {MODULE, 3, SYMBOLS_FULL, DEMANGLE_NONE, 0, 0};
	struct answers stop = {.stop_after = 2};
	(void)state;

	assert_int_equal(symbolizer_request(&symbolizer, &ask, v, take_answer, &stop), 99);
	assert_int_equal(stop.n, 2);
}

static void nothing_is_known_of_no_module(void **state)
{
	uint64_t v[] = {0, 4096};
	(void)state;

	assert_int_equal(ask_many(7, v, 2, SYMBOLS_FULL), 0);
	assert_int_equal(answers.n, 2);
	assert_int_equal(answers.v[0].n + answers.v[1].n, 0);
	assert_int_equal(modules_open(&modules, -1, 8, 0), 0);
	assert_int_equal(ask_many(8, v, 2, SYMBOLS_FULL), 0);
	assert_int_equal(answers.v[0].n + answers.v[1].n, 0);
	uint64_t code = offset_of((uint64_t)chain_outer);
	assert_int_equal(ask_many(MODULE, &code, 1, SYMBOLS_NONE), 0);
	assert_int_equal(answers.v[0].n, 0);
}

/* --- a stripped image and its debug file --------------------------------------------------- */

/* A copy of this program in memory; stripped: symbol table and debug information are hidden. */
static int copy_of_self(int stripped)
{
	int self = open("/proc/self/exe", O_RDONLY), fd = memfd_create("copy", MFD_CLOEXEC);
	off_t size = lseek(self, 0, SEEK_END);

	assert_int_equal(ftruncate(fd, size), 0);
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(pread(self, map, size, 0), size);
	close(self);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)map;
	Elf64_Shdr *sections = (Elf64_Shdr *)(map + header->e_shoff);
	char *names = map + sections[header->e_shstrndx].sh_offset;
	for (int i = 0; stripped && i < header->e_shnum; i++) {
		char *name = names + sections[i].sh_name;
		if (sections[i].sh_type == SHT_SYMTAB)
			sections[i].sh_type = SHT_PROGBITS;
		if (!strncmp(name, ".debug_", 7))
			name[1] = 'x';
	}
	munmap(map, size);
	return fd;
}

static void debug_file_gives_all(void **state)
{
	const unsigned char *id;
	(void)state;

	chain_outer();
	assert_int_equal(modules_open(&modules, copy_of_self(1), 9, 0), 0);
	struct module *m = modules_get(&modules, 9);
	if (!module_build_id(m, &id))
		skip(); /* linked without a build id */
	uint64_t offset = offset_of(noted);
	assert_int_equal(module_flags(m) & MODULE_NO_DWARF, MODULE_NO_DWARF);
	assert_int_equal(ask_many(9, &offset, 1, SYMBOLS_FULL), 0);
	assert_true(answers.v[0].n == 0 || answers.v[0].line[0] == 0);
	/* It may come late. */
	const struct extra *want = module_next_want(m);
	assert_non_null(want);
	assert_int_equal(want->file.kind, EXTRA_DEBUG);
	assert_int_equal(module_take_extra(m, &want->file, copy_of_self(0)), 0);
	assert_int_equal(module_flags(m) & MODULE_NO_DWARF, 0);
	assert_int_equal(ask_many(9, &offset, 1, SYMBOLS_SYMTAB), 0);
	assert_string_equal(answers.v[0].name[0], "chain_outer");
	assert_int_equal(ask_many(9, &offset, 1, SYMBOLS_FULL), 0);
	assert_int_equal(answers.v[0].n, 4);
	assert_line(&answers.v[0], 0, "chain_inner", call_lines[3], LINE_INNER);
	assert_line(&answers.v[0], 3, "chain_outer", call_lines[0], LINE_OUTER);
}

/* ------------------------------------------------------------------------------------------- */

/* The program itself comes first. */
static int first_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uint64_t *)arg = info->dlpi_addr;
	return 1;
}

static int set_up(void **state)
{
	(void)state;
	dl_iterate_phdr(first_object, &load_address);
	modules_init(&modules);
	symbolizer_init(&symbolizer, &modules, NULL, NULL);
	return modules_open(&modules, open("/proc/self/exe", O_RDONLY), MODULE, 0);
}

static int tear_down(void **state)
{
	(void)state;
	symbolizer_fini(&symbolizer);
	modules_fini(&modules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symtab_finds_functions_to_their_ends),
		cmocka_unit_test(symtab_prefers_what_people_know),
		cmocka_unit_test(plt_stubs_have_names),
		cmocka_unit_test(chain_is_innermost_first),
		cmocka_unit_test(long_chain_ends_with_its_function),
		cmocka_unit_test(names_are_demangled),
		cmocka_unit_test(symtab_level_has_no_lines),
		cmocka_unit_test(answers_come_as_asked),
		cmocka_unit_test(emit_ends_the_request),
		cmocka_unit_test(nothing_is_known_of_no_module),
		cmocka_unit_test(debug_file_gives_all),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
