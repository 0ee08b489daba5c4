/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>
#include <string.h>

#include "unwind/expression.h"

struct machine {
	const Dwarf_Op *ops;
	size_t n, at;
	const struct regs *regs;
	const uint64_t *cfa;
	struct copy *copy;
	uint64_t stack[EXPRESSION_DEPTH];
	size_t depth;
	int is_value;
	enum expression_result error; /* EXPRESSION_VALUE: none */
};

static void fail(struct machine *m, enum expression_result why)
{
	if (m->error == EXPRESSION_VALUE)
		m->error = why;
}

static void push(struct machine *m, uint64_t word)
{
	if (m->depth == EXPRESSION_DEPTH)
		fail(m, EXPRESSION_BAD);
	else
		m->stack[m->depth++] = word;
}

static uint64_t pop(struct machine *m)
{
	if (!m->depth) {
		fail(m, EXPRESSION_BAD);
		return 0;
	}
	return m->stack[--m->depth];
}

static void push_register(struct machine *m, uint64_t number, uint64_t offset)
{
	if (number >= REGS_COUNT || !(m->regs->known & 1u << number))
		fail(m, EXPRESSION_NO_REGISTER);
	else
		push(m, m->regs->r[number] + offset);
}

static void push_copy(struct machine *m, uint64_t from_top)
{
	if (from_top >= m->depth)
		fail(m, EXPRESSION_BAD);
	else
		push(m, m->stack[m->depth - 1 - from_top]);
}

static void deref(struct machine *m, uint64_t size)
{
	uint64_t word;

	/* Narrower loads do not occur in unwind rules of this architecture. */
	if (size != sizeof(word))
		fail(m, EXPRESSION_BAD);
	else if (copy_word(m->copy, pop(m), &word) < 0)
		fail(m, EXPRESSION_UNREADABLE);
	else
		push(m, word);
}

/* Branches name a byte offset from their own end; libdw keeps each operation's byte offset. */
static void jump(struct machine *m, const Dwarf_Op *op)
{
	uint64_t target = op->offset + 3 + (int64_t)(int16_t)op->number;

	for (size_t i = 0; i < m->n; i++)
		if (m->ops[i].offset == target) {
			m->at = i;
			return;
		}
	fail(m, EXPRESSION_BAD);
}

static uint64_t binary(uint8_t atom, uint64_t a, uint64_t b)
{
	int64_t x = a, y = b;

	switch (atom) {
	case DW_OP_and:
		return a & b;
	case DW_OP_or:
		return a | b;
	case DW_OP_xor:
		return a ^ b;
	case DW_OP_plus:
		return a + b;
	case DW_OP_minus:
		return a - b;
	case DW_OP_mul:
		return a * b;
	case DW_OP_shl:
		return b < 64 ? a << b : 0;
	case DW_OP_shr:
		return b < 64 ? a >> b : 0;
	case DW_OP_shra:
		return x >> (b < 64 ? b : 63);
	case DW_OP_eq:
		return x == y;
	case DW_OP_ne:
		return x != y;
	case DW_OP_ge:
		return x >= y;
	case DW_OP_gt:
		return x > y;
	case DW_OP_le:
		return x <= y;
	default:
		return x < y;
	}
}

static void swap_top(struct machine *m)
{
	uint64_t a = pop(m), b = pop(m);

	push(m, a);
	push(m, b);
}

/* One operation without arithmetic on two words; 0 if it is none of these. */
static int simple(struct machine *m, const Dwarf_Op *op)
{
	uint8_t atom = op->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		push(m, atom - DW_OP_lit0);
	else if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		push_register(m, atom - DW_OP_breg0, op->number);
	else if (atom >= DW_OP_const1u && atom <= DW_OP_consts)
		push(m, op->number);
	else
		return 0;
	return 1;
}

/* One operation on two words; 0 if it is none of these. */
static int on_two(struct machine *m, uint8_t atom)
{
	static const uint8_t atoms[] = {DW_OP_and, DW_OP_or, DW_OP_xor, DW_OP_plus, DW_OP_minus,
		DW_OP_mul, DW_OP_shl, DW_OP_shr, DW_OP_shra, DW_OP_eq, DW_OP_ne, DW_OP_ge, DW_OP_gt,
		DW_OP_le, DW_OP_lt};

	if (!memchr(atoms, atom, sizeof(atoms)))
		return 0;
	uint64_t b = pop(m), a = pop(m);
	push(m, binary(atom, a, b));
	return 1;
}

static void step(struct machine *m, const Dwarf_Op *op)
{
	if (simple(m, op) || on_two(m, op->atom))
		return;
	switch (op->atom) {
	case DW_OP_addr:
		push(m, op->number);
		break;
	case DW_OP_bregx:
		push_register(m, op->number, op->number2);
		break;
	case DW_OP_deref:
		deref(m, 8);
		break;
	case DW_OP_deref_size:
		deref(m, op->number);
		break;
	case DW_OP_dup:
		push_copy(m, 0);
		break;
	case DW_OP_over:
		push_copy(m, 1);
		break;
	case DW_OP_pick:
		push_copy(m, op->number);
		break;
	case DW_OP_drop:
		pop(m);
		break;
	case DW_OP_swap:
		swap_top(m);
		break;
	case DW_OP_neg:
		push(m, -pop(m));
		break;
	case DW_OP_not:
		push(m, ~pop(m));
		break;
	case DW_OP_plus_uconst:
		push(m, pop(m) + op->number);
		break;
	case DW_OP_skip:
		jump(m, op);
		break;
	case DW_OP_bra:
		if (pop(m))
			jump(m, op);
		break;
	case DW_OP_call_frame_cfa:
		if (m->cfa)
			push(m, *m->cfa);
		else
			fail(m, EXPRESSION_BAD);
		break;
	case DW_OP_stack_value:
		m->is_value = 1;
		break;
	case DW_OP_nop:
		break;
	default:
		fail(m, EXPRESSION_BAD);
	}
}

enum expression_result expression_run(const Dwarf_Op *ops, size_t n, const struct regs *regs,
	const uint64_t *cfa, struct copy *copy, uint64_t *out)
{
	struct machine m = {.ops = ops, .n = n, .regs = regs, .cfa = cfa, .copy = copy};
	uint32_t steps = 0;

	while (m.at < n && m.error == EXPRESSION_VALUE) {
		if (steps++ == EXPRESSION_STEPS)
			return EXPRESSION_BAD;
		step(&m, &ops[m.at++]);
	}
	*out = pop(&m);
	if (m.error != EXPRESSION_VALUE)
		return m.error;
	return m.is_value ? EXPRESSION_VALUE : EXPRESSION_ADDRESS;
}
