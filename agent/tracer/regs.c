/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/regs.h"
#include "agent/tracer/waits.h"

void regs_from_user(struct regs *out, const struct user_regs_struct *u)
{
	const uint64_t r[REGS_COUNT] = {
		[DWREG_RAX] = u->rax,
		[DWREG_RDX] = u->rdx,
		[DWREG_RCX] = u->rcx,
		[DWREG_RBX] = u->rbx,
		[DWREG_RSI] = u->rsi,
		[DWREG_RDI] = u->rdi,
		[DWREG_RBP] = u->rbp,
		[DWREG_RSP] = u->rsp,
		[DWREG_R8] = u->r8,
		[DWREG_R9] = u->r9,
		[DWREG_R10] = u->r10,
		[DWREG_R11] = u->r11,
		[DWREG_R12] = u->r12,
		[DWREG_R13] = u->r13,
		[DWREG_R14] = u->r14,
		[DWREG_R15] = u->r15,
		[DWREG_PC] = u->rip,
	};

	for (int i = 0; i < REGS_COUNT; i++)
		out->r[i] = r[i];
	out->known = REGS_ALL;
	out->unused = 0;
}

void regs_from_call(struct regs *out, const struct call_now *call)
{
	/* The kernel's order: entry/entry_64.S. */
	static const enum reg_number args[6] = {
		DWREG_RDI, DWREG_RSI, DWREG_RDX, DWREG_R10, DWREG_R8, DWREG_R9};

	*out = (struct regs){.known = DWREG_BIT(DWREG_RSP) | DWREG_BIT(DWREG_PC)};
	out->r[DWREG_RSP] = call->sp;
	out->r[DWREG_PC] = call->pc;
	for (int i = 0; i < 6 && call->nr >= 0; i++) {
		out->r[args[i]] = call->args[i];
		out->known |= 1u << args[i];
	}
}

int regs_in_syscall(const struct user_regs_struct *u)
{
	return (long)u->orig_rax >= 0;
}
