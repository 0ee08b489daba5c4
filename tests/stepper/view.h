/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker would see of a stopped program: its mappings, its modules' files, a copy of its
 * stack; and what it makes of that.
 */
#ifndef STEPPER_VIEW_H
#define STEPPER_VIEW_H

#include <sys/types.h>
#include <sys/user.h>

#include "unwind/unwind.h"

#define VIEW_CODE 16u /* bytes from pc on */

/* One instant of the program. */
struct view {
	struct user_regs_struct user;
	unsigned char code[VIEW_CODE];
	struct stack stack; /* of the last view_unwind */
};

void view_init(pid_t pid);

/* The mappings are read again before the next view_unwind. */
void view_maps_changed(void);

/* Registers, code, and a copy of the stack. 0 or -1. */
int view_take(struct view *v);

/* The word at an address of the copied stack; 0 outside it. */
uint64_t view_word(uint64_t address);

/* known: which of the registers the unwinder may use. */
void view_unwind(struct view *v, uint32_t known);

/* The address in the program that a frame stands for; 0: none. */
uint64_t view_address(const struct frame *f);

/* "MODULE FUNCTION+0xOFFSET" of an address. */
void view_name(uint64_t address, char *out, size_t size);

#endif
