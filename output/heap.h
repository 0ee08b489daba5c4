/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the heap and allocs profiles have of their own: Go's four values, in its order.
 */
#ifndef OUTPUT_HEAP_H
#define OUTPUT_HEAP_H

#include "output/builder.h"

/* What was rounded away so far, of objects and bytes: half an object at each sample would add up.
 */
struct heap_rest {
	double objects, bytes;
};

/* Of the sample at position - 1; all 0 for none. Those of equal stacks are added up as they are. */
void heap_values(const struct profile_heap *heap, uint64_t position, struct heap_rest *rest,
	struct profile_sample *s);

/* Types, period, and which of them is shown. */
void heap_types(struct builder *b);

#endif
