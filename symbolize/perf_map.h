/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A perf map: what a compiler at run time called the code that it made, one function a line,
 * "START SIZE NAME" with hexadecimal numbers (Linux, tools/perf/Documentation/jit-interface.txt).
 *
 * The file is copied, because the target goes on writing to it. Where lines overlap the later one
 * counts: its code took the place of the other. Lines that are no such are left out and counted;
 * so is a last line without an end, which is still being written.
 */
#ifndef SYMBOLIZE_PERF_MAP_H
#define SYMBOLIZE_PERF_MAP_H

#include <stddef.h>
#include <stdint.h>

struct perf_map;

/* All of fd, which stays the caller's. 0, -ENOMEM, -E2BIG (past LIMIT_PERF_MAP bytes or
 * LIMIT_PERF_LINES), or the -errno of a read. Caller frees. */
int perf_map_read(int fd, struct perf_map **out);
void perf_map_free(struct perf_map *map); /* NULL-safe */

/* The name of the function at address, *n > 0 bytes without a terminator, borrowed from the map;
 * NULL if there is none. */
const char *perf_map_find(const struct perf_map *map, uint64_t address, size_t *n);

uint32_t perf_map_functions(const struct perf_map *map); /* lines that count */
uint32_t perf_map_bad(const struct perf_map *map);	 /* lines left out */

#endif
