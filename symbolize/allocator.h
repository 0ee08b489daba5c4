/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of allocators that a module defines for others to call, by their names, and the
 * slots that it calls such functions through.
 */
#ifndef SYMBOLIZE_ALLOCATOR_H
#define SYMBOLIZE_ALLOCATOR_H

#include "base/message_worker.h"
#include "symbolize/module.h"

struct allocator {
	struct worker_allocator head; /* its counts and flags */
	struct allocator_function functions[ALLOCATOR_FUNCTIONS_MAX];
	struct allocator_slot slots[ALLOCATOR_SLOTS_MAX];
};

void allocator_find(
	struct module *m, const struct worker_allocator_question *ask, struct allocator *out);

#endif
