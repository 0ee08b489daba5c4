/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a record of a recording makes sense after those before it: its size, its numbers, what it
 * refers to. A recording can come from anywhere; what passes here is as good as a tracer's word.
 */
#ifndef AGENT_RAW_CHECK_H
#define AGENT_RAW_CHECK_H

#include "agent/raw_format.h"

struct raw_check {
	uint32_t n_processes; /* told of: the last number + 1 */
	uint32_t n_serials;   /* threads told of: the last serial + 1 */
	uint32_t n_modules;   /* by the present tracer */
	uint32_t generation;  /* the last one that is complete */
	uint32_t n_building;  /* mappings of the present one */
	uint64_t last_end;    /* of its last mapping */
	uint64_t perf_map;    /* bytes of the last one so far */
	int has_perf_map;     /* there was one */
	int is_ready;	      /* all processes of the start are attached */
};

int raw_check_run(const struct tracer_recording *run); /* 0 or -EPROTO */

/* 0 or -EPROTO. payload is aligned as malloc does. */
int raw_check(struct raw_check *c, const struct raw_record *record, const void *payload);

#endif
