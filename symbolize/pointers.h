/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pointers in a module's data as the dynamic linker leaves them, for an image at address 0. In a
 * position-independent one the file may have them in a relocation only.
 */
#ifndef SYMBOLIZE_POINTERS_H
#define SYMBOLIZE_POINTERS_H

#include <stdint.h>

struct module;

/* The word at that vaddr; 0: there is none. */
uint64_t pointers_at(const struct module *m, uint64_t vaddr);

/* Asks of the vaddrs in writable data where that value is, until one is it: 1, else 0. */
int pointers_find(
	const struct module *m, uint64_t value, int (*is_it)(void *arg, uint64_t vaddr), void *arg);

#endif
