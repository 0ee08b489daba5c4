/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target's executable mappings over time: read, compared, numbered by generation, and told to
 * session together with a descriptor of each file when it is seen for the first time.
 */
#ifndef TRACER_MAPPINGS_H
#define TRACER_MAPPINGS_H

#include "agent/tracer/maps.h"
#include "agent/tracer/target.h"

struct known_module {
	uint64_t dev, ino, start; /* start: of memory without a file */
	char *path;
};

struct mappings {
	const struct target *target;
	int sock; /* to session */
	uint32_t generation;
	struct maps_list list;
	struct known_module *known; /* index + 1 is the tracer's module number */
	uint32_t n_known, room;
	uint32_t failed; /* reads that gave no maps */
};

void mappings_init(struct mappings *m, const struct target *target, int sock, uint32_t generation);
void mappings_fini(struct mappings *m);

/* Reads the maps through thread tid; where they changed, a new generation is begun and sent.
 * 1 changed, 0 not, -errno. */
int mappings_refresh(struct mappings *m, pid_t tid);

#endif
