/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One x86-64 instruction: how long it is and where its parts lie. All that compilers emit, up to
 * AVX-512; the rest has no length.
 */
#ifndef BASE_INSTRUCTION_H
#define BASE_INSTRUCTION_H

#include <stddef.h>
#include <stdint.h>

struct instruction {
	uint32_t length;
	uint8_t rex;	   /* 0: none */
	uint8_t is_wide;   /* of the two-byte opcodes, which begin with 0f */
	uint8_t is_vector; /* VEX or EVEX: opcode says nothing by itself */
	uint8_t is_return;
	uint8_t opcode;
	const uint8_t *modrm; /* behind the opcode, whether it has one or not */
	int64_t immediate;    /* sign-extended; 0 without one */
};

/* Bytes and their number: endbr64; and what C libraries have for their handlers' return, mov
 * $15,%rax; syscall. */
#define INSTRUCTION_ENDBR64   "\xf3\x0f\x1e\xfa", 4
#define INSTRUCTION_SIGRETURN "\x48\xc7\xc0\x0f\0\0\0\x0f\x05", 9

/* How long what may stand before a jump by a table is: endbr64, and then a prefix, bnd or notrack.
 * Five bytes may be read at p. */
size_t instruction_marks(const uint8_t *p);

/* The instruction at p, of which n bytes may be read. 0, or -1 if it is none or longer. */
int instruction_decode(const uint8_t *p, size_t n, struct instruction *out);

#endif
