/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the allocators that people use begin: up to 24 bytes of each of their functions.
 * All can be taken over.
 */
static const struct prologue {
	const char *package, *name;
	const char *code; /* hexadecimal */
} prologues[] = {
#include "prologues_libc.h"

#include "prologues_allocators.h"
};
