/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of a stopped thread as DWARF numbers them.
 */
#ifndef TRACER_REGS_H
#define TRACER_REGS_H

#include <sys/user.h>

#include "output/types.h"

void regs_from_user(struct regs *out, const struct user_regs_struct *u);

/* At a stop orig_rax is -1 outside a system call. */
int regs_in_syscall(const struct user_regs_struct *u);

#endif
