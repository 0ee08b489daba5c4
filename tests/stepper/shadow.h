/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The true stack of a program that runs one instruction at a time: a call adds its return address
 * together with the place where it lies, a signal adds what it interrupted, and an entry is gone
 * when the stack pointer is above its place. Knows nothing of unwind information.
 */
#ifndef STEPPER_SHADOW_H
#define STEPPER_SHADOW_H

#include <stddef.h>
#include <stdint.h>

#define SHADOW_MAX 900u

struct shadow_entry {
	uint64_t place; /* address of the word that holds it; a signal: the interrupted sp - 1 */
	uint64_t address;
	int is_signal; /* what was interrupted, not a return address */
};

struct shadow {
	struct shadow_entry v[SHADOW_MAX];
	uint32_t n;
};

enum instruction { INSTRUCTION_OTHER, INSTRUCTION_CALL, INSTRUCTION_SYSCALL };

enum instruction shadow_instruction(const unsigned char *code, size_t n);

/* Aborts past SHADOW_MAX. */
void shadow_push(struct shadow *s, uint64_t place, uint64_t address, int is_signal);

/* The stack pointer is there now. */
void shadow_sp(struct shadow *s, uint64_t sp);

/* The last signal's handler is done: all up to what it interrupted is gone. */
void shadow_sigreturn(struct shadow *s);

/* The address that an unwinder has to find for entry i, 0 the youngest: inside the call, but what a
 * signal interrupted, and the trampoline that its handler returns to, as they are. */
uint64_t shadow_address(const struct shadow *s, uint32_t i);

#endif
