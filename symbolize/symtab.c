/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/sorted.h"
#include "symbolize/dynamic.h"
#include "symbolize/elf_sections.h"
#include "symbolize/symtab.h"

/* How many neighbours below are asked whether they reach the address: nested functions are rare. */
#define NESTED_MAX 16u

/* What makes a name better, most important last. */
enum symtab_rank { RANK_GLOBAL = 1, RANK_EXPORTED = 2, RANK_SIZED = 4, RANK_FUNCTION = 8 };

/* Of names for insiders, which come in front of what the function is called. */
static unsigned underscores(const char *name)
{
	return strspn(name, "_.$");
}

/* Whether a is the better name for their common address. */
static int is_better(const struct symtab_entry *a, const struct symtab_entry *b)
{
	if ((a->rank | RANK_GLOBAL) != (b->rank | RANK_GLOBAL))
		return a->rank > b->rank;
	if (underscores(a->name) != underscores(b->name))
		return underscores(a->name) < underscores(b->name);
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (strlen(a->name) != strlen(b->name))
		return strlen(a->name) < strlen(b->name);
	return strcmp(a->name, b->name) < 0;
}

static int by_start(const void *a, const void *b)
{
	const struct symtab_entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return is_better(x, y) ? -1 : is_better(y, x);
}

/* Code that a stack may be in: functions, and labels of assembler code such as _start. */
static int is_code(const GElf_Sym *sym)
{
	int type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS || !sym->st_name)
		return 0;
	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/* Variables: without a size it is a mark. Those of threads (STT_TLS) have no one address. */
static int is_data(const GElf_Sym *sym)
{
	return GELF_ST_TYPE(sym->st_info) == STT_OBJECT && sym->st_shndx != SHN_UNDEF &&
	       sym->st_shndx != SHN_ABS && sym->st_name && sym->st_size;
}

/* A section of code, or of data; most symbols are in the same one. */
struct code {
	uint32_t index;
	uint64_t start, size; /* size 0: not of that, or there is no such section */
};

static void find_code(struct code *code, Elf *elf, uint32_t index, int of_data)
{
	uint64_t wanted = of_data ? SHF_ALLOC : SHF_EXECINSTR;
	GElf_Shdr header;
	Elf_Scn *section = elf_getscn(elf, index);

	*code = (struct code){.index = index};
	if (!section || !gelf_getshdr(section, &header) || !(header.sh_flags & wanted))
		return;
	code->start = header.sh_addr;
	code->size = header.sh_size;
}

static uint8_t rank_of(const GElf_Sym *sym)
{
	uint8_t rank = sym->st_size ? RANK_SIZED : 0;

	if (GELF_ST_TYPE(sym->st_info) != STT_NOTYPE)
		rank |= RANK_FUNCTION;
	if (GELF_ST_BIND(sym->st_info) != STB_LOCAL)
		rank |= RANK_EXPORTED;
	if (GELF_ST_BIND(sym->st_info) == STB_GLOBAL)
		rank |= RANK_GLOBAL;
	return rank;
}

static int add(struct symtab *t, struct symtab_entry entry)
{
	int error = list_room(&t->v, t->n, 1, &t->room, sizeof(*t->v), LIMIT_SYMBOLS);

	if (!error)
		t->v[t->n++] = entry;
	return error;
}

/* Of unknown size: for now up to the end of its section. A size must not wrap around. */
static int add_symbol(
	struct symtab *t, const struct code *code, const GElf_Sym *sym, const char *name)
{
	uint64_t end = code->start + code->size;

	if (!name || sym->st_value - code->start >= code->size)
		return 0;
	if (sym->st_size && sym->st_size <= UINT64_MAX - sym->st_value)
		end = sym->st_value + sym->st_size;
	return add(t, (struct symtab_entry){sym->st_value, end, name, rank_of(sym), 0});
}

/* Names are not looked at: those of a large library are many pages, of which few are needed. */
static int add_section(struct symtab *t, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	size_t n;
	Elf_Data *data = elf_section_symbols(section, header, &n);
	struct code code = {0};
	GElf_Sym sym;
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		if (!gelf_getsym(data, i, &sym))
			break;
		if (!(t->of_data ? is_data(&sym) : is_code(&sym)))
			continue;
		if (sym.st_shndx != code.index)
			find_code(&code, elf, sym.st_shndx, t->of_data);
		error = add_symbol(t, &code, &sym, elf_strptr(elf, header->sh_link, sym.st_name));
	}
	/* Full is no failure: what is there serves. */
	return error == -E2BIG ? 0 : error;
}

/* Of an image without section headers. One without a size ends where the next one begins, or its
 * segment does. */
static int add_dynamic(struct symtab *t, const struct module *m)
{
	struct dynamic d;
	Elf64_Sym sym;
	size_t sections;
	int error = 0;

	if (!module_elf(m) || (elf_getshdrnum(module_elf(m), &sections) == 0 && sections) ||
		dynamic_find(m, &d) < 0)
		return 0;
	for (uint32_t i = 1; i < d.n && !error; i++) {
		memcpy(&sym, d.symbols + i * sizeof(sym), sizeof(sym));
		uint64_t end = module_code_end(m, sym.st_value);
		const char *name = sym.st_name < d.names_len ? d.names + sym.st_name : NULL;
		if (!end || !name || !is_code(&sym))
			continue;
		if (sym.st_size && sym.st_size <= end - sym.st_value)
			end = sym.st_value + sym.st_size;
		error = add(t, (struct symtab_entry){sym.st_value, end, name, rank_of(&sym), 0});
	}
	return error == -E2BIG ? 0 : error;
}

static int add_image(struct symtab *t, Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int error = 0;

	while (!error && (section = elf_section_next(elf, section, &header)))
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			error = add_section(t, elf, section, &header);
	return error;
}

/* --- the PLT ------------------------------------------------------------------------------ */

/* Which function each word of the GOT is for, from one section of relocations. */
static int add_slots(struct symtab *slots, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Scn *symbols = elf_getscn(elf, header->sh_link);
	Elf_Data *data = elf_getdata(section, NULL);
	Elf_Data *names = symbols ? elf_getdata(symbols, NULL) : NULL;
	GElf_Shdr names_header;
	GElf_Rela rela;
	GElf_Sym sym;
	int error = 0;

	if (!data || !names || !gelf_getshdr(symbols, &names_header))
		return 0;
	for (int i = 0; !error && gelf_getrela(data, i, &rela); i++) {
		uint32_t type = GELF_R_TYPE(rela.r_info);
		if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
			!gelf_getsym(names, GELF_R_SYM(rela.r_info), &sym))
			continue;
		uint64_t start = rela.r_offset;
		const char *name = elf_strptr(elf, names_header.sh_link, sym.st_name);
		if (name && *name)
			error = add(slots, (struct symtab_entry){start, start + 8, name, 0, 0});
	}
	return error;
}

/* The stubs of one section: each has one "jmp *distance(%rip)", maybe behind endbr64 and bnd. */
static int add_stubs(
	struct symtab *t, const struct symtab *slots, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t step = header->sh_entsize == 8 ? 8 : 16;
	int error = 0;

	for (size_t at = 0; data && !error && at + step <= data->d_size; at += step) {
		const unsigned char *code = (const unsigned char *)data->d_buf + at;
		const unsigned char *jump = memmem(code, step - 4, "\xff\x25", 2);
		uint64_t start = header->sh_addr + at;
		int32_t distance;
		if (!jump)
			continue;
		memcpy(&distance, jump + 2, 4);
		const struct symtab_entry *slot =
			symtab_find(slots, start + (jump + 6 - code) + distance);
		if (slot)
			error = add(
				t, (struct symtab_entry){start, start + step, slot->name, 0, 1});
	}
	return error;
}

static int add_plt(struct symtab *t, Elf *elf)
{
	struct symtab slots = {0};
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int error = 0;

	while (!error && (section = elf_section_next(elf, section, &header)))
		if (header.sh_type == SHT_RELA)
			error = add_slots(&slots, elf, section, &header);
	if (slots.n)
		qsort(slots.v, slots.n, sizeof(*slots.v), by_start);
	while (slots.n && !error && (section = elf_section_next(elf, section, &header))) {
		const char *name =
			header.sh_type == SHT_PROGBITS ? elf_section_name(elf, &header) : NULL;
		if (name && !strncmp(name, ".plt", 4))
			error = add_stubs(t, &slots, section, &header);
	}
	symtab_fini(&slots);
	return error == -E2BIG ? 0 : error;
}

/* --- the table ---------------------------------------------------------------------------- */

/* One name for each address, and no labels inside functions: assembler code is full of them. */
static void tidy(struct symtab *t)
{
	uint32_t kept = 0;
	uint64_t covered = 0;

	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_start);
	for (uint32_t i = 0; i < t->n; i++) {
		struct symtab_entry *e = &t->v[i];
		if ((kept && t->v[kept - 1].start == e->start) ||
			(!e->is_plt && !(e->rank & RANK_SIZED) && e->start < covered))
			continue;
		if (((e->rank & RANK_SIZED) || e->is_plt) && e->end > covered)
			covered = e->end;
		t->v[kept++] = *e;
	}
	t->n = kept;
	for (uint32_t i = 0; i + 1 < kept; i++)
		if (!(t->v[i].rank & RANK_SIZED) && t->v[i].end > t->v[i + 1].start)
			t->v[i].end = t->v[i + 1].start;
}

/* 128 MiB, and as much again while they are sorted: a quarter of what a worker may have. */
_Static_assert(2 * LIMIT_SYMBOLS * sizeof(struct symtab_entry) <= LIMIT_WORKER_DATA / 4, "room");

static int init(struct symtab *t, struct module *m)
{
	int error = add_image(t, module_elf(m));

	if (!error)
		error = add_image(t, module_debug_elf(m));
	if (!error)
		error = add_image(t, module_minidebug_elf(m));
	if (!error && !t->of_data)
		error = add_dynamic(t, m);
	if (!error && !t->of_data)
		error = add_plt(t, module_elf(m));
	if (error)
		symtab_fini(t);
	else
		tidy(t);
	return error;
}

int symtab_init(struct symtab *t, struct module *m)
{
	*t = (struct symtab){0};
	return init(t, m);
}

int symtab_init_data(struct symtab *t, struct module *m)
{
	*t = (struct symtab){.of_data = 1};
	return init(t, m);
}

void symtab_fini(struct symtab *t)
{
	free(t->v);
	memset(t, 0, sizeof(*t));
}

const struct symtab_entry *symtab_find(const struct symtab *t, uint64_t vaddr)
{
	uint32_t low = sorted_until(t->v, t->n, sizeof(*t->v), vaddr);

	for (uint32_t i = low, steps = 0; i-- > 0 && steps < NESTED_MAX; steps++)
		if (vaddr < t->v[i].end)
			return &t->v[i];
	return NULL;
}
