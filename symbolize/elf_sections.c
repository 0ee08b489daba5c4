/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "symbolize/elf_sections.h"

Elf_Scn *elf_section_next(Elf *elf, Elf_Scn *after, GElf_Shdr *header)
{
	Elf_Scn *section = after;

	while (elf && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, header))
			return section;
	return NULL;
}

const char *elf_section_name(Elf *elf, const GElf_Shdr *header)
{
	size_t names;

	return elf_getshdrstrndx(elf, &names) < 0 ? NULL : elf_strptr(elf, names, header->sh_name);
}

Elf_Scn *elf_section_find(Elf *elf, const char *name, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_section_next(elf, section, header))) {
		const char *found =
			header->sh_type == SHT_NOBITS ? NULL : elf_section_name(elf, header);
		if (found && !strcmp(found, name))
			return section;
	}
	return NULL;
}

Elf_Data *elf_section_symbols(Elf_Scn *section, const GElf_Shdr *header, size_t *n)
{
	Elf_Data *data = header->sh_entsize ? elf_getdata(section, NULL) : NULL;

	*n = data ? data->d_size / header->sh_entsize : 0;
	return data;
}
