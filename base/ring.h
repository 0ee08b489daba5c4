/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded ring of captures between tracer (producer) and worker (consumer), in shared memory.
 *
 * One producer, one consumer, records in order. The producer reserves before it stops a thread, so
 * a full ring costs a counted drop and no pause. Neither side trusts the other: positions read from
 * the shared page are range-checked, and the consumer copies a record out before it looks at it and
 * moves on before it works on it, so a capture that kills a worker is not met again by the next
 * one.
 *
 * The first page also carries what must not cost a system call: heartbeats, the module a worker is
 * busy with, the thread a tracer reads from, and how much stack each thread needs.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>
#include <stdint.h>
#include <stddef.h>

#include "base/limits.h"

#define RING_WANTS 4096u

#define RING_READERS 2u

#define RING_PERF_MAP 0x80000000u /* it is the perf map of a process, and no stack */

struct ring_page {
	_Atomic uint64_t head;	      /* bytes ever committed */
	_Atomic uint64_t pushed;      /* captures ever committed */
	_Atomic uint64_t dropped;     /* captures refused because the ring was full */
	_Atomic uint64_t span;	      /* bytes of the room that are in use; a power of two */
	_Atomic uint64_t tracer_beat; /* moves while the tracer is alive and in its loop */
	/* Id of the thread whose stack it reads just now, or 0: by its main thread, its watcher. */
	_Atomic uint32_t tracer_reads[RING_READERS];
	_Atomic uint32_t n_trapped; /* threads in trapped; or processes, with RING_PERF_MAP */
	_Atomic uint32_t trapped[LIMIT_RESTARTS]; /* reading their stacks was a tracer's end */
	_Alignas(64) _Atomic uint64_t tail;	  /* bytes ever consumed */
	_Atomic uint64_t popped;		  /* captures ever consumed */
	_Atomic uint64_t worker_beat;	/* moves with each piece of work the worker finishes */
	_Atomic uint32_t worker_module; /* id of the module it is reading just now, or 0 */
	_Atomic uint32_t maps_wanted;	/* generation in whose place newer maps are asked for */
	_Atomic uint32_t stack_want[RING_WANTS]; /* bytes of stack, by thread serial % RING_WANTS */
	/* By process number % RING_WANTS: of one made by Go, where a thread's data names its
	 * goroutine (see go_stacks_curg); else 0. */
	_Atomic uint32_t curg[RING_WANTS];
};

struct ring {
	struct ring_page *page;
	unsigned char *data; /* LIMIT_RING_BYTES */
	int memfd;
	int wake; /* eventfd: the producer asks the consumer to look */
	/* The producer's own: what it publishes in the page the other side could overwrite. */
	uint64_t head, span;
	uint32_t reader; /* whose mark is set around reads, in tracer_reads */
	int is_short;	 /* half full once: to be grown when it is empty */
};

/* A new ring; 0 or -errno. */
int ring_open(struct ring *ring);
void ring_close(struct ring *ring);

/* Makes this process the producer, after another one or as the first; touches all pages so that no
 * page fault falls into a stop. */
void ring_produce(struct ring *ring);

/* Producer: around each read of a thread's stack, which may never return (userfaultfd). The thread
 * on which the producer before us ended is known since ring_produce: 1 if tid is such a one. */
int ring_begin_read(struct ring *ring, uint32_t tid);
void ring_end_read(struct ring *ring);

/* Producer: room for one record of at most size bytes, contiguous and 64-byte aligned; NULL if the
 * ring is full (not yet counted). Stays reserved until the next reserve or commit. */
void *ring_reserve(struct ring *ring, size_t size);

/* Producer: publish the record just reserved with its true size; wakes the consumer when a quarter
 * of the ring is filled. */
void ring_commit(struct ring *ring, size_t size);
void ring_wake(struct ring *ring);

/* Consumer: copies the next record to buffer and consumes it. Its size, 0 if there is none, -EPROTO
 * if the ring is damaged. A record larger than room is consumed and reported as -E2BIG. */
long ring_pop(struct ring *ring, void *buffer, size_t room);

#endif
