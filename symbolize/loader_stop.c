/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "symbolize/elf_sections.h"
#include "symbolize/loader_stop.h"

struct found {
	uint64_t function, state; /* vaddrs; 0: not there */
};

/* Loaders export both, for debuggers. */
static void find_in(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct found *found)
{
	size_t n;
	Elf_Data *data = elf_section_symbols(section, header, &n);
	GElf_Sym sym;

	for (size_t i = 0; i < n && gelf_getsym(data, i, &sym); i++) {
		int type = GELF_ST_TYPE(sym.st_info);
		if (sym.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_OBJECT))
			continue;
		const char *name = elf_strptr(elf, header->sh_link, sym.st_name);
		if (!name)
			continue;
		if (type == STT_FUNC && !strcmp(name, "_dl_debug_state"))
			found->function = sym.st_value;
		else if (type == STT_OBJECT && !strcmp(name, "_r_debug"))
			found->state = sym.st_value + offsetof(struct r_debug, r_state);
	}
}

int loader_stop_find(struct module *m, struct loader_stop *out)
{
	Elf *elf = module_elf(m);
	Elf_Scn *section = NULL;
	struct found found = {0};
	GElf_Shdr header;

	*out = (struct loader_stop){0};
	while ((section = elf_section_next(elf, section, &header)))
		if (header.sh_type == SHT_DYNSYM)
			find_in(elf, section, &header, &found);
	if (!found.function || module_vaddr_to_offset(m, found.function, &out->offset) < 0)
		return 0;
	out->state = found.state ? (int64_t)(found.state - found.function) : 0;
	return out->offset != 0;
}
