/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modules that the tracer has told session of: what tells them apart, and their numbers.
 *
 * A file is one module in all processes, and so is the kernel's own image (the vdso), which is the
 * same everywhere. Memory without a file is one module of its process for each name, however often
 * it is mapped anew.
 */
#ifndef TRACER_KNOWN_MODULES_H
#define TRACER_KNOWN_MODULES_H

#include "agent/tracer/maps.h"
#include "agent/tracer/roots.h"
#include "base/index.h"
#include "base/message.h"

struct known_module {
	uint64_t dev, ino;
	uint32_t process; /* of memory without a file; else 0 */
	uint32_t root;	  /* where its file was met: position + 1 in roots; 0: not known */
	int is_jit;	  /* memory without a file in which a compiler may have put code */
	char *path;
	struct tracer_go *go; /* how to find its goroutines; NULL: not known (yet) */
};

/* Zero-initialized is empty. */
struct known_modules {
	struct known_module *v; /* index + 1 is the number */
	uint32_t n, room;
	struct index by_key;
	struct roots roots;
	uint64_t memory_images; /* bytes of files that had to be read from memory */
};

void known_modules_fini(struct known_modules *k); /* for tests: a role ends by _exit */

/* What the code of our own allocation probe is called. */
#define KNOWN_MODULES_PROBE "[allocation probe]"

/* Whether there is no file behind the mapping, nor an image of the kernel's: shared anonymous
 * memory has an inode, too. */
int known_modules_has_no_file(const struct maps_line *line);

/* Whether the mapping is of the image that the kernel writes into each process. */
int known_modules_is_vdso(const struct maps_line *line);

/* Where the file of that module was met; NULL: not known. */
const struct root *known_modules_root(const struct known_modules *k, uint32_t number);

/* The number of the mapping's module; 0: it has none yet. */
uint32_t known_modules_find(
	const struct known_modules *k, const struct maps_line *line, uint32_t process);

/* The number of the mapping's module, which is new where *is_new is set; 0 past LIMIT_MODULES. */
uint32_t known_modules_number(
	struct known_modules *k, const struct maps_line *line, uint32_t process, int *is_new);

/* What session knows of a program, also that there is nothing. 0 or -errno. */
int known_modules_set_go(struct known_modules *k, const struct tracer_go *go);

#endif
