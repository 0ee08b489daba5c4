/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "base/allocator_names.h"
#include "symbolize/allocator.h"

/* Defined here, and for others to call. */
static int is_callable(const GElf_Sym *s)
{
	int binding = GELF_ST_BIND(s->st_info);

	return GELF_ST_TYPE(s->st_info) == STT_FUNC && s->st_shndx != SHN_UNDEF && s->st_size &&
	       (binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE);
}

static void take(const struct module *m, const GElf_Sym *s, const char *name, struct allocator *out)
{
	uint64_t offset;

	for (uint32_t i = 0; i < ALLOCATOR_FUNCTIONS; i++) {
		if (strcmp(name, allocator_names[i]) || out->v[i].size ||
			module_vaddr_to_offset(m, s->st_value, &offset) < 0)
			continue;
		out->v[i] = (struct allocator_function){offset, s->st_size};
	}
}

static void find_in(const struct module *m, Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
	struct allocator *out, uint32_t *is_checked)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Sym sym;

	for (size_t i = 0; i < n && gelf_getsym(data, i, &sym); i++) {
		const char *name =
			is_callable(&sym) ? elf_strptr(elf, header->sh_link, sym.st_name) : NULL;
		if (!name)
			continue;
		*is_checked |= !strcmp(name, "__asan_init") || !strcmp(name, "__msan_init") ||
			       !strcmp(name, "__tsan_init");
		take(m, &sym, name, out);
	}
}

int allocator_find(struct module *m, struct allocator *out, uint32_t *is_checked)
{
	/* What the linker goes by comes first; a static program has but the other one. */
	static const uint32_t types[] = {SHT_DYNSYM, SHT_SYMTAB};
	Elf *elf = module_elf(m);
	GElf_Shdr header;

	*out = (struct allocator){0};
	*is_checked = 0;
	for (int t = 0; t < 2 && elf && !(out->v[0].size && out->v[1].size); t++) {
		Elf_Scn *section = NULL;
		while ((section = elf_nextscn(elf, section)))
			if (gelf_getshdr(section, &header) && header.sh_type == types[t])
				find_in(m, elf, section, &header, out, is_checked);
	}
	return out->v[0].size && out->v[1].size;
}
