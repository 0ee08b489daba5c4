/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What probe.c (in), probe_region.c and probe_out.c (out again) share.
 */
#ifndef PROBE_PROBE_PARTS_H
#define PROBE_PROBE_PARTS_H

#include "agent/probe/probe.h"

#define PAUSE_NS    2000000ull
#define SHARED_SIZE (PROBE_SIZE - PROBE_SHARED)

/* -1, with the cause in why. */
int probe_refuse(struct probe_refused *why, enum probe_cause cause, int detail);

void probe_rest(struct probe *p, uint64_t ns);

/* All n bytes of the process's memory, whatever their protection; 0 or -errno. What was opened is
 * the memory of its program: after an exec there is none any more. */
int probe_write(const struct probe *p, uint64_t at, const void *bytes, size_t n);
int probe_read(const struct probe *p, uint64_t at, void *bytes, size_t n);

/* While all are stopped: as remote_call. */
long probe_call(
	struct probe *p, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/* How much of its stack each thread has left: for probe_call, after space_read. */
void probe_find_room(struct probe *p);

/* The region is all there, or nothing of it: 0, or -1 and why. */
int probe_map(struct probe *p, struct probe_refused *why);
void probe_unmap_here(struct probe *p);

/* Whether some word of the thread's used stack is an address for which test is true. */
int probe_scan_stack(struct probe *p, const struct remote_thread *t,
	int (*test)(const struct probe *p, uint64_t address));

/* The probe of a run that was killed, and that has switched itself off by now: takes it out, by
 * what it has written down itself, which is the process's own word about its own code. 0 there is
 * none any more; -1 there is one that stays. Reads the space anew. */
int probe_take_out_old(struct probe *p);

int probe_set_state(const struct probe *p, uint32_t is_on, uint64_t mean);

void probe_close_memory(struct probe *p);

#endif
