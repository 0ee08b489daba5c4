/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <gelf.h>
#include <string.h>

#include "symbolize/elf_sections.h"
#include "symbolize/module.h"
#include "symbolize/pointers.h"

uint64_t pointers_at(const struct module *m, uint64_t vaddr)
{
	Elf *elf = module_elf(m);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Rela rela;
	uint64_t offset, value = 0;

	if (module_vaddr_to_offset(m, vaddr, &offset) == 0) {
		const unsigned char *p = module_bytes(m, offset, sizeof(value));
		if (p)
			memcpy(&value, p, sizeof(value));
	}
	while (!value && (section = elf_section_next(elf, section, &header))) {
		if (header.sh_type != SHT_RELA)
			continue;
		Elf_Data *data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getrela(data, i, &rela); i++)
			if (rela.r_offset == vaddr && GELF_R_TYPE(rela.r_info) == R_X86_64_RELATIVE)
				return rela.r_addend;
	}
	return value;
}

struct search {
	uint64_t value;
	int (*is_it)(void *arg, uint64_t vaddr);
	void *arg;
};

static int search_data(const struct search *s, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_rawdata(section, NULL);
	uint64_t word;

	for (size_t at = 0; data && data->d_buf && at + 8 <= data->d_size; at += 8) {
		memcpy(&word, (const char *)data->d_buf + at, sizeof(word));
		if (word == s->value && s->is_it(s->arg, header->sh_addr + at))
			return 1;
	}
	return 0;
}

static int search_relocations(const struct search *s, Elf_Scn *section)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Rela rela;

	for (int i = 0; data && gelf_getrela(data, i, &rela); i++)
		if (GELF_R_TYPE(rela.r_info) == R_X86_64_RELATIVE &&
			(uint64_t)rela.r_addend == s->value && s->is_it(s->arg, rela.r_offset))
			return 1;
	return 0;
}

int pointers_find(
	const struct module *m, uint64_t value, int (*is_it)(void *arg, uint64_t vaddr), void *arg)
{
	const struct search s = {value, is_it, arg};
	Elf *elf = module_elf(m);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	int found = 0;

	while (!found && (section = elf_section_next(elf, section, &header))) {
		if (header.sh_type == SHT_RELA)
			found = search_relocations(&s, section);
		else if (header.sh_type == SHT_PROGBITS && (header.sh_flags & SHF_WRITE))
			found = search_data(&s, section, &header);
	}
	return found;
}
