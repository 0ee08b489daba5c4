/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process's executable mappings over time: read, compared, numbered by generation, and told to
 * session together with a descriptor of each file when it is seen for the first time.
 */
#ifndef TRACER_MAPPINGS_H
#define TRACER_MAPPINGS_H

#include "agent/tracer/known_modules.h"
#include "agent/tracer/target.h"

struct mappings {
	const struct target *target;
	struct known_modules *known;
	uint32_t *next_generation; /* shared by all processes */
	uint32_t process;	   /* its number */
	int sock;		   /* to session */
	uint32_t generation;
	struct maps_list list;
	uint32_t failed; /* reads that gave no maps */
	uint64_t probe;	 /* where the code of our allocation probe begins; 0: there is none */
};

void mappings_init(struct mappings *m, const struct target *target, uint32_t process,
	struct known_modules *known, uint32_t *next_generation, int sock);
void mappings_fini(struct mappings *m);

/* Whether pc lies in memory without a file, by the maps as last read. */
int mappings_has_no_file(const struct mappings *m, uint64_t pc);

/* Where that byte of a module's file is mapped as code, by the maps as last read; NULL: nowhere.
 * module: its number; 0: none. */
const struct maps_line *mappings_of(const struct mappings *m, uint32_t module, uint64_t offset);

/* Reads the maps through thread tid; where they changed, a new generation is begun and sent.
 * 1 changed, 0 not, -errno. */
int mappings_refresh(struct mappings *m, pid_t tid);

#endif
