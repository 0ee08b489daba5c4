/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/instruction.h"
#include "unwind/way_out.h"

#define PATHS	     256u  /* that are waiting */
#define INSTRUCTIONS 5000u /* in all */
#define TARGETS	     512u  /* of jumps */

#define OFFSET_MAX (1 << 30)

#define RSP 4
#define RBP 5

/* The numbers in instructions to those of DWARF. */
static const uint8_t dwarf_number[16] = {DWREG_RAX, DWREG_RCX, DWREG_RDX, DWREG_RBX, DWREG_RSP,
	DWREG_RBP, DWREG_RSI, DWREG_RDI, DWREG_R8, DWREG_R9, DWREG_R10, DWREG_R11, DWREG_R12,
	DWREG_R13, DWREG_R14, DWREG_R15};

/* A value that is a register's at the beginning plus an offset. */
struct place {
	int8_t base; /* RSP or RBP; 0: not known */
	int64_t offset;
};

struct path {
	uint64_t at;
	struct place sp, bp;
	struct place saved[16]; /* where each was loaded from last; base 0: nowhere */
};

struct search {
	const struct module *m;
	struct path waiting[PATHS]; /* first in, first out */
	uint32_t first, n;
	uint64_t targets[TARGETS];
	uint32_t n_targets, n_instructions;
};

enum next { NEXT_GO_ON, NEXT_CALL, NEXT_RETURN, NEXT_DEAD };

static void wait_with(struct search *s, const struct path *p, uint64_t at)
{
	if (s->n == PATHS)
		return;
	struct path *new = &s->waiting[(s->first + s->n++) % PATHS];
	*new = *p;
	new->at = at;
}

/* Each target of a jump once. */
static int is_new_target(struct search *s, uint64_t at)
{
	for (uint32_t i = 0; i < s->n_targets; i++)
		if (s->targets[i] == at)
			return 0;
	if (s->n_targets == TARGETS)
		return 0;
	s->targets[s->n_targets++] = at;
	return 1;
}

static void loaded(struct path *p, int reg, struct place from, int32_t offset)
{
	p->saved[reg] = (struct place){from.base, from.offset + offset};
	if (reg == RBP)
		p->bp.base = 0;
}

/* Displacement of disp(%rsp) and disp(%rbp), the forms that matter; *base is the register. */
static int stack_operand(const struct instruction *i, int *base, int32_t *offset)
{
	int mod = i->modrm[0] >> 6, rm = i->modrm[0] & 7;
	const uint8_t *at = i->modrm + 1;

	if (mod == 3 || (i->rex & 1) || (rm != RSP && rm != RBP) || (rm == RBP && !mod))
		return -1;
	if (rm == RSP && *at++ != 0x24)
		return -1;
	*base = rm;
	*offset = 0;
	if (mod == 1)
		*offset = (int8_t)*at;
	else if (mod == 2)
		memcpy(offset, at, sizeof(*offset));
	return 0;
}

/* mov and lea with 64 bits. */
static enum next move(struct path *p, const struct instruction *i)
{
	int reg = (i->modrm[0] >> 3 & 7) | (i->rex & 4) << 1, base;
	int32_t offset;

	if (i->opcode == 0x89) {
		if (i->modrm[0] == 0xe5 && !(i->rex & 5))
			p->bp = p->sp;
		else if (i->modrm[0] == 0xec && !(i->rex & 5))
			p->sp = p->bp;
		else if (i->modrm[0] >> 6 == 3 && (i->modrm[0] & 7) == RSP && !(i->rex & 1))
			return NEXT_DEAD;
		return NEXT_GO_ON;
	}
	if (i->opcode == 0x8b && i->modrm[0] == 0xe5 && !(i->rex & 5)) {
		p->sp = p->bp;
		return NEXT_GO_ON;
	}
	int is_stack = stack_operand(i, &base, &offset) == 0;
	struct place from = is_stack && base == RSP ? p->sp : is_stack ? p->bp : (struct place){0};
	if (i->opcode == 0x8b && reg != RSP) {
		if (from.base)
			loaded(p, reg, from, offset);
		return NEXT_GO_ON;
	}
	if (reg == RSP && i->opcode == 0x8d)
		p->sp = (struct place){from.base, from.offset + offset};
	return reg == RSP && (i->opcode == 0x8b || !from.base) ? NEXT_DEAD : NEXT_GO_ON;
}

/* push, pop and what else moves sp in one-byte opcodes without ModRM. */
static enum next stack_operation(struct path *p, const struct instruction *i)
{
	int reg = (i->opcode & 7) | (i->rex & 1) << 3;

	if ((i->opcode & 0xf8) == 0x50 || i->opcode == 0x68 || i->opcode == 0x6a ||
		i->opcode == 0x9c) {
		p->sp.offset -= 8;
	} else if ((i->opcode & 0xf8) == 0x58) {
		if (reg == RSP)
			return NEXT_DEAD;
		loaded(p, reg, p->sp, 0);
		p->sp.offset += 8;
	} else if (i->opcode == 0x9d) {
		p->sp.offset += 8;
	} else if (i->opcode == 0xc9) {
		p->sp = p->bp;
		loaded(p, RBP, p->sp, 0);
		p->sp.offset += 8;
	}
	return p->sp.base ? NEXT_GO_ON : NEXT_DEAD;
}

/* add, sub and the like on sp: 81 and 83. */
static enum next arithmetic(struct path *p, const struct instruction *i)
{
	if ((i->modrm[0] & 0xc7) != 0xc4 || (i->rex & 1))
		return NEXT_GO_ON;
	switch (i->modrm[0] >> 3 & 7) {
	case 0:
		p->sp.offset += i->immediate;
		return NEXT_GO_ON;
	case 5:
		p->sp.offset -= i->immediate;
		return NEXT_GO_ON;
	case 7:
		return NEXT_GO_ON;
	default:
		return NEXT_DEAD;
	}
}

static enum next group_5(struct path *p, const struct instruction *i)
{
	switch (i->modrm[0] >> 3 & 7) {
	case 2:
		return NEXT_CALL;
	case 6:
		p->sp.offset -= 8;
		return NEXT_GO_ON;
	case 0:
	case 1:
		return NEXT_GO_ON;
	default:
		return NEXT_DEAD;
	}
}

static enum next apply(struct search *s, struct path *p, const struct instruction *i)
{
	uint64_t target = p->at + i->immediate; /* at is behind it already */

	if (i->is_vector)
		return NEXT_GO_ON;
	if (i->is_wide ? (i->opcode & 0xf0) == 0x80
		       : (i->opcode & 0xf0) == 0x70 || (i->opcode & 0xfc) == 0xe0) {
		if (is_new_target(s, target))
			wait_with(s, p, target);
		return NEXT_GO_ON;
	}
	if (i->is_wide)
		return i->opcode == 0x0b ? NEXT_DEAD : NEXT_GO_ON;
	switch (i->opcode) {
	case 0xc2:
	case 0xc3:
		return NEXT_RETURN;
	case 0xe8:
		return NEXT_CALL;
	case 0xe9:
	case 0xeb:
		p->at = target;
		return is_new_target(s, target) ? NEXT_GO_ON : NEXT_DEAD;
	case 0xc8:
	case 0xcc:
	case 0xf4:
		return NEXT_DEAD;
	case 0x81:
	case 0x83:
		return arithmetic(p, i);
	case 0x89:
	case 0x8b:
	case 0x8d:
		return i->rex & 8 ? move(p, i) : NEXT_GO_ON;
	case 0xff:
		return group_5(p, i);
	default:
		return stack_operation(p, i);
	}
}

static int is_nop(const struct instruction *i)
{
	return !i->is_vector && (i->is_wide ? i->opcode == 0x1f : i->opcode == 0x90);
}

/* To the path's return: 0. -1: it ends otherwise, or waits behind a call until those that do
 * without have been tried. */
static int follow(struct search *s, struct path *p, int is_behind_call)
{
	struct instruction i;

	for (; s->n_instructions < INSTRUCTIONS; s->n_instructions++, is_behind_call = 0) {
		size_t n = 15;
		const uint8_t *code;
		while (n && !(code = module_bytes(s->m, p->at, n)))
			n--;
		/* What fills up the space to the next function: the call does not return. */
		if (!n || instruction_decode(code, n, &i) < 0 || (is_behind_call && is_nop(&i)))
			return -1;
		p->at += i.length;
		switch (apply(s, p, &i)) {
		case NEXT_RETURN:
			return 0;
		case NEXT_CALL:
			wait_with(s, p, p->at);
			return -1;
		case NEXT_DEAD:
			return -1;
		case NEXT_GO_ON:
			break;
		}
	}
	return -1;
}

static int fits(int64_t offset)
{
	return offset > -OFFSET_MAX && offset < OFFSET_MAX;
}

/* 0, or -1: no frame is so large. */
static int describe(const struct path *p, struct way_out *out)
{
	if (!fits(p->sp.offset))
		return -1;
	*out = (struct way_out){.base = dwarf_number[p->sp.base], .cfa = p->sp.offset + 8};
	for (int i = 0; i < 16; i++) {
		const struct place *from = &p->saved[i];
		int32_t *saved = &out->saved[dwarf_number[i]];
		int64_t offset = from->offset - out->cfa;
		/* Below sp: it has yet to be pushed. */
		if (!from->base || (from->base == RSP && from->offset < 0))
			*saved = WAY_OUT_SAME;
		else if (from->base == p->sp.base && fits(offset))
			*saved = offset;
		else
			*saved = WAY_OUT_UNKNOWN;
	}
	return 0;
}

/* syscall; test %rax,%rax; jl (to set errno); je (the child); ret */
int way_out_is_of_creator(const struct module *m, uint64_t offset)
{
	enum { before = 2, size = 10 };
	const unsigned char *p = offset < before ? NULL : module_bytes(m, offset - before, size);

	return p && !memcmp(p, "\x0f\x05\x48\x85\xc0\x7c", 6) && p[7] == 0x74 && p[9] == 0xc3;
}

int way_out_find(const struct module *m, uint64_t offset, struct way_out *out)
{
	struct search s = {.m = m};
	struct path first = {.sp = {RSP, 0}, .bp = {RBP, 0}};

	wait_with(&s, &first, offset);
	for (uint32_t i = 0; s.n; i++) {
		struct path p = s.waiting[s.first];
		s.first = (s.first + 1) % PATHS;
		s.n--;
		if (follow(&s, &p, i > 0) == 0 && describe(&p, out) == 0)
			return 0;
	}
	return -1;
}
