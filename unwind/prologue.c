/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/functions.h"
#include "unwind/prologue.h"
#include "unwind/way_in.h"

#define LOOKS 64u /* a stack may be full of what looks like return addresses */

/* What is known of the function before the stack is looked at. */
struct search {
	const struct code *code;
	struct copy copy;  /* of its own: not all that is looked at is needed */
	uint64_t function; /* its address in the target */
	struct way_in way;
	uint32_t looked; /* at functions that are called from somewhere in the stack */
	int64_t cfa_at;	 /* from rbp; 0: the CFA is right above */
};

/* Where the code cannot be followed, rbp may be anywhere above the pushes. 0, or -1: which function
 * this is cannot be told. */
static int look_at_function(struct search *s, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t pushed)
{
	struct function f;

	s->way = (struct way_in){.is_dynamic = 1};
	s->code->reading(s->code->arg, map->module);
	int error = functions_find(s->code, map, offset, &f);
	if (!error)
		way_in_find(f.bytes, f.n, next - f.offset, &s->way);
	s->code->reading(s->code->arg, 0);
	s->function = f.address;
	if (s->way.least < pushed)
		s->way.least = pushed;
	return error;
}

/* A frame that keeps its CFA has a copy of its return address above rbp. */
static int is_copied(struct search *s, uint64_t rbp, uint64_t address)
{
	uint64_t cfa, original;

	return copy_word(&s->copy, rbp + s->cfa_at, &cfa) == 0 && cfa > rbp + 8 &&
	       copy_word(&s->copy, cfa - 8, &original) == 0 && original == address;
}

enum fit {
	FIT_NONE,
	FIT_UNKNOWN, /* behind a call through a pointer, or of code that may have jumped here */
	FIT_OWN,     /* behind a call of this function */
};

static int is_exact(const struct search *s)
{
	return !s->way.is_dynamic && !s->way.slack;
}

/* How well the word above rbp fits. */
static enum fit fit_at(struct search *s, uint64_t rbp)
{
	uint64_t address, target;

	if (copy_word(&s->copy, rbp + 8, &address) < 0 ||
		(s->cfa_at && !is_copied(s, rbp, address)))
		return FIT_NONE;
	switch (call_site_before(s->code, address, &target)) {
	case CALL_DIRECT:
		if (target == s->function)
			return FIT_OWN;
		if (is_exact(s))
			return FIT_UNKNOWN;
		if (s->looked++ >= LOOKS)
			return FIT_UNKNOWN;
		return functions_may_jump_on(s->code, target) ? FIT_UNKNOWN : FIT_NONE;
	case CALL_INDIRECT:
		return FIT_UNKNOWN;
	default:
		return FIT_NONE;
	}
}

/* What earlier calls have left on the stack, in room that was made and not yet used, fits as well:
 * a place is certain only if it is the only one of all that are possible. */
static enum prologue search_from(struct search *s, uint64_t lowest, uint64_t last, uint64_t *rbp)
{
	uint32_t n_own = 0, n_unknown = 0, unknown_before = 0;
	uint64_t unknown = 0, own = 0;

	for (uint64_t at = (lowest + 15) & ~15ull; at <= last; at += 16) {
		enum fit fit = fit_at(s, at);
		if (fit == FIT_UNKNOWN && !n_unknown++)
			unknown = at;
		if (fit == FIT_OWN && !n_own++) {
			own = at;
			unknown_before = n_unknown;
		}
	}
	*rbp = own ? own : unknown;
	/* Without a copy the last word of the stack may be any. */
	if (n_own + n_unknown == 1 && (!s->way.is_dynamic || s->cfa_at))
		return PROLOGUE_SURE;
	if (n_own == 1 && !unknown_before)
		return PROLOGUE_DIRECT;
	return n_own + n_unknown ? PROLOGUE_LIKELY : PROLOGUE_NONE;
}

enum prologue prologue_find(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t sp, const struct frame_form *form, const struct copy *copy,
	uint64_t *rbp)
{
	struct search s = {.code = code, .copy = *copy, .cfa_at = form->cfa_at};

	if (look_at_function(&s, map, offset, next, form->pushed) < 0)
		return PROLOGUE_NONE;
	uint64_t lowest = sp + s.way.least, end = copy->stack.base + copy->stack.len;
	return search_from(&s, lowest, s.way.is_dynamic ? end - 16 : lowest + s.way.slack, rbp);
}

int prologue_fits(const struct code *code, const struct mapping *map, uint64_t offset,
	uint64_t next, uint64_t sp, uint64_t rbp)
{
	struct search s = {.code = code};

	if (look_at_function(&s, map, offset, next, 0) < 0 || (rbp & 15))
		return 0;
	uint64_t lowest = sp + s.way.least;
	return rbp >= lowest && (s.way.is_dynamic || rbp - lowest <= s.way.slack);
}
