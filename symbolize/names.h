/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The strings of answers: each linkage name is demangled once, each path made regular
 * once. What is returned lives until names_fini.
 */
#ifndef SYMBOLIZE_NAMES_H
#define SYMBOLIZE_NAMES_H

#include "base/index.h"
#include "base/message.h"

struct name {
	char *raw, *shown;
};

struct names {
	struct name *v;
	uint32_t n, room;
	struct index by_raw;
	size_t bytes; /* of all strings */
	enum demangle_level level;
};

void names_init(struct names *x, enum demangle_level level);
void names_fini(struct names *x);

/* NULL: no memory. raw is the name without its symbol version; is_plt: followed by "@plt". */
const struct name *names_function(struct names *x, const char *linkage_name, int is_plt);

/* A path that is not absolute is in directory (NULL: unknown), where the compiler ran. */
const char *names_path(struct names *x, const char *directory, const char *path);

#endif
