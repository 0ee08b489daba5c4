/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * symbolize/dwarf, lines and inlines against libdw on this very program, and on damaged copies of
 * its debug information.
 */
#include <dwarf.h>
#include <errno.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "base/limits.h"
#include "symbolize/cu_ranges.h"
#include "symbolize/dwarf/package.h"
#include "symbolize/inlines.h"
#include "symbolize/lines.h"

static Elf *elf;
static Dwarf *oracle;
static struct sections found;
static struct dwarf_file file;
static struct cu_ranges ranges;

static int set_up(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	sections_find(&found, elf, 0);
	oracle = dwarf_begin(fd, DWARF_C_READ);
	return dwarf_file_open(&file, &found) || cu_ranges_init(&ranges, &file) || !oracle;
}

static int tear_down(void **state)
{
	(void)state;
	cu_ranges_fini(&ranges);
	dwarf_file_close(&file);
	dwarf_end(oracle);
	elf_end(elf);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Every address of the unit at which a row of its table begins, and the one behind it; sorted. */
static uint64_t *row_addresses(Dwarf_Die *unit, uint32_t *n)
{
	Dwarf_Lines *lines;
	Dwarf_Addr address;
	size_t rows = 0;

	*n = 0;
	dwarf_getsrclines(unit, &lines, &rows);
	uint64_t *v = calloc(2 * rows + 1, sizeof(*v));
	for (size_t i = 0; i < rows; i++) {
		dwarf_lineaddr(dwarf_onesrcline(lines, i), &address);
		v[(*n)++] = address;
		v[(*n)++] = address + 1;
	}
	qsort(v, *n, sizeof(*v), by_value);
	return v;
}

/* libdw joins a file's name with its directory: ours must be its end. */
static void assert_same_line(Dwarf_Die *unit, const struct lines *x, uint32_t i, uint64_t vaddr)
{
	Dwarf_Line *row = dwarf_getsrc_die(unit, vaddr);
	char room[LIMIT_PATH];
	int number = 0;

	const char *ours = lines_path(x, x->rows[i].file, room, sizeof(room));
	if (!row) {
		assert_null(ours);
		return;
	}
	dwarf_lineno(row, &number);
	assert_int_equal(x->rows[i].line, number);
	const char *theirs = dwarf_linesrc(row, NULL, NULL);
	assert_non_null(ours);
	size_t n = strlen(theirs), m = strlen(ours);
	assert_true(n >= m);
	assert_string_equal(theirs + n - m, ours);
}

typedef uint32_t unit_check(struct unit *unit, Dwarf_Die *die, const uint64_t *vaddrs, uint32_t n);

/* How many addresses the checks compared, of all units. */
static uint32_t each_unit(unit_check *check)
{
	Dwarf_Die die;
	uint32_t compared = 0, n;

	for (uint32_t u = 0; u < file.n; u++) {
		if (!dwarf_offdie(oracle, file.units[u].die, &die))
			continue;
		uint64_t *vaddrs = row_addresses(&die, &n);
		compared += check(&file.units[u], &die, vaddrs, n);
		free(vaddrs);
	}
	return compared;
}

static uint32_t check_lines(struct unit *unit, Dwarf_Die *die, const uint64_t *vaddrs, uint32_t n)
{
	struct lines x;

	assert_int_equal(lines_init(&x, unit, vaddrs, n), 0);
	for (uint32_t i = 0; i < n; i++)
		assert_same_line(die, &x, i, vaddrs[i]);
	lines_fini(&x);
	return n;
}

static void lines_are_those_of_libdw(void **state)
{
	(void)state;
	assert_true(each_unit(check_lines) > 5000);
}

static int is_function(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static const char *oracle_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name =
		dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));

	return name ? name : dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &attribute));
}

/* The innermost scope is what libdw finds for the address, and those around it what it is in.
 * (Around what was inlined dwarf_getscopes says where it was written.) */
static void assert_same_chain(Dwarf_Die *unit, const struct inlines *x, uint32_t i)
{
	Dwarf_Die *innermost = NULL, *scopes = NULL;
	int n = dwarf_getscopes(unit, x->vaddrs[i], &innermost);
	int32_t at = x->innermost[i];
	uint32_t line;

	if (n > 0)
		n = dwarf_getscopes_die(innermost, &scopes);
	for (int j = 0; j < n; j++) {
		if (!is_function(&scopes[j]))
			continue;
		assert_true(at >= 0);
		const struct inlines_scope *s = &x->scopes[at];
		assert_int_equal(s->die, dwarf_dieoffset(&scopes[j]));
		assert_string_equal(inlines_name(x, s, &line), oracle_name(&scopes[j]));
		assert_int_equal(s->is_inlined, dwarf_tag(&scopes[j]) == DW_TAG_inlined_subroutine);
		at = s->parent;
		/* Around the function there are only types and namespaces. */
		if (!s->is_inlined)
			break;
	}
	assert_int_equal(at, -1);
	free(innermost);
	free(scopes);
}

static uint32_t check_chains(struct unit *unit, Dwarf_Die *die, const uint64_t *vaddrs, uint32_t n)
{
	struct inlines x;
	uint32_t compared = 0;

	assert_int_equal(inlines_init(&x, unit, vaddrs, n), 0);
	for (uint32_t i = 0; i < n; i += 5, compared++)
		assert_same_chain(die, &x, i);
	inlines_fini(&x);
	return compared;
}

static void chains_are_those_of_libdw(void **state)
{
	(void)state;
	assert_true(each_unit(check_chains) > 1000);
	assert_int_equal(file.is_damaged, 0);
}

static void units_cover_what_libdw_says(void **state)
{
	Dwarf_Addr base, start, end;
	Dwarf_Die die;
	uint32_t compared = 0;

	(void)state;
	for (uint32_t u = 0; u < file.n; u++) {
		ptrdiff_t at = 0;
		if (!dwarf_offdie(oracle, file.units[u].die, &die))
			continue;
		while ((at = dwarf_ranges(&die, at, &base, &start, &end)) > 0) {
			if (!start || start >= end)
				continue;
			assert_ptr_equal(cu_ranges_find(&ranges, start)->unit, &file.units[u]);
			assert_ptr_equal(cu_ranges_find(&ranges, end - 1)->unit, &file.units[u]);
			compared++;
		}
	}
	assert_int_equal(compared, ranges.n);
	assert_null(cu_ranges_find(&ranges, 0));
	assert_null(cu_ranges_find(&ranges, UINT64_MAX));
}

/* --- forms -------------------------------------------------------------------------------- */

struct form_case {
	uint32_t form;
	uint8_t version, size; /* of the value */
	unsigned char bytes[12];
	uint64_t number;
};

static const struct form_case form_cases[] = {
	{DW_FORM_data1, 5, 1, {0xfe}, 0xfe},
	{DW_FORM_data2, 5, 2, {1, 2}, 0x201},
	{DW_FORM_strx3, 5, 3, {1, 2, 3}, 0x30201},
	{DW_FORM_data4, 5, 4, {1, 2, 3, 4}, 0x4030201},
	{DW_FORM_data8, 5, 8, {1, 0, 0, 0, 0, 0, 0, 0x80}, 0x8000000000000001},
	{DW_FORM_udata, 5, 2, {0x81, 0x01}, 129},
	{DW_FORM_sdata, 5, 1, {0x7f}, UINT64_MAX},
	{DW_FORM_sdata, 5, 2, {0xff, 0x00}, 127},
	{DW_FORM_addr, 5, 8, {0, 0x10}, 0x1000},
	{DW_FORM_strp, 5, 4, {9, 0, 0, 0}, 9},
	{DW_FORM_ref_addr, 2, 8, {9, 0, 0, 0, 0, 0, 0, 1}, 0x100000000000009},
	{DW_FORM_ref_addr, 3, 4, {9, 0, 0, 1}, 0x1000009},
	{DW_FORM_flag_present, 5, 0, {0}, 1},
	{DW_FORM_block1, 5, 3, {2, 9, 9}, 0},
	{DW_FORM_block2, 5, 4, {2, 0, 9, 9}, 0},
	{DW_FORM_block4, 5, 5, {1, 0, 0, 0, 9}, 0},
	{DW_FORM_exprloc, 5, 3, {2, 9, 9}, 0},
	{DW_FORM_string, 5, 3, {'o', 'k', 0}, 0},
	{DW_FORM_indirect, 5, 3, {DW_FORM_data2, 1, 2}, 0x201},
};

static void forms_have_their_lengths(void **state)
{
	struct value v;

	(void)state;
	for (size_t i = 0; i < sizeof(form_cases) / sizeof(*form_cases); i++) {
		const struct form_case *f = &form_cases[i];
		struct form_params params = {f->version, 4};
		struct cursor c = {f->bytes, f->bytes + f->size, 0}, again = c, less = c;
		form_read(&c, f->form, 0, &params, &v);
		assert_int_equal(c.is_bad, 0);
		assert_ptr_equal(c.at, c.end);
		assert_int_equal(v.number, f->number);
		form_skip(&again, f->form, &params);
		assert_int_equal(again.is_bad, 0);
		assert_ptr_equal(again.at, again.end);
		/* One byte too few. */
		if (!f->size)
			continue;
		less.end--;
		form_read(&less, f->form, 0, &params, &v);
		assert_int_equal(less.is_bad, 1);
	}
	struct cursor c = {form_cases[0].bytes, form_cases[0].bytes + 12, 0};
	form_skip(&c, 0x1234, &(struct form_params){5, 4});
	assert_int_equal(c.is_bad, 1);
}

/* --- packed and packaged ------------------------------------------------------------------ */

static void packed_sections_are_unpacked(void **state)
{
	static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
	unsigned char packed[128];
	uLongf n = sizeof(packed);
	struct sections in = {0}, out;

	(void)state;
	assert_int_equal(compress(packed, &n, (const Bytef *)text, sizeof(text)), Z_OK);
	in.v[SECTION_STR] = (struct section){packed, n, PACKING_ZLIB, sizeof(text)};
	assert_int_equal(sections_unpack(&out, &in), 0);
	assert_int_equal(out.v[SECTION_STR].size, sizeof(text));
	assert_memory_equal(out.v[SECTION_STR].bytes, text, sizeof(text));
	sections_free(&out);
	/* Another size than it says, more than is allowed, not so packed, in a way nobody knows. */
	in.v[SECTION_STR].unpacked = sizeof(text) + 1;
	assert_int_equal(sections_unpack(&out, &in), -EINVAL);
	in.v[SECTION_STR].unpacked = LIMIT_UNPACKED + 1;
	assert_int_equal(sections_unpack(&out, &in), -EINVAL);
	in.v[SECTION_STR] = (struct section){(const void *)text, 20, PACKING_ZLIB, 20};
	assert_int_equal(sections_unpack(&out, &in), -EINVAL);
	assert_int_equal(sections_are_unreadable(&in), 0);
	in.v[SECTION_STR].packing = PACKING_UNKNOWN;
	assert_int_equal(sections_unpack(&out, &in), -EINVAL);
	assert_int_equal(sections_are_unreadable(&in), 1);
}

/* An index of one unit in four slots, after DWARF 5, section 7.3.5.3: the unit is this program's
 * first, as if it were split. */
static void packages_are_indexed(void **state)
{
	uint32_t index[] = {5, 2, 1, 4, /* ids: */ 0, 0, 0, 0, 0, 0, 0x77, 0x1,
		/* rows: */ 0, 0, 0, 1, /* columns: */ 1, 3, /* offsets, sizes: */ 0, 0, 99, 99};
	struct dwarf_file package = file;
	struct unit u;

	(void)state;
	package.sections.v[SECTION_CU_INDEX] =
		(struct section){(const void *)index, sizeof(index), PACKING_NONE, 0};
	assert_int_equal(package_unit(&package, 0x100000077, &u), 0);
	assert_int_equal(u.die, file.units[0].die);
	assert_int_equal(u.end, file.units[0].end);
	assert_int_equal(package_unit(&package, 0x100000078, &u), -ENOENT);
	assert_int_equal(package_unit(&package, 0x100000073, &u), -ENOENT);
	for (size_t n = 0; n < sizeof(index); n++) {
		package.sections.v[SECTION_CU_INDEX].size = n;
		assert_int_equal(package_unit(&package, 0x100000077, &u), -ENOENT);
	}
}

/* --- damage ------------------------------------------------------------------------------- */

/* Sections of their own, each as large as it is, so that a read outside is seen. */
static void copy_sections(struct sections *to)
{
	*to = file.sections;
	for (int id = 0; id < SECTIONS; id++) {
		to->v[id].packing = PACKING_NONE;
		unsigned char *bytes = malloc(to->v[id].size + 1);
		bytes = realloc(bytes, to->v[id].size ? to->v[id].size : 1);
		if (to->v[id].size)
			memcpy(bytes, file.sections.v[id].bytes, to->v[id].size);
		to->v[id].bytes = bytes;
	}
}

static uint32_t asked;

static void ask_everything(struct dwarf_file *f, const uint64_t *vaddrs, uint32_t n)
{
	struct cu_ranges r;
	struct inlines x;
	struct lines l;
	char room[LIMIT_PATH];
	uint32_t line;

	assert_int_equal(cu_ranges_init(&r, f), 0);
	for (uint32_t i = 0; i < n; i++) {
		const struct cu_range *range = cu_ranges_find(&r, vaddrs[i]);
		if (!range || (i && cu_ranges_find(&r, vaddrs[i - 1]) == range))
			continue;
		assert_int_equal(inlines_init(&x, range->unit, vaddrs, n), 0);
		assert_int_equal(lines_init(&l, range->unit, vaddrs, n), 0);
		for (uint32_t j = 0; j < n; j++)
			lines_path(&l, l.rows[j].file, room, sizeof(room));
		for (uint32_t j = 0; j < x.n; j++, asked++)
			inlines_name(&x, &x.scopes[j], &line);
		inlines_fini(&x);
		lines_fini(&l);
	}
	cu_ranges_fini(&r);
}

static uint64_t random_number(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static void damage_does_no_harm(void **state)
{
	static const enum section_id damaged[] = {SECTION_INFO, SECTION_ABBREV, SECTION_LINE,
		SECTION_RNGLISTS, SECTION_RANGES, SECTION_LINE_STR, SECTION_STR};
	uint64_t seed = 12345, vaddrs[8];
	uint32_t seen = 0;

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		struct sections bad;
		struct dwarf_file f;
		copy_sections(&bad);
		for (unsigned i = random_number(&seed) % 16 + 1; i; i--) {
			const struct section *s = &bad.v[damaged[random_number(&seed) % 7]];
			if (s->size)
				((unsigned char *)s->bytes)[random_number(&seed) % s->size] =
					random_number(&seed);
		}
		if (round % 10 == 9)
			bad.v[damaged[random_number(&seed) % 7]].size /= 2;
		for (unsigned i = 0; i < 8; i++)
			vaddrs[i] = ranges.v[random_number(&seed) % ranges.n].start + i;
		qsort(vaddrs, 8, sizeof(*vaddrs), by_value);
		if (dwarf_file_open(&f, &bad) == 0) {
			ask_everything(&f, vaddrs, 8);
			seen += f.is_damaged;
			dwarf_file_close(&f);
		}
		for (int id = 0; id < SECTIONS; id++)
			free((void *)bad.v[id].bytes);
	}
	assert_true(asked > 1000);
	assert_true(seen > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_those_of_libdw),
		cmocka_unit_test(chains_are_those_of_libdw),
		cmocka_unit_test(units_cover_what_libdw_says),
		cmocka_unit_test(forms_have_their_lengths),
		cmocka_unit_test(packed_sections_are_unpacked),
		cmocka_unit_test(packages_are_indexed),
		cmocka_unit_test(damage_does_no_harm),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
