/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame for rt_sigreturn(2) that brings a thread back to where it was: put on its stack before it
 * makes a call for us, so that it goes on by itself should we die meanwhile. Where the thread has a
 * shadow stack it does not: the "ret" that begins the way was never called. Sources:
 * arch/x86/kernel/signal_64.c, arch/x86/kernel/fpu/signal.c.
 */
#ifndef PROBE_WAY_BACK_H
#define PROBE_WAY_BACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#define WAY_BACK_MAX 4096u /* bytes of a frame */
#define WAY_BACK_FP  2696u /* of these, of the extended registers: up to AVX-512 and PKRU */

/* The frame of a thread with those registers, signal mask and extended registers (n bytes as
 * PTRACE_GETREGSET has them, changed here), below its stack pointer. restore: address of code that
 * calls rt_sigreturn. Its bytes into out, at most WAY_BACK_MAX; their number, and in *at where they
 * belong: a "ret" with that stack pointer begins the way. 0: it cannot be made. */
size_t way_back_make(const struct user_regs_struct *regs, uint64_t mask, const void *extended,
	size_t n, uint64_t restore, uint8_t *out, uint64_t *at);

/* Bytes from a frame's begin that way_back_read looks at. */
#define WAY_BACK_HEAD (8 + 304 + 128)
#define WAY_BACK_TEXT 112 /* of these, the last: free for any use */

/* Whether that is a frame of ours at that address: then the registers and the mask of its thread,
 * but for those that are not in it, and its restore. */
int way_back_read(const uint8_t *frame, uint64_t at, struct user_regs_struct *regs, uint64_t *mask,
	uint64_t *restore);

#endif
