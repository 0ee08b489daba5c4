/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The executable mappings in the text of /proc/PID/maps (proc_pid_maps(5)).
 *
 * Only mappings with x: nothing else can hold a pc. Paths come unescaped (\012 is a newline) and
 * with any " (deleted)" still on them: whether a file is gone is never decided by its text.
 */
#ifndef TRACER_MAPS_H
#define TRACER_MAPS_H

#include <stddef.h>
#include <stdint.h>

struct maps_line {
	uint64_t start, end, offset;
	uint64_t dev, ino; /* dev as st_dev; both 0 for memory without a file */
	int is_writable;
	char *path; /* "" for anonymous memory; owned by the list */
};

struct maps_list {
	struct maps_line *v;
	size_t n;
};

/* 0; -EINVAL for text that is not maps; -E2BIG beyond LIMIT_MAPPINGS; -ENOMEM. On failure the list
 * is empty. Of lines that overlap (a map that changed while it was read) the first one counts. */
int maps_parse(const char *text, size_t n, struct maps_list *out);
/* The same of all readable mappings of one file, that of the given mapping. */
int maps_parse_file(const char *text, size_t n, const struct maps_line *of, struct maps_list *out);

void maps_free(struct maps_list *list);
int maps_equal(const struct maps_list *a, const struct maps_list *b);

#endif
