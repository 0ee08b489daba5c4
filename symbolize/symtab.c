/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "symbolize/symtab.h"

#define SYMBOLS_MAX (64u * 1024 * 1024)

/* How many neighbours below are asked whether they reach the address: nested functions are rare. */
#define NESTED_MAX 16u

enum rank { RANK_LOCAL = 0, RANK_EXPORTED = 1, RANK_FUNCTION = 2 };

static unsigned underscores(const char *name)
{
	return strspn(name, "_");
}

/* Whether a is the better name for their common address. */
static int is_better(const struct symtab_entry *a, const struct symtab_entry *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (!a->size != !b->size)
		return a->size != 0;
	if (underscores(a->name) != underscores(b->name))
		return underscores(a->name) < underscores(b->name);
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
static int is_code(const GElf_Sym *sym, const char *name)
{
	int type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS || !name || !*name)
		return 0;
	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

static int in_code_section(Elf *elf, const GElf_Sym *sym)
{
	GElf_Shdr header;
	Elf_Scn *section = elf_getscn(elf, sym->st_shndx);

	if (!section || !gelf_getshdr(section, &header))
		return 0;
	return (header.sh_flags & SHF_EXECINSTR) && sym->st_value >= header.sh_addr &&
	       sym->st_value - header.sh_addr < header.sh_size;
}

static int add(struct symtab *t, const GElf_Sym *sym, const char *name)
{
	int error = list_room(&t->v, t->n, 1, &t->room, sizeof(*t->v), SYMBOLS_MAX);
	uint8_t rank = GELF_ST_BIND(sym->st_info) == STB_LOCAL ? RANK_LOCAL : RANK_EXPORTED;

	if (GELF_ST_TYPE(sym->st_info) != STT_NOTYPE)
		rank |= RANK_FUNCTION;
	if (!error)
		t->v[t->n++] = (struct symtab_entry){sym->st_value, sym->st_size, name, rank};
	return error;
}

static int add_section(struct symtab *t, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Sym sym;
	int error = 0;

	for (size_t i = 0; i < n && i < SYMBOLS_MAX && !error; i++) {
		if (!gelf_getsym(data, i, &sym))
			break;
		const char *name = elf_strptr(elf, header->sh_link, sym.st_name);
		if (is_code(&sym, name) && in_code_section(elf, &sym))
			error = add(t, &sym, name);
	}
	/* Full is no failure: what is there serves. */
	return error == -E2BIG ? 0 : error;
}

static int add_image(struct symtab *t, Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int error = 0;

	while (elf && !error && (section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			continue;
		if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM)
			error = add_section(t, elf, section, &header);
	}
	return error;
}

int symtab_init(struct symtab *t, const struct module *m)
{
	uint32_t kept = 0;

	memset(t, 0, sizeof(*t));
	int error = add_image(t, module_elf(m));
	if (!error)
		error = add_image(t, module_debug_elf(m));
	if (error) {
		symtab_fini(t);
		return error;
	}
	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_start);
	for (uint32_t i = 0; i < t->n; i++)
		if (!kept || t->v[kept - 1].start != t->v[i].start)
			t->v[kept++] = t->v[i];
	t->n = kept;
	return 0;
}

void symtab_fini(struct symtab *t)
{
	free(t->v);
	memset(t, 0, sizeof(*t));
}

const struct symtab_entry *symtab_find(const struct symtab *t, uint64_t vaddr)
{
	uint32_t low = 0, high = t->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (t->v[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low, steps = 0; i-- > 0 && steps < NESTED_MAX; steps++) {
		const struct symtab_entry *e = &t->v[i];
		if (vaddr - e->start < e->size)
			return e;
		/* Of unknown size: everything up to the next symbol, which lies above vaddr. */
		if (!e->size && i + 1 == low)
			return e;
	}
	return NULL;
}
