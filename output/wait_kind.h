/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a thread waits for, by the names of the functions on its stack: a futex alone does not tell
 * a condition variable from a semaphore, nor Go's idle threads from those that wait for a lock.
 */
#ifndef OUTPUT_WAIT_KIND_H
#define OUTPUT_WAIT_KIND_H

#include "output/types.h"

/* names: of the innermost n functions, leaf first, as demangled; NULL or "" where not known. What
 * the tracer has found (found->kind) stays where the names tell nothing better. WAIT_IDLE: nobody
 * holds it up. */
enum wait_kind wait_kind_of(const struct wait *found, const char *const *names, uint32_t n);

/* Where a lock of that kind begins, of which the tracer told that address: it knows the shapes of
 * most, and of a barrier only the futex. */
uint64_t wait_kind_lock(enum wait_kind kind, uint64_t lock);

/* "mutex" and so on, the label's text; NULL for WAIT_NONE and WAIT_IDLE. */
const char *wait_kind_word(enum wait_kind kind);

#endif
