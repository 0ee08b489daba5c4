/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/tracer/regs.h"

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

int regs_in_syscall(const struct user_regs_struct *u)
{
	return (long)u->orig_rax >= 0;
}
