/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of an allocator, in the order of their numbers (agent/probe/layout.h).
 */
#ifndef BASE_ALLOCATOR_NAMES_H
#define BASE_ALLOCATOR_NAMES_H

/* ALLOCATOR_FUNCTIONS names, as symbol tables have them. */
extern const char *const allocator_names[];

#endif
