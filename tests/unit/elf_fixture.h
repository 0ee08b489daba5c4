/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of an executable made by hand, which is loaded as a whole; see elf(5). */
#ifndef TESTS_UNIT_ELF_FIXTURE_H
#define TESTS_UNIT_ELF_FIXTURE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

/* The table of its sections is at file + sections, the last one has their names. */
static void put_headers(
	unsigned char *file, uint64_t size, uint64_t base, uint64_t sections, uint16_t n)
{
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_shoff = sections,
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = n,
		.e_shstrndx = n - 1};
	Elf64_Phdr load = {.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = base,
		.p_filesz = size,
		.p_memsz = size};

	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), &load, sizeof(load));
}

#endif
