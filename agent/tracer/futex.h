/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A futex that a thread waits on, and the words around it: which lock of which C library it is part
 * of. The memory is the target's, so each shape is checked in all its words before it is believed.
 */
#ifndef TRACER_FUTEX_H
#define TRACER_FUTEX_H

#include "agent/tracer/process.h"

#define FUTEX_BEFORE 96
#define FUTEX_AFTER  64

struct futex {
	struct process *process;
	uint64_t address;
	uint32_t expected; /* the value that it had when the thread went to sleep */
	int is_pi;	   /* the kernel hands it over: its word is the holder's id */
	int is_private;
	int first, end; /* what could be read: around[] from address + first to address + end */
	unsigned char around[FUTEX_BEFORE + FUTEX_AFTER];
};

/* Reads the words around it. 0 or -errno; in part is enough. */
int futex_read(struct futex *f);

/* The word, or two of them, at that distance; at the word: -1 where it could not be read. */
int64_t futex_word(const struct futex *f, int at);
uint64_t futex_words(const struct futex *f, int at);

/* Memory elsewhere in the process; 0 where it could not be read. */
uint64_t futex_elsewhere(const struct futex *f, uint64_t address, size_t size);

/* Our id of the thread that has this one in the process's namespace, of any process where the futex
 * is not private; 0: there is none; -EAGAIN: cannot be told. */
pid_t futex_thread(const struct futex *f, int64_t id);

/* Fills out as a lock of that kind that records its holder. */
void futex_found(
	const struct futex *f, enum wait_kind kind, int base, int64_t holder, struct wait *out);

/* Other locks may look like one whose holder has ended (InnoDB's do): then the functions on the
 * stack have to tell. */
void futex_doubt_ended(struct wait *out);

/* Each fills out and returns 1 if it is a lock of that library. */
int futex_is_glibc(const struct futex *f, struct wait *out);
int futex_is_musl(const struct futex *f, struct wait *out);

#endif
