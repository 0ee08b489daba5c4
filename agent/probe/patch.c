/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "agent/probe/patch.h"
#include "base/instruction.h"

/* --- what an instruction refers to --- */

enum reference {
	REFERS_NOT,
	REFERS_MEMORY,
	REFERS_JUMP,
	REFERS_SHORT,
	REFERS_CALL,	    /* call somewhere */
	REFERS_CALL_MEMORY, /* call *slot(%rip) */
	REFERS_UNMOVABLE
};

/* Of an opcode that is neither VEX nor of two bytes. */
static enum reference reference_of_byte(uint8_t opcode)
{
	if ((opcode & 0xf0) == 0x70 || opcode == 0xeb)
		return REFERS_SHORT;
	if (opcode == 0xe9)
		return REFERS_JUMP;
	if (opcode == 0xe8)
		return REFERS_CALL;
	/* loop and jrcxz have no long form; interrupts and returns end it. */
	if ((opcode >= 0xe0 && opcode <= 0xe3) || opcode == 0xcc || opcode == 0xcd)
		return REFERS_UNMOVABLE;
	return REFERS_NOT;
}

/* Opcodes of one byte that have a ModRM. */
static int has_modrm(const struct instruction *i, const uint8_t *code)
{
	return i->modrm < code + i->length && i->modrm > code;
}

/* mod 0, rm 5: an address relative to the end of the instruction. */
static int is_relative(const struct instruction *i, const uint8_t *code)
{
	uint8_t op = i->opcode;
	int has = i->is_vector || (i->is_wide && (op & 0xf0) != 0x80 && op != 0x05 && op != 0x0b &&
					  !(op >= 0xc8 && op <= 0xcf) && op != 0xa2);

	if (!i->is_wide && !i->is_vector) {
		if (op < 0x40)
			has = (op & 7) < 4; /* arithmetic: the others have a constant, or none */
		else
			has = op == 0x63 || op == 0x69 || op == 0x6b ||
			      (op >= 0x80 && op <= 0x8f) || op == 0xc0 || op == 0xc1 ||
			      op == 0xc6 || op == 0xc7 || (op >= 0xd0 && op <= 0xd3) ||
			      (op >= 0xd8 && op <= 0xdf) || op == 0xf6 || op == 0xf7 ||
			      op == 0xfe || op == 0xff;
	}
	return has && has_modrm(i, code) && (*i->modrm & 0xc7) == 0x05;
}

static int is_indirect_call(const struct instruction *i)
{
	return !i->is_wide && !i->is_vector && i->opcode == 0xff && (*i->modrm >> 3 & 7) >= 2 &&
	       (*i->modrm >> 3 & 7) <= 3;
}

static enum reference reference_of(const struct instruction *i, const uint8_t *code)
{
	enum reference r = REFERS_NOT;

	if (i->is_return)
		return REFERS_UNMOVABLE;
	if (is_indirect_call(i))
		return code[0] == 0xff && is_relative(i, code) && *i->modrm == 0x15
			       ? REFERS_CALL_MEMORY
			       : REFERS_UNMOVABLE;
	if (!i->is_vector && i->is_wide)
		r = (i->opcode & 0xf0) == 0x80 ? REFERS_JUMP
		    : i->opcode == 0x05	       ? REFERS_UNMOVABLE /* a system call */
					       : REFERS_NOT;
	else if (!i->is_vector)
		r = reference_of_byte(i->opcode);
	return r == REFERS_NOT && is_relative(i, code) ? REFERS_MEMORY : r;
}

/* --- moving --- */

static int is_far(int64_t distance)
{
	return distance != (int32_t)distance;
}

static void put32(uint8_t *at, int64_t distance)
{
	int32_t v = distance;

	memcpy(at, &v, sizeof(v));
}

/* jmp or jcc to target, the instruction being at address at. Its length, 0: too far. */
static uint32_t put_jump(uint8_t *out, uint8_t short_opcode, uint64_t at, uint64_t target)
{
	uint32_t length = short_opcode == 0xeb ? 5 : 6;
	int64_t distance = target - (at + length);

	if (is_far(distance))
		return 0;
	if (length == 6)
		*out++ = 0x0f;
	*out++ = short_opcode == 0xeb ? 0xe9 : 0x80 | (short_opcode & 15);
	put32(out, distance);
	return length;
}

struct moving {
	struct patch *p;
	enum patch_refusal why;
};

static uint32_t move_memory(struct moving *m, const struct instruction *i, const uint8_t *code,
	uint64_t from, uint64_t to, uint8_t *out)
{
	int32_t displacement;
	size_t at = i->modrm + 1 - code;

	if (at + 4 > i->length)
		return m->why = PATCH_UNKNOWN, 0;
	memcpy(&displacement, code + at, 4);
	int64_t distance = displacement + (int64_t)(from - to);
	if (is_far(distance))
		return m->why = PATCH_FAR, 0;
	memcpy(out, code, i->length);
	put32(out + at, distance);
	return i->length;
}

/* push of a whole address: its lower half, then its upper one. */
static uint32_t put_push(uint8_t *out, uint64_t address)
{
	static const uint8_t upper[4] = {0xc7, 0x44, 0x24, 4}; /* movl $, 4(%rsp) */

	*out = 0x68;
	put32(out + 1, (int32_t)address);
	memcpy(out + 5, upper, sizeof(upper));
	put32(out + 9, (int32_t)(address >> 32));
	return 13;
}

/* It returns to where the call was. */
static uint32_t move_call(struct moving *m, const struct instruction *i, const uint8_t *code,
	uint64_t from, uint64_t to, uint8_t *out)
{
	uint32_t pushed = put_push(out, from + i->length), n;

	if (reference_of(i, code) == REFERS_CALL) {
		n = put_jump(out + pushed, 0xeb, to + pushed, from + i->length + i->immediate);
		if (!n)
			m->why = PATCH_FAR;
	} else {
		n = move_memory(m, i, code, from, to + pushed, out + pushed);
		out[pushed + 1] = 0x25; /* jmp *slot(%rip) */
	}
	m->p->has_call = 1;
	return n ? pushed + n : 0;
}

/* One instruction from address from to address to; bytes written, or 0 and why. */
static uint32_t move(struct moving *m, const struct instruction *i, const uint8_t *code,
	uint64_t from, uint64_t to, uint8_t *out)
{
	enum reference r = reference_of(i, code);
	uint64_t target = from + i->length + i->immediate;

	switch (r) {
	case REFERS_UNMOVABLE:
		return m->why = PATCH_CALL, 0;
	case REFERS_MEMORY:
		return move_memory(m, i, code, from, to, out);
	case REFERS_CALL:
	case REFERS_CALL_MEMORY:
		/* A prefix means something else. */
		if (code[0] != 0xe8 && code[0] != 0xff)
			return m->why = PATCH_UNKNOWN, 0;
		return move_call(m, i, code, from, to, out);
	case REFERS_SHORT:
	case REFERS_JUMP: {
		uint8_t opcode =
			i->opcode == 0xe9 || i->opcode == 0xeb ? 0xeb : 0x70 | (i->opcode & 15);
		/* An operand size prefix would cut the target. */
		if (code[0] == 0x66)
			return m->why = PATCH_UNKNOWN, 0;
		uint32_t n = put_jump(out, opcode, to, target);
		if (!n)
			m->why = PATCH_FAR;
		return n;
	}
	default:
		memcpy(out, code, i->length);
		return i->length;
	}
}

/* Whether some jump of the function leads into what is overwritten, past its begin. Sweeps from the
 * entry on: compilers put nothing but code into these functions, and what cannot be read ends it.
 */
static int is_jumped_into(const struct patch *p, uint64_t entry, const uint8_t *code, size_t n)
{
	struct instruction i;

	for (size_t at = 0; at < n && instruction_decode(code + at, n - at, &i) == 0;
		at += i.length) {
		enum reference r = reference_of(&i, code + at);
		uint64_t target = entry + at + i.length + i.immediate;
		if ((r == REFERS_SHORT || r == REFERS_JUMP) && patch_is_inside(p, target))
			return 1;
	}
	return 0;
}

/* Someone's hook, ours included: it leaves the module at once. */
static int is_taken(const struct instruction *i, uint64_t from, const uint8_t *code, uint64_t low,
	uint64_t high)
{
	uint64_t target = from + i->length + i->immediate;

	return code[0] == 0xcc || (!i->is_wide && !i->is_vector && i->opcode == 0xe9 &&
					  (target < low || target >= high));
}

enum patch_refusal patch_make(struct patch *p, uint64_t entry, const uint8_t *code, size_t n,
	uint64_t thunk, uint64_t low, uint64_t high)
{
	size_t begin = n >= 4 && !memcmp(code, INSTRUCTION_ENDBR64) ? 4 : 0;
	struct moving m = {.p = p, .why = PATCH_FITS};
	struct instruction i;

	memset(p, 0, sizeof(*p));
	p->address = entry + begin;
	p->thunk = thunk;
	while (p->moved < PATCH_JUMP) {
		const uint8_t *at = code + begin + p->moved;
		uint64_t from = p->address + p->moved;
		if (begin + p->moved >= n)
			return PATCH_SHORT;
		if (*at == 0xcc)
			return PATCH_TAKEN;
		if (instruction_decode(at, n - begin - p->moved, &i) < 0)
			return PATCH_UNKNOWN;
		if (is_taken(&i, from, at, low, high))
			return PATCH_TAKEN;
		p->from[p->n] = p->moved;
		p->to[p->n++] = p->thunk_length;
		uint32_t out = move(
			&m, &i, at, from, thunk + p->thunk_length, p->thunk_code + p->thunk_length);
		if (!out)
			return m.why;
		p->moved += i.length;
		p->thunk_length += out;
	}
	memcpy(p->saved, code + begin, p->moved);
	uint32_t back = put_jump(p->thunk_code + p->thunk_length, 0xeb, thunk + p->thunk_length,
		p->address + p->moved);
	if (!back)
		return PATCH_FAR;
	p->thunk_length += back;
	return is_jumped_into(p, entry, code, n) ? PATCH_INSIDE : PATCH_FITS;
}

int patch_jump(const struct patch *p, uint64_t hook, uint8_t *out)
{
	return put_jump(out, 0xeb, p->address, hook) ? 0 : -1;
}

uint64_t patch_moved_pc(const struct patch *p, uint64_t pc)
{
	if (!patch_is_inside(p, pc))
		return pc;
	for (uint32_t i = 0; i < p->n; i++)
		if (pc == p->address + p->from[i])
			return p->thunk + p->to[i];
	return 0;
}

uint64_t patch_restored_pc(const struct patch *p, uint64_t pc)
{
	if (pc < p->thunk || pc >= p->thunk + p->thunk_length)
		return pc;
	for (uint32_t i = 0; i < p->n; i++)
		if (pc == p->thunk + p->to[i])
			return p->address + p->from[i];
	/* The jump to the rest. */
	return pc == p->thunk + p->thunk_length - PATCH_JUMP ? p->address + p->moved : 0;
}

int patch_is_inside(const struct patch *p, uint64_t address)
{
	return address > p->address && address < p->address + PATCH_JUMP;
}

const char *patch_refusal_text(enum patch_refusal why)
{
	static const char *const texts[PATCH_REFUSALS] = {
		[PATCH_SHORT] = "it is too short to be taken over",
		[PATCH_UNKNOWN] = "it begins with an instruction that is not known here",
		[PATCH_CALL] = "it begins with an instruction that cannot be moved",
		[PATCH_INSIDE] = "it jumps back to its beginning",
		[PATCH_FAR] = "there is no room near it",
		[PATCH_TAKEN] = "someone else has taken it over already",
	};

	return why < PATCH_REFUSALS ? texts[why] : "no reason is known";
}
