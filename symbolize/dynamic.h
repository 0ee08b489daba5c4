/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exported symbols of an image without section headers, as the loader finds them: by
 * PT_DYNAMIC. In an image from memory the loader has made addresses of the pointers in there.
 */
#ifndef SYMBOLIZE_DYNAMIC_H
#define SYMBOLIZE_DYNAMIC_H

#include <elf.h>
#include <stdint.h>

struct module;

struct dynamic {
	const unsigned char *symbols; /* n Elf64_Sym, perhaps not aligned */
	uint32_t n;
	const char *names; /* names_len bytes, the last one 0 */
	uint64_t names_len;
};

/* 0, or -ENOENT. What it points to is the module's. */
int dynamic_find(const struct module *m, struct dynamic *out);

#endif
