/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "agent/probe/way_back.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/regs.h"

#define HAS_XSTATE 1u	       /* UC_FP_XSTATE */
#define STRICT_SS  6u	       /* UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
#define MAGIC1	   0x46505853u /* FP_XSTATE_MAGIC1 */
#define MAGIC2	   0x46505845u /* FP_XSTATE_MAGIC2, behind the registers */
#define SW_BYTES   464u	       /* struct _fpx_sw_bytes lies there */
#define FXSAVE	   512u
#define MARK	   0x6b636142702b7063ull /* "cp+pBack" */
#define NO_STACK   3u	    /* flags of an alternate stack that are none: it stays as it is */
#define KNOWN	   0x2ffull /* extended registers that lie in the first WAY_BACK_FP bytes */

/* What the kernel's struct rt_sigframe begins with. */
struct sigreturn_frame {
	uint64_t restore;
	uint64_t flags, link;
	uint64_t stack_sp, stack_flags, stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trap, oldmask, cr2;
	uint64_t extended; /* address */
	uint64_t reserved[8];
	uint64_t mask;
	uint64_t mark, at; /* in the place of a siginfo, which the way back does not read */
	uint8_t info[112];
};

_Static_assert(offsetof(struct sigreturn_frame, mask) == 8 + 296, "as the kernel has it");
_Static_assert(sizeof(struct sigreturn_frame) == WAY_BACK_HEAD, "as it is read");

struct software {
	uint32_t magic, size_with_end;
	uint64_t features;
	uint32_t size;
	uint32_t unused[7];
};

/* A call that the stop has interrupted is made again, as the kernel would. */
static void set_call(struct sigreturn_frame *f, const struct user_regs_struct *regs)
{
	const long again = -512, by_call = -516, restart_syscall = 219;
	long result = regs->rax;

	if (!regs_in_syscall(regs) || ((result > again || result < by_call) && result != -EINTR))
		return;
	f->rip -= 2;
	f->rax = result == by_call ? (uint64_t)restart_syscall : regs->orig_rax;
}

static void set_registers(struct sigreturn_frame *f, const struct user_regs_struct *r)
{
	f->r8 = r->r8, f->r9 = r->r9, f->r10 = r->r10, f->r11 = r->r11;
	f->r12 = r->r12, f->r13 = r->r13, f->r14 = r->r14, f->r15 = r->r15;
	f->rdi = r->rdi, f->rsi = r->rsi, f->rbp = r->rbp, f->rbx = r->rbx;
	f->rdx = r->rdx, f->rax = r->rax, f->rcx = r->rcx, f->rsp = r->rsp;
	f->rip = r->rip, f->eflags = r->eflags;
	f->cs = r->cs, f->ss = r->ss;
}

size_t way_back_make(const struct user_regs_struct *regs, uint64_t mask, const void *extended,
	size_t n, uint64_t restore, uint8_t *out, uint64_t *at)
{
	struct sigreturn_frame f = {
		.restore = restore, .flags = HAS_XSTATE | STRICT_SS, .mask = mask};
	struct software software = {.magic = MAGIC1};
	const uint32_t magic2 = MAGIC2;

	if (n > WAY_BACK_FP)
		n = WAY_BACK_FP;
	if (n < FXSAVE + 64)
		return 0;
	uint64_t top = (regs->rsp - MEMORY_RED_ZONE - n - sizeof(magic2)) & -64ull;
	/* A frame's begin is 8 off a multiple of 16, as behind a call. */
	*at = ((top - sizeof(f)) & -16ull) - 8;
	f.mark = MARK;
	f.at = *at;
	f.extended = top;
	f.stack_flags = NO_STACK;
	set_registers(&f, regs);
	set_call(&f, regs);
	memset(out, 0, WAY_BACK_MAX);
	memcpy(out, &f, sizeof(f));
	uint8_t *fp = out + (top - *at);
	memcpy(fp, extended, n);
	memcpy(&software.features, fp + SW_BYTES, sizeof(software.features));
	software.features &= KNOWN;
	software.size = n;
	software.size_with_end = n + sizeof(magic2);
	memcpy(fp + SW_BYTES, &software, sizeof(software));
	/* Of the header that follows, too. */
	uint64_t in_use;
	memcpy(&in_use, fp + FXSAVE, sizeof(in_use));
	in_use &= KNOWN;
	memcpy(fp + FXSAVE, &in_use, sizeof(in_use));
	memcpy(fp + n, &magic2, sizeof(magic2));
	return top - *at + n + sizeof(magic2);
}

int way_back_read(const uint8_t *frame, uint64_t at, struct user_regs_struct *r, uint64_t *mask,
	uint64_t *restore)
{
	struct sigreturn_frame f;

	memcpy(&f, frame, sizeof(f));
	if (f.mark != MARK || f.at != at)
		return 0;
	r->r8 = f.r8, r->r9 = f.r9, r->r10 = f.r10, r->r11 = f.r11;
	r->r12 = f.r12, r->r13 = f.r13, r->r14 = f.r14, r->r15 = f.r15;
	r->rdi = f.rdi, r->rsi = f.rsi, r->rbp = f.rbp, r->rbx = f.rbx;
	r->rdx = f.rdx, r->rax = f.rax, r->rcx = f.rcx, r->rsp = f.rsp;
	r->rip = f.rip, r->eflags = f.eflags;
	r->orig_rax = -1; /* an interrupted call is made again from its instruction */
	*mask = f.mask;
	*restore = f.restore;
	return 1;
}
