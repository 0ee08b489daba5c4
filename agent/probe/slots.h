/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions whose entries cannot be taken over: the slots through which modules call them (of their
 * tables of global offsets) lead to the probe while it is in. Misses calls through addresses that
 * were taken before, from modules that come later, and within the allocator's own module.
 *
 * What a program reads out of a slot meanwhile it may call whenever it likes. Slots therefore hold
 * the address of a stub, in a page that stays for good: it leads to the hook, and from the end on
 * to the function itself. The next probe uses the same page.
 */
#ifndef PROBE_SLOTS_H
#define PROBE_SLOTS_H

#include <stdint.h>

#define SLOTS_PAGE  4096u
#define SLOTS_MAGIC 0x73626d7453502b63ull
#define SLOTS_STUBS 64u
#define SLOTS_MAX   4096u

/* Where a module keeps the address of a function. */
struct probe_slot_place {
	uint64_t address;
	uint64_t before; /* what it holds until it is bound; 0: nothing */
	uint32_t function;
	uint32_t prefix;
};

struct slots {
	uint64_t page;	/* of the stubs; 0: there is none */
	uint64_t begun; /* one that a run was killed at before it was a page of stubs; 0: none */
	int is_old;	/* it was there before */
	uint32_t n;	/* stubs: */
	struct stub {
		uint8_t jump[8]; /* jmp *2(%rip) */
		uint64_t target, original;
		uint64_t unused;
	} stubs[SLOTS_STUBS];
	uint64_t hooks[SLOTS_STUBS]; /* where each leads while the probe is in; 0: it does not */
	struct slot {
		uint64_t address, before;
		uint32_t stub;
	} v[SLOTS_MAX];
	uint32_t n_slots;
};

struct probe;
struct probe_refused;
struct probe_shared;

/* Finds the page of an earlier probe. After space_read. */
void slots_begin(struct probe *p);

/* That function is called by way of its hook. 0, or -1: no room. */
int slots_add(struct probe *p, uint64_t function, uint64_t hook);

/* While all are stopped: finds those of the plan's slots that lead to such functions, by their
 * address, or by their name where they are not bound yet. 0, or -1 and why: nothing leads to what
 * frees. */
int slots_choose(struct probe *p, struct probe_refused *why);

/* While all are stopped: 0 or -errno, and nothing is changed but for the page. */
int slots_write(struct probe *p);

/* Of a run that was killed, by what it wrote down: finds a page that was begun. */
void slots_learn(struct probe *p, const struct probe_shared *shared);

/* Unmaps that; while some thread is stopped. 0 or -errno. */
int slots_unmap_begun(struct probe *p);

/* As they were before, where they still hold what was written; stubs lead to the functions. */
void slots_restore(struct probe *p);

#endif
