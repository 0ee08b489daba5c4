/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of an allocator that a module defines for others to call, by their names.
 */
#ifndef SYMBOLIZE_ALLOCATOR_H
#define SYMBOLIZE_ALLOCATOR_H

#include "base/message_tracer.h"
#include "symbolize/module.h"

/* Whether it has malloc and free; *is_checked: it belongs to a sanitizer. */
int allocator_find(struct module *m, struct allocator *out, uint32_t *is_checked);

#endif
