/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "agent/tracer/regs.h"

enum {
	RESTART_SYS = 512,	  /* ERESTARTSYS */
	RESTART_NO_HANDLER = 514, /* ERESTARTNOHAND: restart unless a handler runs */
	RESTART_LAST = 516,	  /* ERESTART_RESTARTBLOCK */
};

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

int regs_was_blocked(const struct user_regs_struct *u)
{
	long result = u->rax;

	return result == -EINTR || (result <= -RESTART_SYS && result >= -RESTART_LAST);
}

/* close has closed its descriptor whatever it returns (fs/open.c); what an ioctl did before it was
 * interrupted only its driver knows. */
static int is_repeatable(unsigned long call)
{
	return call != SYS_close && call != SYS_ioctl;
}

int regs_fails(const struct user_regs_struct *u)
{
	return regs_in_syscall(u) && (long)u->rax == -EINTR;
}

int regs_repair(struct user_regs_struct *u)
{
	if (!regs_in_syscall(u) || (long)u->rax != -EINTR || !is_repeatable(u->orig_rax))
		return 0;
	u->rax = -RESTART_NO_HANDLER;
	return 1;
}

int regs_is_restarted_by_call(const struct user_regs_struct *u)
{
	return regs_in_syscall(u) && (long)u->rax == -RESTART_LAST;
}

void regs_begin_anew(struct user_regs_struct *u)
{
	u->rax = -RESTART_NO_HANDLER;
}

int regs_is_cut_short(const struct user_regs_struct *u)
{
	long done = u->rax;

	switch ((long)u->orig_rax) {
	case SYS_write:
	case SYS_pwrite64:
	case SYS_sendto:
		return done > 0 && (unsigned long)done < u->rdx;
	case SYS_recvfrom: /* without the flag it returns what has come */
		return (u->r10 & MSG_WAITALL) && done > 0 && (unsigned long)done < u->rdx;
	case SYS_getrandom:
		return done > 0 && (unsigned long)done < u->rsi;
	default:
		return 0;
	}
}
