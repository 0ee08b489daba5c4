/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections of an ELF file. Headers are copied: in the file they may lie anywhere.
 */
#ifndef SYMBOLIZE_ELF_SECTIONS_H
#define SYMBOLIZE_ELF_SECTIONS_H

#include <gelf.h>
#include <stddef.h>

/* The section behind that one (NULL: the first) and its header; NULL: there are no more. Those
 * whose header cannot be read are passed over. elf may be NULL. */
Elf_Scn *elf_section_next(Elf *elf, Elf_Scn *after, GElf_Shdr *header);

/* NULL: it cannot be read. */
const char *elf_section_name(Elf *elf, const GElf_Shdr *header);

/* The first section of that name whose bytes are in the file (not SHT_NOBITS); NULL. */
Elf_Scn *elf_section_find(Elf *elf, const char *name, GElf_Shdr *header);

/* The symbols of a section, for gelf_getsym, and how many they are; NULL with 0: none. */
Elf_Data *elf_section_symbols(Elf_Scn *section, const GElf_Shdr *header, size_t *n);

#endif
