/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "base/allocator_names.h"
#include "symbolize/allocator.h"

struct search {
	const struct module *module;
	const struct worker_allocator_question *ask;
	struct allocator *out;
	Elf *elf;
	GElf_Phdr code; /* the first segment of it */
	int is_static;	/* a program that no loader completes */
};

/* --- names --- */

/* The user's prefix goes before the known ones: it says what is meant. */
static int name_split(const struct search *s, const char *name, uint32_t *number, uint8_t *prefix)
{
	for (int p = ALLOCATOR_PREFIXES - 1; p >= 0; p--) {
		const char *text =
			p == ALLOCATOR_OWN_PREFIX ? s->ask->prefix : allocator_prefixes[p];
		size_t n = strlen(text);
		if ((p != ALLOCATOR_NO_PREFIX && !n) || strncmp(name, text, n))
			continue;
		*number = allocator_number(name + n, p);
		*prefix = p;
		if (*number != UINT32_MAX)
			return s->ask->with_mapping ||
			       !(allocator_names[*number].scope & ALLOCATOR_MAPPING);
	}
	return 0;
}

/* --- functions --- */

static int is_sanitizers(const char *name)
{
	static const char *const names[] = {"__asan_init", "__msan_init", "__tsan_init",
		"__lsan_init", "__hwasan_init", "__memprof_init"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return 1;
	return 0;
}

/* Functions that only jemalloc's operators of C++ call: src/jemalloc_cpp.cpp of 5.x. */
static int is_of_operators(const char *name)
{
	static const char *const names[] = {"_ZL13fallback_implILb0EEPvm",
		"_ZL13fallback_implILb1EEPvm", "_ZL9handleOOMmb", "_Z13fallback_implILb0EEPvm",
		"_Z9handleOOMmb"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return 1;
	return 0;
}

/* Both of a python that has it in a library and of one that is linked into a program. */
static int is_pythons(const GElf_Sym *sym, const char *name)
{
	return sym->st_shndx != SHN_UNDEF && !strcmp(name, "PyObject_Malloc");
}

/* Defined here, and for others to call. Behind a prefix it may be for this program alone; in a
 * static one that can be loaded anywhere (static-pie) the linker has made local symbols of hidden
 * ones. */
static int is_callable(const struct search *s, const GElf_Sym *sym, uint8_t prefix)
{
	int binding = GELF_ST_BIND(sym->st_info);
	int is_shared = binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE;

	return GELF_ST_TYPE(sym->st_info) == STT_FUNC && sym->st_shndx != SHN_UNDEF &&
	       sym->st_size && (is_shared || s->is_static || prefix != ALLOCATOR_NO_PREFIX);
}

static int is_there(const struct allocator *a, uint32_t number, uint8_t prefix)
{
	for (uint32_t i = 0; i < a->head.n_functions; i++)
		if (a->functions[i].number == number && a->functions[i].prefix == prefix)
			return 1;
	return 0;
}

static void take_function(struct search *s, const GElf_Sym *sym, const char *name)
{
	struct allocator *a = s->out;
	uint64_t offset;
	uint32_t number;
	uint8_t prefix;

	if (is_of_operators(name))
		a->head.flags |= ALLOCATOR_OWN_OPERATORS;
	if (is_sanitizers(name))
		a->head.flags |= ALLOCATOR_CHECKS;
	if (is_pythons(sym, name))
		a->head.flags |= ALLOCATOR_HAS_ARENAS;
	if (!name_split(s, name, &number, &prefix) || !is_callable(s, sym, prefix) ||
		is_there(a, number, prefix) ||
		module_vaddr_to_offset(s->module, sym->st_value, &offset) < 0)
		return;
	if (a->head.n_functions == ALLOCATOR_FUNCTIONS_MAX) {
		a->head.flags |= ALLOCATOR_IS_CUT;
		return;
	}
	a->functions[a->head.n_functions++] = (struct allocator_function){
		.offset = offset, .size = sym->st_size, .number = number, .prefix = prefix};
}

static void find_functions(struct search *s, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Sym sym;

	for (size_t i = 0; i < n && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(s->elf, header->sh_link, sym.st_name);
		if (name && *name)
			take_function(s, &sym, name);
	}
}

/* --- slots --- */

static void take_slot(struct search *s, const GElf_Rela *r, const char *name)
{
	struct allocator *a = s->out;
	struct allocator_slot slot = {.code = s->code.p_offset};
	uint64_t vaddr = 0, offset;
	uint32_t number;

	if (!name_split(s, name, &number, &slot.prefix) ||
		module_vaddr_to_offset(s->module, r->r_offset, &offset) < 0)
		return;
	if (a->head.n_slots == ALLOCATOR_SLOTS_MAX) {
		a->head.flags |= ALLOCATOR_IS_CUT;
		return;
	}
	slot.number = number;
	slot.distance = r->r_offset - s->code.p_vaddr;
	const unsigned char *content = module_bytes(s->module, offset, sizeof(vaddr));
	if (content && GELF_R_TYPE(r->r_info) == R_X86_64_JUMP_SLOT) {
		memcpy(&vaddr, content, sizeof(vaddr));
		if (!vaddr || module_vaddr_to_offset(s->module, vaddr, &slot.before) < 0)
			slot.before = 0;
	}
	a->slots[a->head.n_slots++] = slot;
}

static void find_slots(struct search *s, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	Elf_Scn *of = elf_getscn(s->elf, header->sh_link);
	Elf_Data *symbols = of ? elf_getdata(of, NULL) : NULL;
	size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Shdr names;
	GElf_Rela r;
	GElf_Sym sym;

	if (!symbols || !gelf_getshdr(of, &names) || names.sh_type != SHT_DYNSYM)
		return;
	for (size_t i = 0; i < n && gelf_getrela(data, i, &r); i++) {
		uint32_t type = GELF_R_TYPE(r.r_info);
		if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
			!gelf_getsym(symbols, GELF_R_SYM(r.r_info), &sym))
			continue;
		const char *name = elf_strptr(s->elf, names.sh_link, sym.st_name);
		if (name && *name)
			take_slot(s, &r, name);
	}
}

/* --- what it is --- */

static const struct allocator_function *find(
	const struct allocator *a, const char *name, int prefix)
{
	uint32_t number = allocator_number(name, prefix);

	for (uint32_t i = 0; i < a->head.n_functions; i++)
		if (a->functions[i].number == number && a->functions[i].prefix == prefix)
			return &a->functions[i];
	return NULL;
}

/* The operators may be anybody's: of a program that puts something before what malloc gives, say.
 * They are the allocator's where they have another name of its own, or in its own library. */
static void look_at(struct allocator *a, uint32_t flags)
{
	const struct allocator_function *new = find(a, "_Znwm", ALLOCATOR_NO_PREFIX);
	const struct allocator_function *tc = find(a, "new", ALLOCATOR_TC_PREFIX);
	const struct allocator_function *mi = find(a, "new", ALLOCATOR_MI_PREFIX);
	int is_je = !!find(a, "mallocx", ALLOCATOR_NO_PREFIX);

	if (is_je || find(a, "malloc", ALLOCATOR_TC_PREFIX) ||
		find(a, "malloc", ALLOCATOR_MI_PREFIX))
		a->head.flags |= ALLOCATOR_IS_KNOWN;
	if (new && ((tc && tc->offset == new->offset) || (mi && mi->offset == new->offset) ||
			   (is_je && !(flags & MODULE_IS_EXE))))
		a->head.flags |= ALLOCATOR_OWN_OPERATORS;
}

static void find_in(struct search *s, uint32_t type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(s->elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != type)
			continue;
		if (type == SHT_RELA)
			find_slots(s, section, &header);
		else
			find_functions(s, section, &header);
	}
}

static int has_interpreter(Elf *elf, size_t n)
{
	GElf_Phdr header;

	for (size_t i = 0; i < n && gelf_getphdr(elf, i, &header); i++)
		if (header.p_type == PT_INTERP)
			return 1;
	return 0;
}

void allocator_find(
	struct module *m, const struct worker_allocator_question *ask, struct allocator *out)
{
	struct search s = {.module = m, .ask = ask, .out = out, .elf = module_elf(m)};

	out->head = (struct worker_allocator){.module = ask->module};
	if (!s.elf)
		return;
	size_t n = 0;
	elf_getphdrnum(s.elf, &n);
	s.is_static = (module_flags(m) & MODULE_IS_EXE) && !has_interpreter(s.elf, n);
	for (size_t i = 0; i < n && !(s.code.p_type == PT_LOAD && s.code.p_flags & PF_X); i++)
		if (!gelf_getphdr(s.elf, i, &s.code))
			break;
	/* What the linker goes by comes first; a static program has but the other one, and what is
	 * only the program's own is in no other either. */
	find_in(&s, SHT_DYNSYM);
	find_in(&s, SHT_SYMTAB);
	find_in(&s, SHT_RELA);
	look_at(out, module_flags(m));
}
