/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a pprof file, gzipped or not, of anybody. The file is foreign: more than 1 GiB uncompressed
 * is refused, and so is what would need more than 2 GiB as a tree. What its numbers refer to is not
 * checked.
 */
#ifndef OUTPUT_UNPACK_H
#define OUTPUT_UNPACK_H

#include <stddef.h>

#include "output/profile.pb-c.h"

struct unpacked {
	Perftools__Profiles__Profile *p;
	size_t bytes; /* uncompressed */
	struct unpack_chunk *chunks;
	size_t taken; /* memory of the tree */
};

/* path: "-" is standard input. 0, then the caller calls unpack_fini; or an error for unpack_words.
 */
int unpack(const char *path, struct unpacked *u);
void unpack_fini(struct unpacked *u);

/* "empty", "cannot read: No such file or directory" and so on; returns out. */
char *unpack_words(char *out, size_t room, int error);

#endif
