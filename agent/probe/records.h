/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the probe wrote into the memory that the target and we share: records in order, and the
 * allocations that are alive. The target may write anything there at any time: each word is read
 * once, and copied before it is looked at.
 */
#ifndef PROBE_RECORDS_H
#define PROBE_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/probe/layout.h"

struct records {
	uint8_t *shared; /* PROBE_SIZE - PROBE_SHARED bytes; NULL: none */
	uint64_t tail;	 /* records ever taken */
	uint64_t lost;	 /* records that were begun and never ended, or make no sense */
	uint64_t since;	 /* the one that is waited for was begun before that */
	int is_over;	 /* nobody is left who could end one: none is waited for */
	_Alignas(uint64_t) uint8_t copy[PROBE_RECORD];
};

#define RECORDS_PATIENCE_NS 1000000000ull

/* Makes fresh shared memory ready for the probe. */
void records_init(struct records *r, void *shared);

/* The next record, which is whole and checked, and stays until the next call; NULL: none yet. now:
 * CLOCK_MONOTONIC in ns. A record that is not ended in RECORDS_PATIENCE_NS is given up. */
const struct probe_record *records_next(struct records *r, uint64_t now);

/* Ids of the samples that are alive, at most room of them, in no order; how many. */
uint32_t records_live(const struct records *r, uint32_t *ids, uint32_t room);

#define RECORDS_LIVE (PROBE_BUCKETS * PROBE_WAYS)

/* A figure of the head page, as it is now. */
#define RECORDS_FIGURE(r, member)                                                                  \
	__atomic_load_n(&((struct probe_shared *)(r)->shared)->member, __ATOMIC_RELAXED)

#endif
