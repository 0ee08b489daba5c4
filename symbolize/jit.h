/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for code that has no file, from its process's perf map. One map at a time: that of the
 * module which is asked for next.
 */
#ifndef SYMBOLIZE_JIT_H
#define SYMBOLIZE_JIT_H

#include "symbolize/perf_map.h"
#include "symbolize/symbolize.h"

/* Zero-initialized has none. */
struct jit {
	uint32_t module;
	struct perf_map *map;
};

void jit_fini(struct jit *jit);

/* The map of that module, in place of the one before; what perf_map_read answers. */
int jit_set_map(struct jit *jit, uint32_t module, int fd);

int jit_has_map(const struct jit *jit, uint32_t module);

/* As symbolizer_request; the offsets of such modules are addresses. */
int jit_request(const struct jit *jit, const struct worker_symbolize *ask, const uint64_t *offsets,
	symbolize_emit *emit, void *arg);

#endif
