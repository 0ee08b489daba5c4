/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "symbolize/elf_sections.h"
#include "symbolize/gopclntab.h"
#include "symbolize/module.h"
#include "symbolize/pointers.h"

#define MAGIC_1_18 0xfffffff0u
#define MAGIC_1_20 0xfffffff1u

#define STEPS_MAX (1u << 20) /* of one table of values: far more than any function has */

/* Words of struct moduledata. */
enum { DATA_NAMES = 1, DATA_TEXT = 22, DATA_GOFUNC_1_18 = 38, DATA_GOFUNC_1_20 = 40 };

/* struct _func, 4 bytes each but the last. */
enum {
	FUNC_NAME = 4,
	FUNC_PCSP = 16,
	FUNC_PCFILE = 20,
	FUNC_PCLN = 24,
	FUNC_NPCDATA = 28,
	FUNC_UNIT = 32,
	FUNC_START_LINE = 36, /* from 1.20 on */
};
#define PCDATA_INLINE	2u /* PCDATA_InlTreeIndex */
#define FUNCDATA_INLINE 3u /* FUNCDATA_InlTree */
#define NOT_THERE	UINT32_MAX

struct gopclntab {
	const struct module *module;
	const unsigned char *bytes;
	uint64_t size, vaddr;
	uint64_t text;	 /* offsets of functions count from here */
	uint64_t gofunc; /* offsets of their data: 0 if it is not known */
	int has_start_line;
	uint64_t n;					 /* functions */
	uint64_t names, units, files, values, functions; /* offsets in bytes */
};

/* --- reading ------------------------------------------------------------------------------ */

static int get_u32(const struct gopclntab *t, uint64_t at, uint32_t *out)
{
	if (at > t->size || t->size - at < sizeof(*out))
		return -1;
	memcpy(out, t->bytes + at, sizeof(*out));
	return 0;
}

static const char *get_string(const struct gopclntab *t, uint64_t table, uint32_t at)
{
	uint64_t from = table + at;

	if (from >= t->size || !memchr(t->bytes + from, 0, t->size - from))
		return NULL;
	return t->bytes[from] ? (const char *)t->bytes + from : NULL;
}

/* Little-endian groups of seven bits. */
static int get_varint(const struct gopclntab *t, uint64_t *at, uint32_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 32 && *at < t->size; shift += 7) {
		unsigned char byte = t->bytes[(*at)++];
		*out |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return 0;
	}
	return -1;
}

/* One of a function's tables of values by address: pairs of differences. where: may be NULL. */
static int32_t value_at(const struct gopclntab *t, const struct go_function *f, uint32_t table,
	uint64_t vaddr, struct go_range *where)
{
	uint64_t at = t->values + table, pc = f->start;
	uint32_t difference, distance, value = UINT32_MAX;

	if (!table)
		return -1;
	for (unsigned steps = 0; steps < STEPS_MAX; steps++) {
		if (get_varint(t, &at, &difference) < 0 || (!difference && steps) ||
			get_varint(t, &at, &distance) < 0)
			return -1;
		value += -(difference & 1) ^ (difference >> 1);
		pc += distance;
		if (vaddr >= pc)
			continue;
		if (where)
			*where = (struct go_range){pc - distance, pc};
		return (int32_t)value;
	}
	return -1;
}

static int32_t field_value(
	const struct gopclntab *t, const struct go_function *f, unsigned field, uint64_t vaddr)
{
	uint32_t table;

	return get_u32(t, f->at + field, &table) < 0 ? -1 : value_at(t, f, table, vaddr, NULL);
}

static unsigned func_size(const struct gopclntab *t)
{
	return t->has_start_line ? 44 : 40;
}

/* --- opening ------------------------------------------------------------------------------ */

static int read_header(struct gopclntab *t)
{
	uint64_t words[9]; /* of struct pcHeader */

	if (t->size < sizeof(words))
		return -1;
	memcpy(words, t->bytes, sizeof(words));
	uint32_t magic = words[0];
	/* Of amd64: instructions of any length, words of eight bytes. */
	if (words[0] >> 32 != 0x08010000 || (magic != MAGIC_1_18 && magic != MAGIC_1_20))
		return -1;
	t->has_start_line = magic == MAGIC_1_20;
	t->n = words[1];
	t->text = words[3]; /* 0 in position-independent ones and from 1.26 on */
	t->names = words[4];
	t->units = words[5];
	t->files = words[6];
	t->values = words[7];
	t->functions = words[8];
	if (t->names > t->size || t->units > t->size || t->files > t->size || t->values > t->size ||
		t->functions > t->size || t->n > (t->size - t->functions) / 8)
		return -1;
	return 0;
}

/* Takes over what moduledata says if it is one: its first words lead into the table. */
static int take_moduledata(void *arg, uint64_t data)
{
	struct gopclntab *t = arg;
	const struct module *m = t->module;

	if (pointers_at(m, data + 8 * DATA_NAMES) != t->vaddr + t->names)
		return 0;
	unsigned gofunc = t->has_start_line ? DATA_GOFUNC_1_20 : DATA_GOFUNC_1_18;
	t->text = pointers_at(m, data + 8 * DATA_TEXT);
	t->gofunc = pointers_at(m, data + 8 * gofunc);
	return 1;
}

/* Whether there is a table at those bytes of a section. */
static int take_table(struct gopclntab *t, const GElf_Shdr *header, uint64_t at)
{
	t->bytes = module_bytes(t->module, header->sh_offset + at, header->sh_size - at);
	t->size = header->sh_size - at;
	t->vaddr = header->sh_addr + at;
	t->gofunc = 0;
	if (!t->bytes || read_header(t) < 0)
		return 0;
	/* moduledata begins with a pointer to the table. */
	pointers_find(t->module, t->vaddr, take_moduledata, t);
	return t->text != 0;
}

/* Position-independent programs that another linker made have it among other data. */
static int search_table(struct gopclntab *t, const GElf_Shdr *header)
{
	const unsigned char *bytes = module_bytes(t->module, header->sh_offset, header->sh_size);

	for (uint64_t at = 0; bytes && at + 8 <= header->sh_size; at += 8)
		if (!memcmp(bytes + at + 1, "\xff\xff\xff\0\0\x01\x08", 7) &&
			take_table(t, header, at) && t->gofunc)
			return 1;
	return 0;
}

static int find_table(struct gopclntab *t)
{
	Elf *elf = module_elf(t->module);
	Elf_Scn *section = NULL;
	GElf_Shdr header, data = {.sh_size = 0};
	int is_go = 0;

	while ((section = elf_section_next(elf, section, &header))) {
		const char *name =
			header.sh_type == SHT_PROGBITS ? elf_section_name(elf, &header) : NULL;
		if (!name)
			continue;
		if (!strcmp(name, ".gopclntab") || !strcmp(name, ".data.rel.ro.gopclntab"))
			return take_table(t, &header, 0);
		if (!strcmp(name, ".data.rel.ro"))
			data = header;
		is_go |= !strcmp(name, ".go.buildinfo");
	}
	return is_go && search_table(t, &data);
}

struct gopclntab *gopclntab_new(const struct module *m)
{
	struct gopclntab *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->module = m;
	if (find_table(t))
		return t;
	free(t);
	return NULL;
}

void gopclntab_free(struct gopclntab *t)
{
	free(t);
}

/* --- asking ------------------------------------------------------------------------------- */

/* Entry of functab: where the function begins, and its struct _func. One more than there are
 * functions, which says where the last one ends. */
static uint64_t entry(const struct gopclntab *t, uint64_t i, uint32_t *at)
{
	uint32_t start = 0;

	*at = 0;
	get_u32(t, t->functions + 8 * i, &start);
	get_u32(t, t->functions + 8 * i + 4, at);
	return t->text + start;
}

/* The function of an entry. */
static int take_function(const struct gopclntab *t, uint64_t i, struct go_function *out)
{
	uint32_t at, unused, name = 0, size = func_size(t);

	*out = (struct go_function){.start = entry(t, i, &at), .end = entry(t, i + 1, &unused)};
	if (at > t->size - t->functions || t->size - t->functions - at < size)
		return -ENOENT;
	out->at = t->functions + at;
	get_u32(t, out->at + FUNC_NAME, &name);
	out->name = get_string(t, t->names, name);
	out->flags = t->bytes[out->at + size - 3] & (GO_ROOT | GO_MOVES_SP);
	if (t->has_start_line)
		get_u32(t, out->at + FUNC_START_LINE, &out->start_line);
	return out->name ? 0 : -ENOENT;
}

int gopclntab_find(const struct gopclntab *t, uint64_t vaddr, struct go_function *out)
{
	uint64_t low = 0, high = t->n;
	uint32_t unused;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (entry(t, middle, &unused) <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || take_function(t, low - 1, out) < 0 || vaddr >= out->end)
		return -ENOENT;
	return 0;
}

int gopclntab_find_name(const struct gopclntab *t, const char *name, struct go_function *out)
{
	for (uint64_t i = 0; i < t->n; i++)
		if (take_function(t, i, out) == 0 && !strcmp(out->name, name))
			return 0;
	return -ENOENT;
}

int32_t gopclntab_depth(const struct gopclntab *t, const struct go_function *f, uint64_t vaddr,
	struct go_range *where)
{
	uint32_t table;

	if (get_u32(t, f->at + FUNC_PCSP, &table) < 0)
		return -1;
	int32_t depth = value_at(t, f, table, vaddr, where);

	return depth < 0 || depth % 8 ? -1 : depth;
}

static void file_line(
	const struct gopclntab *t, const struct go_function *f, uint64_t vaddr, struct go_line *out)
{
	int32_t file = field_value(t, f, FUNC_PCFILE, vaddr);
	int32_t line = field_value(t, f, FUNC_PCLN, vaddr);
	uint32_t unit, name = NOT_THERE;

	out->file = NULL;
	out->line = 0;
	if (file < 0 || line < 0 || get_u32(t, f->at + FUNC_UNIT, &unit) < 0 ||
		get_u32(t, t->units + 4 * ((uint64_t)unit + file), &name) < 0 || name == NOT_THERE)
		return;
	out->file = get_string(t, t->files, name);
	out->line = line;
}

/* struct inlinedCall. */
struct inlined {
	uint32_t name, parent, start_line;
};

static int read_inlined(const struct gopclntab *t, uint64_t tree, int32_t i, struct inlined *out)
{
	unsigned size = t->has_start_line ? 16 : 20;
	const unsigned char *p = NULL;
	uint64_t offset;

	if (module_vaddr_to_offset(t->module, tree + (uint64_t)i * size, &offset) == 0)
		p = module_bytes(t->module, offset, size);
	if (!p)
		return -1;
	memcpy(&out->name, p + (t->has_start_line ? 4 : 12), 4);
	memcpy(&out->parent, p + (t->has_start_line ? 8 : 16), 4);
	out->start_line = 0;
	if (t->has_start_line)
		memcpy(&out->start_line, p + 12, 4);
	return 0;
}

/* Address of the function's tree of inlined calls and the table of indexes into it; 0: none. */
static uint64_t inline_tree(const struct gopclntab *t, const struct go_function *f, uint32_t *table)
{
	uint32_t n, offset = NOT_THERE;
	uint64_t after = f->at + func_size(t);

	if (!t->gofunc || get_u32(t, f->at + FUNC_NPCDATA, &n) < 0 || n <= PCDATA_INLINE ||
		t->bytes[after - 1] <= FUNCDATA_INLINE ||
		get_u32(t, after + 4 * PCDATA_INLINE, table) < 0 ||
		get_u32(t, after + 4 * ((uint64_t)n + FUNCDATA_INLINE), &offset) < 0 ||
		offset == NOT_THERE)
		return 0;
	return t->gofunc + offset;
}

uint32_t gopclntab_lines(const struct gopclntab *t, const struct go_function *f, uint64_t vaddr,
	struct go_line *out, uint32_t max)
{
	uint32_t table = 0, n = 0;
	uint64_t tree = inline_tree(t, f, &table);
	int32_t i = tree ? value_at(t, f, table, vaddr, NULL) : -1;
	struct inlined call;

	/* Each call's place is that of an instruction of the function around it. */
	for (uint32_t steps = 1; i >= 0 && steps < max && read_inlined(t, tree, i, &call) == 0;
		steps++) {
		file_line(t, f, vaddr, &out[n]);
		out[n].name = get_string(t, t->names, call.name);
		out[n].start_line = call.start_line;
		n += out[n].name != NULL;
		vaddr = f->start + call.parent;
		i = value_at(t, f, table, vaddr, NULL);
	}
	file_line(t, f, vaddr, &out[n]);
	out[n].name = f->name;
	out[n].start_line = f->start_line;
	return n + 1;
}
