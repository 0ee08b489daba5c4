/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the allocation probe has told since it went in: each sample with its stack, and which of
 * them are alive.
 *
 * A run may last for days, so a sample that is dead for sure becomes a part of its stack's sums
 * (it is folded): memory is that of the live samples and of the stacks. Dead for sure is what was
 * not alive in two snapshots RECORD_APART_NS or more apart, nor in between: a new sample becomes
 * known a moment before its pointer does, and a realloc that fails takes its pointer out for a
 * moment.
 *
 * Sums are the same whatever was folded, and when.
 */
#ifndef AGENT_HEAP_RECORD_H
#define AGENT_HEAP_RECORD_H

#include "agent/interval.h"

#define RECORD_APART_NS 1000000000ull

/* Samples that are kept whatever is alive. */
#define RECORD_LEAST 16384u

struct heap_kept {
	struct heap_sample sample;
	uint32_t site, interval;
	uint32_t is_missed; /* it was not alive in the last snapshot that counted, nor since */
};

struct heap_record {
	struct table *table;	  /* its entry i is the stack of site i */
	struct heap_site *folded; /* of each site: what is not kept any more */
	uint32_t n_sites, sites_room;
	struct heap_kept *kept;
	uint32_t n_kept, kept_room;
	uint32_t *live; /* ids of the last snapshot, ascending once all were told */
	uint32_t n_live, live_room;
	int is_whole; /* all were */
	struct tracer_heap figures;
	uint64_t counted_at; /* the last snapshot that counted: CLOCK_MONOTONIC */
	uint32_t fold_at;    /* as many samples are kept when the next one is due */
	uint64_t n_folded;
	uint64_t lost;	    /* samples without room here, captures that brought none */
	uint32_t n_unknown; /* alive when it was last put somewhere, and of no known sample */
};

int heap_record_init(struct heap_record *r); /* 0 or -ENOMEM */
void heap_record_fini(struct heap_record *r);

/* A sample, of that interval. 0 or -ENOMEM. */
int heap_record_add(struct heap_record *r, const struct stack *stack, const struct heap_sample *s,
	uint32_t interval);

/* A part of a snapshot: 1 with the last one, 0, or -errno. ids: part->n of them. */
int heap_record_tell(struct heap_record *r, const struct tracer_heap *part, const uint32_t *ids);

/* After the last part, before anything else is added: what is dead for sure is folded. */
void heap_record_fold(struct heap_record *r, uint64_t now);

/* Whether a snapshot is due, for folding. */
int heap_record_is_due(const struct heap_record *r, uint64_t now);

/* All sites with what was sampled up to the end of that interval, alive as of the last snapshot:
 * n_sites of them, which the caller frees; NULL: no memory. */
struct heap_site *heap_record_sites(const struct heap_record *r, uint32_t interval);

/* Without what is alive in them: where they are taken off, all that is stays. */
void heap_record_clear_live(struct heap_site *sites, uint32_t n);

/* What heap_record_sites finds into out, with a table of each of kinds. less: n_less earlier sites,
 * which are taken off; NULL: none are. 0 or -ENOMEM. */
int heap_record_put(struct heap_record *r, uint32_t interval, uint32_t kinds,
	const struct heap_site *less, uint32_t n_less, struct interval *out);

#endif
