/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ELF file in memory: mapped from a descriptor, or bytes that were made here. 64-bit x86-64, at
 * most LIMIT_MODULE_BYTES. The descriptor is closed at once; a file that is truncated meanwhile
 * costs SIGBUS, thus this worker, which is accepted.
 */
#ifndef SYMBOLIZE_IMAGE_H
#define SYMBOLIZE_IMAGE_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_BUILD_ID_MAX 32u

/* Zero-initialized is empty. libelf gets the memory, not the descriptor: then neither libelf nor
 * libdw can be made to call readlink or pread on it, and thousands of images need no descriptors.
 */
struct image {
	void *map;
	size_t size; /* of the file's bytes */
	size_t room; /* of map: sections that were unpacked lie behind the file's bytes */
	size_t end;  /* of these so far */
	Elf *elf;
	unsigned char build_id[IMAGE_BUILD_ID_MAX];
	uint32_t build_id_len;
	int unpacked; /* image_unpack's answer; 1: not asked yet */
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

/* Sections that zstd packed become plain, where debug information is looked for. Again is free.
 * Those that cannot be unpacked are empty then. 0, -EBADMSG or -ENOMEM where there are such. */
int image_unpack(struct image *image);

/* Whether that section, of debug information, is packed in a way that nothing here can read. */
int image_cannot_unpack(const struct image *image, const Elf64_Shdr *header);

/* An empty one is fine. */
void image_close(struct image *image);

int image_same_build(const struct image *a, const struct image *b);

/* Of all its bytes, as .gnu_debuglink has it; before anything is unpacked. */
uint32_t image_checksum(const struct image *image);

/* The section of that name and its header, or NULL. Not one of type SHT_NOBITS. */
Elf_Scn *image_section(const struct image *image, const char *name, Elf64_Shdr **header);

/* The bytes of a section as they are in the file; NULL unless all of them exist. */
const unsigned char *image_section_bytes(const struct image *image, const Elf64_Shdr *header);

#endif
