/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step, from a frame to its caller:
 *
 *   pc ──▶ mapping ──▶ rule ──┬─ plain, full, sigreturn ──▶ caller's registers ──▶ next frame
 *           │none       │none ├─ end ─▶ STACK_DONE
 *           │           │     ├─ entry, and the program's arguments at sp ─▶ STACK_DONE
 *           │           │     ├─ switched ─▶ what Go saved of the other stack, or STACK_SWITCHED
 *           │           │     └─ likely, validated, marked guessed ─▶ caller's registers
 *           ▼           ▼                 │not valid
 *      STACK_NO_MODULE  frame pointer, validated, marked guessed ──not valid──▶ STACK_NO_CFI
 *
 * A caller's pc is a return address: it is looked up one byte earlier, inside the call. What a
 * signal interrupted is exact.
 */
#include <dwarf.h>

#include "symbolize/go_stacks.h"
#include "unwind/entry.h"
#include "unwind/full_step.h"
#include "unwind/functions.h"
#include "unwind/guess.h"
#include "unwind/prologue.h"
#include "unwind/unwind.h"
#include "unwind/want.h"

/* Frames of the C library's start of a program at most, _start included. */
#define ROOT_FRAMES 3u

/* At functions from their beginning, which takes some us, in one stack. */
#define LOOKS 64u

/* struct rt_sigframe of arch/x86/include/asm/sigframe.h as the trampoline sees it: sp points to the
 * ucontext, whose registers (struct sigcontext) begin at byte 40. */
#define UCONTEXT_REGS 40u
static const uint8_t sigcontext_order[] = {DWREG_R8, DWREG_R9, DWREG_R10, DWREG_R11, DWREG_R12,
	DWREG_R13, DWREG_R14, DWREG_R15, DWREG_RDI, DWREG_RSI, DWREG_RBP, DWREG_RBX, DWREG_RDX,
	DWREG_RAX, DWREG_RCX, DWREG_RSP, DWREG_PC};

/* One capture being unwound. */
struct walk {
	const struct unwinder *u;
	struct code code;
	struct copy copy;
	struct regs regs;
	struct stack *out;
	uint64_t other_sp, other_pc; /* of the other stack, until we are there */
	uint32_t flags;		     /* enum frame_flag: how we came to the frame at regs */
	struct ground ground;	     /* of the last frame */
	struct trail *trail;
	const unsigned char *leaf_code; /* around the first pc; NULL: its file has it */
	uint32_t unproven;		/* frame that is a guess unless all from there on ... */
	uint32_t called_otherwise;	/* ... call directly; how many frames that holds for */
	uint32_t n_looks;		/* at the code of functions, for rbp */
	int refuted;			/* one of them cannot be where it is */
	int at_root;			/* the last one has no caller, by its unwind information */
};

/* The instruction that comes next. */
static uint64_t next_of(const struct frame *f)
{
	return f->offset + (f->flags & FRAME_RETURN ? 1 : 0);
}

/* The frame pointer of a thread that was not stopped. */
static int recover_rbp(struct walk *w, const struct frame_form *form)
{
	const struct frame *f = &w->out->v[w->out->n - 1];

	if (!(w->regs.known & DWREG_BIT(DWREG_RSP)) || w->n_looks++ >= LOOKS)
		return -1;
	enum prologue found = prologue_find(&w->code, w->ground.map, f->offset, next_of(f),
		w->regs.r[DWREG_RSP], form, &w->copy, &w->regs.r[DWREG_RBP]);
	if (found == PROLOGUE_NONE)
		return -1;
	w->regs.known |= DWREG_BIT(DWREG_RBP);
	if (found == PROLOGUE_DIRECT && !w->unproven)
		w->unproven = w->out->n;
	if (found == PROLOGUE_LIKELY)
		w->flags |= FRAME_GUESSED;
	return 0;
}

/* Of the usual frame: return address and saved rbp on top. */
static int recover_plain(struct walk *w, const struct rule *rule)
{
	if (rule->cfa_register != DWREG_RBP || rule->cfa_offset != 16 || rule->ra_offset != -8 ||
		rule->saved[SAVED_RBP] != -16)
		return -1;
	return recover_rbp(w, &(struct frame_form){.pushed = -16 - rule->lowest});
}

/* Of a frame that keeps its CFA, because gcc aligned the stack: CFA = *(rbp + offset). */
static int recover_full(struct walk *w, const struct full_rule *full)
{
	const struct ops *cfa = &full->cfa;

	if ((w->regs.known & DWREG_BIT(DWREG_RBP)) || !cfa->n ||
		cfa->v[0].atom != DW_OP_breg0 + DWREG_RBP)
		return 0;
	if (cfa->n != 2 || cfa->v[1].atom != DW_OP_deref || !cfa->v[0].number)
		return -1;
	return recover_rbp(w, &(struct frame_form){8, (int64_t)cfa->v[0].number});
}

/* Above a frame that has to be proved: rbp is what was saved there. */
static void look_at_rbp(struct walk *w)
{
	const struct frame *f = &w->out->v[w->out->n - 1];

	if (!w->unproven)
		return;
	if (w->n_looks++ >= LOOKS || !prologue_fits(&w->code, w->ground.map, f->offset, next_of(f),
					     w->regs.r[DWREG_RSP], w->regs.r[DWREG_RBP]))
		w->refuted = 1;
}

static int step_plain(struct walk *w, const struct rule *rule)
{
	struct regs *r = &w->regs;
	uint64_t cfa;

	if (!(r->known & DWREG_BIT(rule->cfa_register)) && recover_plain(w, rule) < 0)
		return STACK_NO_REGISTER;
	if (rule->cfa_register == DWREG_RBP)
		look_at_rbp(w);
	cfa = r->r[rule->cfa_register] + (int64_t)rule->cfa_offset;
	if (copy_word(&w->copy, cfa + (int64_t)rule->ra_offset, &r->r[DWREG_PC]) < 0)
		return STACK_UNREADABLE;
	for (int i = 0; i < SAVED_COUNT; i++) {
		uint8_t number = rule_saved_register[i];
		if ((rule->restored & DWREG_BIT(number)) &&
			copy_word(&w->copy, cfa + (int64_t)rule->saved[i], &r->r[number]) < 0)
			return STACK_UNREADABLE;
	}
	r->known = (r->known & rule->same) | rule->restored | DWREG_BIT(DWREG_RSP) |
		   DWREG_BIT(DWREG_PC);
	r->r[DWREG_RSP] = cfa;
	return STACK_DONE;
}

static int step_full(struct walk *w, const struct full_rule *full)
{
	return recover_full(w, full) < 0 ? STACK_NO_REGISTER
					 : (int)full_step(full, &w->copy, &w->regs);
}

static int step_sigreturn(struct walk *w)
{
	struct regs next = {.known = REGS_ALL};
	uint64_t at = w->regs.r[DWREG_RSP] + UCONTEXT_REGS;

	for (unsigned i = 0; i < sizeof(sigcontext_order); i++)
		if (copy_word(&w->copy, at + 8 * i, &next.r[sigcontext_order[i]]) < 0)
			return STACK_UNREADABLE;
	w->regs = next;
	return STACK_DONE;
}

/* At an address's first sight. */
static const struct rule *compile_rule(const struct walk *w, uint64_t offset, int is_return)
{
	w->u->reading(w->u->arg, w->ground.map->module);
	const struct rule *rule = rules_compile(w->u->rules, w->ground.module, offset, is_return);
	w->u->reading(w->u->arg, 0);
	return rule;
}

/* NULL: outside all code. */
static const struct rule *find_rule(struct walk *w, uint64_t pc, int is_return, uint64_t *offset)
{
	static const struct rule none = {.kind = RULE_NONE};

	if (ground_find(&w->ground, pc) < 0)
		return NULL;
	*offset = pc - w->ground.map->start + w->ground.map->offset;
	if (!w->ground.module)
		return &none;
	const struct rule *rule =
		rules_cached(w->u->rules, w->ground.map->module, *offset, is_return);
	return rule ? rule : compile_rule(w, *offset, is_return);
}

/* To the goroutine's stack, as Go saved it. What it saved at another time is not meant: each way of
 * leaving that stack has its own kind of pc. */
static enum stack_end step_back(struct walk *w, const struct rule *rule)
{
	uint64_t pc = w->other_pc, offset;

	if (!pc || rule->place == GO_ELSEWHERE)
		return STACK_SWITCHED;
	w->other_pc = 0;
	w->regs.known = DWREG_BIT(DWREG_RSP) | DWREG_BIT(DWREG_PC);
	w->regs.r[DWREG_RSP] = w->other_sp;
	w->regs.r[DWREG_PC] = pc;
	if (rule->place == GO_GROWS)
		return STACK_DONE;
	rule = find_rule(w, pc, 0, &offset);
	if (!rule || rule->place != GO_SWITCH || rule->kind != RULE_PLAIN ||
		rule->cfa_register != DWREG_RSP)
		return STACK_SWITCHED;
	return step_plain(w, rule);
}

static enum stack_end step_guess(struct walk *w, int *over)
{
	const struct guess_from from = {.came = w->out->v[w->out->n - 1].flags,
		.has_module = !!w->ground.module,
		.at_pc = w->out->n == 1 ? w->leaf_code : NULL};

	switch (guess_step(&w->code, &from, &w->copy, &w->regs)) {
	case GUESS_FOUND:
		w->flags |= FRAME_GUESSED;
		return STACK_DONE;
	case GUESS_UNREADABLE:
		return STACK_UNREADABLE;
	default:
		*over = (from.came & FRAME_GUESSED) && guess_is_root(&w->code, &w->regs);
		if (*over)
			return STACK_DONE;
		if (guess_no_return(&w->code, &w->copy, &w->regs) < 0)
			return STACK_NO_CFI;
		w->flags |= FRAME_GUESSED;
		return STACK_DONE;
	}
}

static int is_return_address(const struct code *code, uint64_t address)
{
	uint64_t target;
	enum call_site call = call_site_before(code, address, &target);

	return call == CALL_DIRECT || call == CALL_INDIRECT ||
	       call_site_is_trampoline(code, address);
}

/* As the code will return, if that leads behind a call or to the end of a signal's handler. */
static enum stack_end step_likely(struct walk *w, const struct rule *rule, int *over)
{
	struct regs before = w->regs;
	uint64_t sp = before.r[DWREG_RSP];
	enum stack_end end = step_plain(w, rule);

	if (end == STACK_DONE && w->regs.r[DWREG_RSP] > sp &&
		is_return_address(&w->code, w->regs.r[DWREG_PC])) {
		w->flags |= rule->kind == RULE_LIKELY ? FRAME_GUESSED : 0;
		return STACK_DONE;
	}
	int is_short = end == STACK_UNREADABLE && w->copy.wanted - sp < LIMIT_STACK_MAX;
	uint64_t wanted = w->copy.wanted;
	w->regs = before;
	end = step_guess(w, over);
	if (end == STACK_DONE || !is_short)
		return end;
	w->copy.wanted = wanted;
	return STACK_UNREADABLE;
}

/* To the caller. STACK_DONE with *over clear means: go on. */
static enum stack_end step(struct walk *w, const struct rule *rule, int *over)
{
	uint64_t sp = w->regs.r[DWREG_RSP];
	enum stack_end end = STACK_DONE;

	w->flags = rule->is_signal || rule->place == GO_PREEMPTS ? FRAME_SIGNAL : FRAME_RETURN;
	switch (rule->kind) {
	case RULE_PLAIN:
		end = step_plain(w, rule);
		/* No larger copy of this stack has it. */
		if (end == STACK_UNREADABLE && rule->place == GO_CLOCK)
			end = STACK_SWITCHED;
		break;
	case RULE_FULL:
		end = step_full(w, rules_full(w->u->rules, rule));
		break;
	case RULE_SIGRETURN:
		end = step_sigreturn(w);
		break;
	case RULE_CONTEXT:
		*over = 1;
		break;
	case RULE_SWITCHED:
		return step_back(w, rule);
	case RULE_ENTRY:
		*over = (w->regs.known & DWREG_BIT(DWREG_RSP)) && entry_is_outermost(&w->copy, sp);
		if (!*over)
			end = step_guess(w, over);
		break;
	case RULE_LIKELY:
	case RULE_CREATOR:
		end = step_likely(w, rule, over);
		break;
	default:
		end = step_guess(w, over);
	}
	if (end != STACK_DONE || *over)
		return end;
	/* A signal may have come in on another stack; all other frames lie above their callees. A
	 * leaf may have none: vfork keeps its return address in a register. */
	uint64_t least = w->out->n == 1 ? sp : sp + 1;
	if (!rule->is_signal && rule->place != GO_CLOCK && w->regs.r[DWREG_RSP] < least)
		return STACK_NO_PROGRESS;
	*over = w->regs.r[DWREG_PC] == 0;
	return STACK_DONE;
}

/* Nothing calls a trampoline, its address is put on the stack as it is: one byte earlier another
 * function ends. */
static void take_trampoline(struct frame *f)
{
	if (f->flags & FRAME_RETURN)
		f->offset++;
	f->flags &= ~FRAME_RETURN;
}

/* The frame at pc is added to the stack. Its rule; NULL: outside all code. */
static const struct rule *take_frame(struct walk *w, uint64_t pc)
{
	int is_return = w->flags & FRAME_RETURN ? 1 : 0;
	uint64_t offset;
	const struct rule *rule = find_rule(w, pc - is_return, is_return, &offset);

	if (!rule)
		return NULL;
	struct frame *f = &w->out->v[w->out->n++];
	f->module = w->ground.map->module;
	f->offset = offset;
	f->flags = w->flags;
	if (rule->place == GO_SCHEDULES)
		w->other_pc = 0;
	if (rule->kind == RULE_SIGRETURN || rule->kind == RULE_CONTEXT)
		take_trampoline(f);
	return rule;
}

/* What of the copy is code. */
static void take_code(struct walk *w, const struct capture *capture)
{
	struct slice *s = &w->copy.stack;

	if (!(capture->flags & CAPTURE_CODE) || s->len < CODE_BYTES)
		return;
	w->leaf_code = s->bytes;
	s->base += CODE_BYTES;
	s->len -= CODE_BYTES;
	s->bytes += CODE_BYTES;
}

/* As far as that goes; not where each step has to be looked at. The other registers stay what they
 * were in the frame with which it began. */
static struct quick walk_quickly(struct walk *w)
{
	const struct regs *r = &w->regs;
	struct quick q = {r->r[DWREG_PC], r->r[DWREG_RSP], r->r[DWREG_RBP],
		r->known & DWREG_BIT(DWREG_RBP), w->flags};

	if (r->known & DWREG_BIT(DWREG_PC) && r->known & DWREG_BIT(DWREG_RSP) && !w->unproven)
		quick_walk(&q, rules_places(w->u->rules), &w->ground, &w->copy.stack, w->out,
			w->trail);
	return q;
}

/* All registers in the frame that was taken last, from those in frame number first: by the same
 * rules and words as quick_walk, so that no step can fail. */
static void catch_up(struct walk *w, uint32_t first)
{
	for (uint32_t i = first; i + 1 < w->out->n; i++) {
		const struct frame *f = &w->out->v[i];
		step_plain(w,
			rules_cached(w->u->rules, f->module, f->offset, f->flags & FRAME_RETURN));
	}
}

/* After a step whose truth hangs on how the frames above were called. */
static void look_at_call(struct walk *w)
{
	if (w->unproven && !w->called_otherwise &&
		!functions_is_caller(&w->code, w->regs.r[DWREG_PC], w->ground.map,
			w->out->v[w->out->n - 1].offset))
		w->called_otherwise = w->out->n;
}

/* The first function of a thread or program is called by the C library, once. */
static void settle_proof(struct walk *w)
{
	struct stack *out = w->out;
	uint32_t n = w->called_otherwise;
	int is_proved = w->at_root && !w->refuted && n && n < out->n && out->n - n <= ROOT_FRAMES &&
			out->v[n].module != out->v[n - 1].module;

	if (w->unproven && w->unproven < out->n && !is_proved)
		out->v[w->unproven].flags |= FRAME_GUESSED;
}

static enum stack_end walk_up(struct walk *w)
{
	enum stack_end end = STACK_DONE;
	int over = 0;

	while (end == STACK_DONE && !over) {
		uint32_t first = w->out->n;
		struct quick q = walk_quickly(w);
		if (!q.pc && w->out->n != first)
			return STACK_DONE;
		if (w->out->n == LIMIT_FRAMES)
			return STACK_DEPTH;
		w->flags = q.flags;
		const struct rule *rule = take_frame(w, q.pc);
		if (!rule)
			return STACK_NO_MODULE;
		w->at_root = rule->kind == RULE_END;
		if (w->at_root)
			return STACK_DONE;
		catch_up(w, first);
		end = step(w, rule, &over);
		if (end == STACK_DONE && !over)
			look_at_call(w);
	}
	return end;
}

void unwind_capture(struct unwinder *u, const struct capture *capture, const struct maps *maps,
	struct stack *out, uint64_t *need)
{
	struct walk w = {
		.u = u,
		.code = {u->modules, maps, u->reading, u->arg},
		.copy = {.stack = {capture->stack_base, capture->stack_len, capture->stack, 0},
			.other = {capture->other_base, capture->other_len,
				capture->stack + capture->stack_len, 0}},
		.ground = {.modules = u->modules, .maps = maps},
		.trail = &u->trails[capture->thread % UNWINDER_TRAILS],
		.regs = capture->regs,
		.other_sp = capture->other_sp,
		.other_pc = capture->other_pc,
		.out = out,
	};

	take_code(&w, capture);
	out->n = 0;
	*need = 0;
	if (capture->flags & CAPTURE_NO_STACK) {
		out->end = STACK_NOT_READ;
		return;
	}
	trail_fetch(w.trail, &w.copy.stack);
	if ((capture->flags & CAPTURE_PARKED) && is_return_address(&w.code, w.regs.r[DWREG_PC]))
		w.flags = FRAME_RETURN;
	out->end = walk_up(&w);
	settle_proof(&w);
	uint64_t wanted = out->end == STACK_UNREADABLE ? w.copy.wanted + 8 : 0;
	*need = want_need(&w.copy.stack, capture->regs.r[DWREG_RSP], wanted);
	if (!w.copy.other.len)
		return;
	uint64_t other = want_need(&w.copy.other, capture->other_sp, wanted);
	if (other > *need)
		*need = other;
}
