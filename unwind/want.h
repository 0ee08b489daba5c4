/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of a thread's stack its next capture should have.
 */
#ifndef UNWIND_WANT_H
#define UNWIND_WANT_H

#include "unwind/copy.h"

/* How much of a slice was used, or should have been there up to wanted. */
uint64_t want_need(const struct slice *s, uint64_t sp, uint64_t wanted);

/* How much of a thread's stack the next copy should have: 1.5 times the need, towards which a
 * larger want sinks slowly. */
uint32_t want_next(uint32_t want, uint64_t need);

#endif
