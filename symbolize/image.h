/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ELF file in memory: mapped from a descriptor, or bytes that were made here. 64-bit x86-64, at
 * most LIMIT_MODULE_BYTES. The descriptor is closed at once; a file that is truncated meanwhile
 * costs SIGBUS, thus this worker, which is accepted.
 */
#ifndef SYMBOLIZE_IMAGE_H
#define SYMBOLIZE_IMAGE_H

#include <gelf.h>
#include <stddef.h>
#include <stdint.h>

#include "symbolize/dwarf/section.h"

#define IMAGE_BUILD_ID_MAX 32u

/* Zero-initialized is empty. libelf gets the memory, not the descriptor: then neither libelf nor
 * libdw can be made to call readlink or pread on it, and thousands of images need no descriptors.
 */
struct image {
	void *map;
	size_t size; /* of the file's bytes */
	Elf *elf;
	struct sections sections; /* with debug information; not those of split units */
	unsigned char build_id[IMAGE_BUILD_ID_MAX];
	uint32_t build_id_len;
};

enum image_use {
	IMAGE_CODE,   /* what a process may map: a program or a library */
	IMAGE_MEMORY, /* the same as it lies in memory: section headers only if they were mapped */
	IMAGE_DEBUG   /* what only debuggers read: also relocatable files (.dwo) */
};

/* Takes fd, also on failure. 0 or -errno; the image is empty on failure. */
int image_open(struct image *image, int fd, enum image_use use);

/* The same of bytes in memory that munmap can free; takes them. */
int image_of_bytes(struct image *image, void *bytes, size_t size, enum image_use use);

/* An empty one is fine. */
void image_close(struct image *image);

int image_same_build(const struct image *a, const struct image *b);

/* Of all its bytes, as .gnu_debuglink has it. */
uint32_t image_checksum(const struct image *image);

/* The section of that name and its header, or NULL. Not one of type SHT_NOBITS. */
Elf_Scn *image_section(const struct image *image, const char *name, GElf_Shdr *header);

/* The bytes of a section as they are in the file; NULL unless all of them exist. */
const unsigned char *image_section_bytes(const struct image *image, const GElf_Shdr *header);

#endif
