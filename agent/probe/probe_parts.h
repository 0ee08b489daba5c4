/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What probe.c (in), probe_region.c and probe_out.c (out again) share.
 */
#ifndef PROBE_PROBE_PARTS_H
#define PROBE_PROBE_PARTS_H

#include "agent/probe/probe.h"

#define PAUSE_NS	  2000000ull
#define PROBE_CLEAR_TRIES 80u
#define SHARED_SIZE	  (PROBE_SIZE - PROBE_SHARED)

/* -1, with the cause in why. */
int probe_refuse(struct probe_refused *why, enum probe_cause cause, int detail);

/* That the space cannot be read: error. */
int probe_refuse_space(struct probe_refused *why, int error);

void probe_rest(struct probe *p, uint64_t ns);

/* All n bytes of the process's memory, whatever their protection; 0 or -errno. What was opened is
 * the memory of its program: after an exec there is none any more. */
int probe_write(const struct probe *p, uint64_t at, const void *bytes, size_t n);
int probe_read(const struct probe *p, uint64_t at, void *bytes, size_t n);

/* Stops all, or one, after reading the space. The patience with a thread that waits for a CPU, or
 * for the child of its vfork, while the others are held, is short at first. tries: so far. As
 * remote_stop.
 */
int probe_stop(struct probe *p, int is_one, uint32_t tries);

/* While all are stopped: as remote_call. */
long probe_call(
	struct probe *p, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

/* One that is given a name. */
long probe_call_named(struct probe *p, long number, const char *name, uint64_t b);

/* How much of its stack each thread has left: for probe_call, after space_read. Whether some thread
 * has enough for its way back. */
int probe_find_room(struct probe *p);

/* The region is all there, or nothing of it: 0, or -1 and why. */
int probe_map(struct probe *p, struct probe_refused *why);
void probe_unmap_here(struct probe *p);

/* Code of its own, n bytes at that free address: all there, or nothing of it. 0 or -errno. */
int probe_map_code(struct probe *p, uint64_t address, const void *bytes, size_t n);

/* Whether some word of the thread's used stack is an address for which test is true. */
int probe_scan_stack(struct probe *p, const struct remote_thread *t,
	int (*test)(const struct probe *p, uint64_t address));

/* What those that were killed have left behind: memory files still open are closed. How many; -1:
 * that could not be done. */
int probe_close_left(struct probe *p);

/* A child that was born while the file was open has it, too: closes it there. before: how many
 * processes the machine had given birth to until then. */
uint64_t probe_births(void);
void probe_clean_children(const struct probe *p, uint64_t before);

/* While all are stopped: the space as it was read before the stop, or anew where some thread's
 * stack is not in it. 0 or -errno. */
int probe_know_space(struct probe *p);

/* As probe_disarm, of p->base and p->patches. most: times that all are stopped only to see whether
 * nobody will come back to it. */
int probe_take_out(struct probe *p, uint32_t most);

/* Whether its code is there. */
int probe_holds(const struct probe *p, uint64_t address);

/* Whether a jump into the probe is at that address; -errno: it cannot be read. */
int probe_has_jump(const struct probe *p, uint64_t address);

/* Of an earlier run's probe, p->base: all jumps into it, with what stood there, into p->patches. 0;
 * -1: for some of them that is not known. */
int probe_find_jumps(struct probe *p, const struct probe_shared *shared);

/* Whether the stopped process still runs the program that the probe was put into, with it. */
int probe_is_there(struct probe *p);

/* Who is in code that was moved goes on where it was. 0 or -errno. */
int probe_move_back(struct probe *p);

int probe_set_state(const struct probe *p, uint32_t is_on, uint64_t mean);

void probe_close_memory(struct probe *p);

#endif
