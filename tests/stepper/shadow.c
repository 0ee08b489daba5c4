/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "tests/stepper/shadow.h"

/* Operand and address size, repeat, bnd, notrack, segments, REX. */
static int is_prefix(unsigned char byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e ||
	       byte == 0x3e || byte == 0x64 || byte == 0x65 || (byte & 0xf0) == 0x40;
}

enum instruction shadow_instruction(const unsigned char *code, size_t n)
{
	size_t i = 0;

	while (i + 2 < n && is_prefix(code[i]))
		i++;
	if (code[i] == 0xe8 || (code[i] == 0xff && (code[i + 1] >> 3 & 7) == 2))
		return INSTRUCTION_CALL;
	return code[i] == 0x0f && code[i + 1] == 0x05 ? INSTRUCTION_SYSCALL : INSTRUCTION_OTHER;
}

void shadow_push(struct shadow *s, uint64_t place, uint64_t address, int is_signal)
{
	if (s->n == SHADOW_MAX)
		abort();
	s->v[s->n++] = (struct shadow_entry){place, address, is_signal};
}

void shadow_sp(struct shadow *s, uint64_t sp)
{
	while (s->n && s->v[s->n - 1].place < sp)
		s->n--;
}

void shadow_sigreturn(struct shadow *s)
{
	while (s->n && !s->v[--s->n].is_signal)
		;
}

uint64_t shadow_address(const struct shadow *s, uint32_t i)
{
	const struct shadow_entry *e = &s->v[s->n - 1 - i];
	int is_trampoline = !e->is_signal && e > s->v && e[-1].is_signal;

	return e->is_signal || is_trampoline ? e->address : e->address - 1;
}
