/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocation probe of one process: put in, read, taken out again. Its memory comes and goes by
 * one thread that is stopped, its jumps while all are; in between nobody is attached.
 *
 *   none ──probe_arm──▶ armed ──probe_disarm──▶ none
 *
 * Once it is taken out, the process has the same code, mappings and descriptors as before. Should
 * we die in between, the probe switches itself off PROBE_SILENCE_S after our last beat.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "agent/probe/island.h"
#include "agent/probe/patch.h"
#include "agent/probe/place.h"
#include "agent/probe/records.h"
#include "agent/probe/remote.h"
#include "agent/probe/slots.h"
#include "base/message.h"

#define PROBE_SILENCE_S 10

struct probe {
	pid_t pid;
	int memory;    /* /proc/PID/mem; -1 */
	uint64_t base; /* of the region; 0: none */
	struct remote remote;
	struct space space;
	const struct probe_plan *plan;	   /* while it is put in */
	uint64_t near_low, near_high;	   /* the code that the region is near to */
	struct patch patches[PROBE_HOOKS]; /* entries that are taken over, */
	uint64_t entries[PROBE_HOOKS];	   /* and where each leads: to its hook */
	uint32_t n;
	/* All functions that have a hook. */
	struct probe_taken {
		uint64_t address;
		uint32_t hook;
		uint32_t place;	  /* in the plan */
		uint32_t refusal; /* of its entry: it is called by slots; enum patch_refusal */
	} taken[PROBE_HOOKS];
	uint32_t n_taken;
	uint8_t thunks[PROBE_HOOKS][PROBE_THUNK_SIZE];
	struct probe_trait traits[PROBE_HOOKS];
	struct island islands[PROBE_ISLANDS]; /* memory near code that is far from the region */
	uint32_t n_islands;
	struct slots slots;
	int is_armed, is_gone; /* gone: the process runs another program, without it */
	struct records records;
	uint32_t first_id;    /* samples have ids above */
	uint64_t ticks_per_s; /* of the time stamp counter */
	uint32_t stops;
	uint32_t n_inert; /* old ones that had to stay in it */
};

/* A function: where it is in the process. */
struct probe_place {
	uint32_t function; /* its number: base/allocator_names.h */
	uint32_t size;
	uint64_t address;
	uint64_t low, high; /* the code of its module */
	uint32_t prefix;    /* enum allocator_prefix */
	uint32_t set;	    /* its allocator: what one of them throws for another does without */
	uint32_t is_leaf;   /* it calls no function of another allocator */
};

/* All that are to be taken over, the most used allocator's first; and the slots through which
 * modules call functions of such names. */
struct probe_plan {
	const struct probe_place *v;
	uint32_t n, n_slots;
	const struct probe_slot_place *slots;
	uint64_t mean; /* bytes between two samples */
};

/* 0, or -1 and why, with nothing changed. */
int probe_arm(struct probe *p, pid_t pid, const struct probe_plan *plan, struct probe_refused *why);

/* Whether it has switched itself off. */
int probe_is_off(const struct probe *p);

/* It lives on: to be called at least each second. */
void probe_beat(struct probe *p);

/* A thread whose stack's bounds the probe wants to know. */
void probe_tell_stack(struct probe *p, const struct probe_record *of);

/* What it recorded can be read until probe_forget. 0 taken out, or the process has ended; 1: its
 * code is as before, but some thread may have to come back to the probe, whose memory therefore
 * stays; -1: it could not be stopped. */
int probe_disarm(struct probe *p);

/* Takes out what runs that were killed have left in it, by what they have written down in the
 * process, which is its own word about its own code. 0, or -1 and why. */
int probe_clean(struct probe *p, pid_t pid, struct probe_found *found, struct probe_refused *why);

/* The part of it that probe_arm needs: what is in the space, as read. 0 nothing is left that is in
 * use; -1. Reads the space anew. */
int probe_take_out_old(struct probe *p, struct probe_found *found);

/* All that is left of it on our side. */
void probe_forget(struct probe *p);

#endif
