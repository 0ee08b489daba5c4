/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the heap and allocs profiles have of their own: Go's four values, in its order.
 */
#ifndef OUTPUT_HEAP_H
#define OUTPUT_HEAP_H

#include "output/builder.h"

/* Of the site at position - 1, in whole numbers. 0: it has none of what is shown. */
int heap_values(const struct profile_heap *heap, uint64_t position, struct profile_sample *s);

/* Types, period, and which of them is shown. */
void heap_types(struct builder *b);

#endif
