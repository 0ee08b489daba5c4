/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module whose file cannot be opened, out of the target's memory: what is mapped of it lies at
 * the offsets of the file. Section headers are usually not mapped, and data is as the program left
 * it.
 */
#ifndef TRACER_MEMORY_IMAGE_H
#define TRACER_MEMORY_IMAGE_H

#include "agent/tracer/maps.h"
#include "agent/tracer/target.h"

/* All readable mappings of the file of that one, at most LIMIT_MEMORY_IMAGE bytes, as a memfd that
 * the caller closes; *used (of LIMIT_MEMORY_IMAGES, in one run) grows by its size. -errno: -E2BIG.
 */
int memory_image(const struct target *t, pid_t tid, const struct maps_line *line, uint64_t *used);

#endif
