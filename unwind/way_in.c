/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/instruction.h"
#include "unwind/way_in.h"

#define WAITING	     1024u
#define INSTRUCTIONS 100000u /* in all, those that are met again included */
#define SCANNED	     64u     /* bytes that take as long as an instruction */
#define DEEPEST	     (1 << 30)
#define RSP	     4
#define RBP	     5

/* Before an instruction. */
struct state {
	uint8_t is_reached;
	uint8_t has_frame;   /* rbp was set to sp in this function */
	uint8_t is_dynamic;  /* depth is a lower bound */
	uint8_t is_compared; /* the flags are of r11 and sp */
	uint16_t
		align; /* sp was aligned to so much: it is up to align - 16 deeper; 0: it was not */
	uint16_t has_r11;
	int32_t depth; /* rbp - sp */
	int32_t r11;   /* rbp - r11: where a loop that touches a large frame page by page ends */
};

struct search {
	const uint8_t *code;
	size_t n;
	struct state *at;   /* n + 1 of them */
	uint8_t *is_end;    /* behind an instruction after which nothing goes on */
	struct state usual; /* at calls and jumps through tables */
	uint32_t waiting[WAITING];
	uint32_t n_waiting, n_instructions;
	int error;
};

static int is_equal(const struct state *a, const struct state *b)
{
	return a->has_frame == b->has_frame && a->is_dynamic == b->is_dynamic &&
	       a->is_compared == b->is_compared && a->align == b->align &&
	       a->has_r11 == b->has_r11 && a->depth == b->depth && a->r11 == b->r11;
}

/* What is true of both. */
static struct state merge(const struct state *a, const struct state *b)
{
	struct state out = *a;

	if (a->depth != b->depth || a->has_frame != b->has_frame)
		out.is_dynamic = 1;
	out.is_dynamic |= b->is_dynamic;
	out.has_frame |= b->has_frame;
	out.is_compared &= b->is_compared;
	if (b->align > a->align)
		out.align = b->align;
	if (b->depth < a->depth)
		out.depth = b->depth;
	out.has_r11 &= b->has_r11;
	if (a->r11 != b->r11 || !out.has_r11)
		out.has_r11 = out.r11 = 0;
	return out;
}

static void reach(struct search *s, uint64_t at, const struct state *state)
{
	if (at > s->n)
		return; /* another function */
	struct state new = s->at[at].is_reached ? merge(&s->at[at], state) : *state;
	new.is_reached = 1;
	if (s->at[at].is_reached && is_equal(&s->at[at], &new))
		return;
	s->at[at] = new;
	if (at == s->n)
		return;
	if (s->n_waiting == WAITING)
		s->error = 1;
	else
		s->waiting[s->n_waiting++] = at;
}

/* sp may be anywhere below rbp. */
static void forget(struct state *state)
{
	state->is_dynamic = 1;
	state->align = 0;
	state->depth = 0;
}

static void move_sp(struct state *state, int64_t down)
{
	int64_t depth = state->depth + down;

	if (depth < 0 || depth > DEEPEST)
		forget(state);
	else
		state->depth = (int32_t)depth;
}

static void align_sp(struct state *state, int64_t mask)
{
	uint64_t align = -(uint64_t)mask;

	if (!align || (align & (align - 1)) || align > 4096) {
		forget(state);
		return;
	}
	/* rbp is a multiple of 16. */
	uint32_t sure = align < 16 ? align : 16;
	state->depth = (state->depth + (int32_t)sure - 1) & -(int32_t)sure;
	if (align > 16 && align > state->align)
		state->align = (uint16_t)align;
}

static void set_depth(struct state *state, int64_t depth)
{
	state->is_dynamic = 0;
	state->align = 0;
	state->depth = 0;
	move_sp(state, depth);
}

static void leave_frame(struct state *state)
{
	*state = (struct state){.is_reached = 1};
}

/* The registers of a ModRM byte; *rm is -1 for memory. */
static void operands(const struct instruction *i, int *reg, int *rm)
{
	*reg = (i->modrm[0] >> 3 & 7) | (i->rex & 4) << 1;
	*rm = i->modrm[0] >> 6 == 3 ? (i->modrm[0] & 7) | (i->rex & 1) << 3 : -1;
}

/* lea of disp(%rsp) and disp(%rbp) to sp or r11. */
static void lea(struct state *state, const struct instruction *i)
{
	int reg, rm, mod = i->modrm[0] >> 6, base = i->modrm[0] & 7;
	const uint8_t *at = i->modrm + 1 + (base == RSP);
	int32_t offset = 0;

	operands(i, &reg, &rm);
	if (reg != RSP && reg != 11)
		return;
	if (mod == 1)
		offset = (int8_t)*at;
	else if (mod == 2)
		memcpy(&offset, at, sizeof(offset));
	int is_known = mod != 3 && !(i->rex & 3) && (base == RBP ? mod > 0 : base == RSP) &&
		       (base == RBP || i->modrm[1] == 0x24);
	int64_t depth = (base == RSP ? state->depth : 0) - (int64_t)offset;
	if (reg == 11) {
		state->has_r11 = is_known && base == RSP && !state->is_dynamic && depth >= 0 &&
				 depth <= DEEPEST;
		state->r11 = state->has_r11 ? (int32_t)depth : 0;
	} else if (!is_known) {
		forget(state);
	} else if (base == RBP) {
		set_depth(state, depth);
	} else {
		move_sp(state, -(int64_t)offset);
	}
}

/* mov between registers. */
static void move(struct state *state, int to, int from)
{
	if (to == RBP && from == RSP)
		*state = (struct state){.is_reached = 1, .has_frame = 1};
	else if (to == RSP && from == RBP)
		set_depth(state, 0);
	else if (to == RSP)
		forget(state);
}

/* 81 and 83. */
static void arithmetic(struct state *state, const struct instruction *i)
{
	int reg, rm;

	operands(i, &reg, &rm);
	if (rm != RSP)
		return;
	switch (reg & 7) {
	case 0:
		move_sp(state, -i->immediate);
		break;
	case 4:
		align_sp(state, i->immediate);
		break;
	case 5:
		move_sp(state, i->immediate);
		break;
	case 7:
		break;
	default:
		forget(state);
	}
}

static void push_or_pop(struct state *state, const struct instruction *i)
{
	int reg = (i->opcode & 7) | (i->rex & 1) << 3;

	if ((i->opcode & 0xf8) == 0x50 || i->opcode == 0x68 || i->opcode == 0x6a ||
		i->opcode == 0x9c)
		move_sp(state, 8);
	else if ((i->opcode & 0xf8) == 0x58 && reg == RBP)
		leave_frame(state);
	else if ((i->opcode & 0xf8) == 0x58 && reg == RSP)
		forget(state);
	else if ((i->opcode & 0xf8) == 0x58 || i->opcode == 0x9d)
		move_sp(state, -8);
}

/* What else has a ModRM byte and may write sp: the arithmetic on 32 and 64 bits, and some. */
static void other_write(struct state *state, const struct instruction *i)
{
	int reg, rm, is_cmp = (i->opcode & 0xf8) == 0x38;

	if (i->opcode < 0x40 ? (i->opcode & 5) != 1 || (i->opcode & 7) > 3
			     : i->opcode != 0x87 && i->opcode != 0xc7 && i->opcode != 0xd1 &&
				       i->opcode != 0xc1 && i->opcode != 0xf7 && i->opcode != 0x8f)
		return;
	operands(i, &reg, &rm);
	int is_sub = i->opcode == 0x29 || i->opcode == 0x2b; /* alloca: only deeper */
	if (i->opcode == 0x8f) {
		move_sp(state, -8);
	} else if (is_cmp) {
		state->is_compared = (rm == RSP && reg == 11) || (rm == 11 && reg == RSP);
	} else if (i->opcode < 0x40 ? (i->opcode & 2 ? reg : rm) == RSP
				    : rm == RSP || (i->opcode == 0x87 && reg == RSP)) {
		if (!is_sub)
			forget(state);
		state->is_dynamic = 1;
	}
}

static void apply(struct state *state, const struct instruction *i)
{
	int reg, rm;

	state->is_compared = 0;
	if (i->is_wide || i->is_vector)
		return;
	switch (i->opcode) {
	case 0x81:
	case 0x83:
		arithmetic(state, i);
		break;
	case 0x89:
		operands(i, &reg, &rm);
		move(state, rm, reg);
		break;
	case 0x8b:
		operands(i, &reg, &rm);
		move(state, reg, rm);
		break;
	case 0x8d:
		lea(state, i);
		break;
	case 0xc9:
		leave_frame(state);
		break;
	case 0xff:
		operands(i, &reg, &rm);
		if ((reg & 7) == 6)
			move_sp(state, 8);
		break;
	default:
		push_or_pop(state, i);
		other_write(state, i);
	}
}

static void see_usual(struct search *s, const struct state *state)
{
	if (!state->has_frame)
		return;
	s->usual = s->usual.is_reached ? merge(&s->usual, state) : *state;
}

static int is_conditional(const struct instruction *i)
{
	return !i->is_vector &&
	       (i->is_wide ? (i->opcode & 0xf0) == 0x80
			   : (i->opcode & 0xf0) == 0x70 || (i->opcode & 0xfc) == 0xe0);
}

/* The loop that touches the stack page by page is over when sp is r11. */
static void out_of_loop(struct state *state, const struct instruction *i)
{
	if (!state->is_compared || !state->has_r11 || (i->opcode & 0xf) != 5)
		return;
	state->depth = state->r11;
	state->is_dynamic = 0;
}

/* From one instruction to those that may come next. */
static void go_on(struct search *s, uint64_t at)
{
	struct state state = s->at[at];
	struct instruction i;

	if (instruction_decode(s->code + at, s->n - at, &i) < 0) {
		s->is_end[at] = 1;
		return;
	}
	uint64_t next = at + i.length, target = next + i.immediate;
	int is_jump = !i.is_wide && !i.is_vector && (i.opcode == 0xe9 || i.opcode == 0xeb);
	int group = !i.is_wide && !i.is_vector && i.opcode == 0xff ? i.modrm[0] >> 3 & 7 : -1;
	int is_trap = !i.is_vector &&
		      (i.is_wide ? i.opcode == 0x0b : i.opcode == 0xf4 || i.opcode == 0xcc);
	if (is_conditional(&i)) {
		reach(s, target, &state);
		out_of_loop(&state, &i);
		state.is_compared = 0;
		reach(s, next, &state);
		return;
	}
	if (is_jump)
		reach(s, target, &state);
	if (group == 4 || group == 2 || (!i.is_wide && !i.is_vector && i.opcode == 0xe8))
		see_usual(s, &state);
	if (is_jump || i.is_return || is_trap || group == 4) {
		s->is_end[next] = 1;
		return;
	}
	apply(&state, &i);
	reach(s, next, &state);
}

/* Code that nothing seen leads to: a table of jumps does, or the handling of an exception. It is as
 * deep as the function's calls and such jumps. */
static void reach_by_tables(struct search *s)
{
	s->n_instructions += s->n / SCANNED;
	for (size_t at = 1; at < s->n && s->usual.is_reached; at++)
		if (s->is_end[at] && !s->at[at].is_reached) {
			s->is_end[at] = 0;
			reach(s, at, &s->usual);
			return;
		}
}

static int explore(struct search *s)
{
	const struct state entry = {.is_reached = 1};

	reach(s, 0, &entry);
	while (s->n_waiting && !s->error && s->n_instructions++ < INSTRUCTIONS) {
		go_on(s, s->waiting[--s->n_waiting]);
		if (!s->n_waiting)
			reach_by_tables(s);
	}
	return s->error || s->n_waiting ? -1 : 0;
}

int way_in_find(const uint8_t *code, size_t n, size_t at, struct way_in *out)
{
	struct search s = {.code = code, .n = n};
	int error = -1;

	if (at > n || n > WAY_IN_CODE_MAX)
		return -1;
	s.at = calloc(n + 1, sizeof(*s.at));
	s.is_end = calloc(n + 1, 1);
	if (s.at && s.is_end && explore(&s) == 0 && s.at[at].is_reached && s.at[at].has_frame) {
		out->is_dynamic = s.at[at].is_dynamic;
		out->least = s.at[at].depth;
		out->slack = s.at[at].align ? s.at[at].align - 16u : 0;
		error = 0;
	}
	free(s.at);
	free(s.is_end);
	return error;
}
