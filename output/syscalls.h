/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the system calls of x86-64 are called.
 */
#ifndef OUTPUT_SYSCALLS_H
#define OUTPUT_SYSCALLS_H

#include <stdint.h>

/* NULL for a number that has no name here. */
const char *syscalls_name(int64_t number);

#endif
