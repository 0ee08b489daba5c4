/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of the allocation probe in the target: one region, in this order. Shared by the code
 * that runs there (blob.c, blob_entry.S) and by the tracer.
 *
 *   text, thunks   read and execute, private
 *   state .. slots private, wiped on fork: in a child every hook goes straight to the original
 *   shared         a memory file that the tracer maps, too: figures, live pointers, records
 *
 * It comes into being as one mapping of that file, of which the private part is then replaced: at
 * each moment it is all there, and can be found by the file's name.
 *
 * The tracer trusts nothing in it: a target may write what it likes to all of it.
 */
#ifndef PROBE_LAYOUT_H
#define PROBE_LAYOUT_H

#define PROBE_TEXT   0x0
#define PROBE_TRAITS 0x3a00 /* of each hook */
#define PROBE_THUNKS 0x4000
#define PROBE_STATE  0x7000
#define PROBE_FILTER 0x8000
#define PROBE_SLOTS  0x18000
#define PROBE_SHARED 0x58000
#define PROBE_SIZE   0x959000

#define PROBE_THUNK_SIZE 64
#define PROBE_RECORD	 16384	/* bytes of one */
#define PROBE_RECORDS	 512	/* a power of two */
#define PROBE_TABLE	 0x1000 /* from the begin of what is shared */
#define PROBE_RING	 0x101000
#define PROBE_BUCKETS	 8192
#define PROBE_WAYS	 8
#define PROBE_MAGIC	 0x65626f72502b7063 /* "cp+Probe" */

/* Each function that is taken over has a hook of its own, and a thunk of the same number that leads
 * to the original. Hooks of three forms: */
#define PROBE_QUICK  24	 /* allocate what their first argument says, and call no other */
#define PROBE_FREES  40	 /* free their first argument */
#define PROBE_FRAMED 128 /* all else: the original is called from there */
#define PROBE_HOOKS  (PROBE_QUICK + PROBE_FREES + PROBE_FRAMED)

/* Where code is too far away, what is near it is an island: see agent/probe/island.h. */
#define PROBE_ISLAND	   0x2000 /* bytes of one */
#define PROBE_ISLANDS	   4
#define PROBE_ISLAND_MAGIC 0x646e616c73492b63 /* "c+Island" */

/* What struct probe_trait knows of a hook's function, and the offsets of struct call. */
#define CALL_HOOK    36
#define CALL_SAMPLED 40
#define CALL_FLAGS   44
#define CALL_BY	     48
#define CALL_FRAME   72
#define CALL_SWAPS   1
#define CALL_THROWS  2

#define PROBE_SLOT_SIZE 64
#define PROBE_N_SLOTS	4096

#ifndef __ASSEMBLER__

#include <stdint.h>

/* The text begins with it. */
struct probe_head {
	uint64_t magic;
	uint32_t size; /* of the text */
	uint32_t unused;
	uint32_t hooks[PROBE_HOOKS]; /* offsets */
};

/* What a hook has to know of its function; the tracer's word. */
struct probe_trait {
	uint8_t size, old, result, flags; /* as in base/allocator_names.h */
	uint8_t is_leaf;		  /* it calls no other that is taken over */
	uint8_t throws;
	uint16_t by; /* hook whose original is called in its place when sampled; else its own */
};

struct probe_state {
	uint32_t is_on;
	uint32_t unused;
	uint64_t mean;	/* bytes between two samples */
	int64_t inside; /* threads that are in a hook which they have to come back to */
	/* The main thread's stack: known before it has a thread pointer. */
	uint64_t low, high;
};

/* Of one thread, by its thread pointer. */
struct probe_slot {
	uint64_t thread; /* pointer; 0: free */
	uint64_t left;	 /* bytes until the next sample */
	uint64_t random;
	uint64_t mean;	    /* that left was drawn with */
	uint64_t low, high; /* its stack: from the tracer; 0: not known */
	uint64_t unused[2];
};

/* Read by the tracer, and by whoever cleans up after one that was killed. */
struct probe_shared {
	uint64_t magic;
	uint64_t deadline; /* of the time stamp counter: without word from the tracer it ends */
	uint64_t head;	   /* records ever begun */
	uint32_t next_id;  /* of samples */
	uint32_t n_patches;
	uint64_t dropped, dropped_bytes; /* samples that there was no room for: in the ring, */
	uint64_t table_full;		 /* or in the table */
	uint64_t no_slot;		 /* allocations of threads that there was no room for */
	uint64_t dropped_means;		 /* sum over those dropped, of what they were drawn with */
	uint64_t islands[PROBE_ISLANDS]; /* addresses; 0: none */
	struct probe_saved {
		uint64_t address;
		uint8_t n;
		uint8_t bytes[7]; /* as they were */
	} saved[PROBE_HOOKS];
	/* The tracer's: while it lives the probe is in use. Its PID namespace, its number there,
	 * and when it began. */
	uint64_t owner_space, owner, owner_began;
	uint64_t stubs; /* where the page that slots.h tells of is to lie; 0: none */
};

/* A live allocation that was sampled. */
struct probe_entry {
	uint64_t pointer; /* 0: free; 1: being written */
	uint32_t id;
	uint32_t unused;
};

enum probe_kind { PROBE_KIND_SAMPLE = 1, PROBE_KIND_THREAD };

enum probe_register {
	PROBE_RBX,
	PROBE_RBP,
	PROBE_R12,
	PROBE_R13,
	PROBE_R14,
	PROBE_R15,
	PROBE_REGISTERS
};

struct probe_record {
	uint64_t sequence; /* its number + 1 once it is whole */
	uint32_t kind;
	uint32_t hook;
	uint32_t id;
	uint32_t slot; /* of its thread */
	uint64_t thread;
	uint64_t size, mean;
	uint64_t pc, sp; /* of the caller, behind its call */
	uint64_t registers[PROBE_REGISTERS];
	uint32_t stack_length; /* bytes from sp on */
	uint32_t is_cut;       /* the stack goes on */
	uint8_t stack[];
};

#define PROBE_STACK_MAX (PROBE_RECORD - sizeof(struct probe_record))

_Static_assert(sizeof(struct probe_slot) == PROBE_SLOT_SIZE, "as the entries know it");
_Static_assert(sizeof(struct probe_shared) <= PROBE_TABLE, "a page");
_Static_assert(PROBE_TRAITS + PROBE_HOOKS * sizeof(struct probe_trait) <= PROBE_THUNKS, "room");
_Static_assert(PROBE_THUNKS + PROBE_HOOKS * PROBE_THUNK_SIZE <= PROBE_STATE, "room");
_Static_assert(PROBE_SHARED + PROBE_RING + PROBE_RECORDS * PROBE_RECORD == PROBE_SIZE, "all");

#endif
#endif
