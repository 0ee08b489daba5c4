/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code where the kernel starts a program, where no unwind information tells that it has no
 * caller: the dynamic loader's, which stays below all constructors, and that of other C libraries.
 */
#ifndef UNWIND_ENTRY_H
#define UNWIND_ENTRY_H

#include "symbolize/module.h"
#include "unwind/copy.h"

/* Whether vaddr lies in the first instructions from the image's entry point on. */
int entry_holds(const struct module *m, uint64_t vaddr);

/* Whether the stack of a frame in such code begins where, to some words, the kernel put the
 * program's arguments: nothing called it. */
int entry_is_outermost(struct copy *copy, uint64_t sp);

#endif
