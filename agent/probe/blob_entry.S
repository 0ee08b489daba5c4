/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the functions that are taken over begin now. What is not sampled goes to the original with
 * a jump, every register as it was but for those that a call may change and that hold no argument:
 * rax, r10, r11.
 */
#include "agent/probe/layout.h"

	.section .note.GNU-stack, "", @progbits

	.section .head, "ax"
probe_head:
	.quad PROBE_MAGIC
	.long probe_end - probe_head
	.long 0
	.altmacro
	.macro offset n
	.long hook_\n - probe_head
	.endm
	.set i, 0
	.rept PROBE_HOOKS
	offset %i
	.set i, i + 1
	.endr

	.text
/* The caller's registers and the arguments, as struct call in blob.c; rsp is a multiple of 16 then.
 */
	.macro enter
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbp
	push %rbx
	push %r9
	push %r8
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	sub $CALL_FRAME, %rsp
	.endm

	.macro arguments
	mov CALL_FRAME(%rsp), %rdi
	mov CALL_FRAME + 8(%rsp), %rsi
	mov CALL_FRAME + 16(%rsp), %rdx
	mov CALL_FRAME + 24(%rsp), %rcx
	mov CALL_FRAME + 32(%rsp), %r8
	mov CALL_FRAME + 40(%rsp), %r9
	.endm

	.macro leave_frame
	add $CALL_FRAME + 48, %rsp
	pop %rbx
	pop %rbp
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	.endm

/* The thread's slot, if it is where it belongs, with enough left for the bytes in rdi: goes on with
 * the original; else falls through. */
	.macro quick number
	.balign 64
hook_\number:
	mov %fs:0, %rax
	mov %rax, %r10
	shr $6, %r10
	imul $0x9e3779b1, %r10d, %r10d
	shr $20, %r10d
	shl $6, %r10d
	lea probe_slots(%rip), %r11
	add %r11, %r10
	cmp %rax, (%r10)
	jne 1f
	mov 8(%r10), %rax
	sub %rdi, %rax
	jb 1f
	mov %rax, 8(%r10)
	jmp probe_thunks + \number * PROBE_THUNK_SIZE
1:	mov $\number, %eax
	jmp framed
	.endm

	.macro frees number
	.balign 64
hook_\number:
	mov %rdi, %rax
	shr $4, %rax
	imul $0x9e3779b1, %eax, %eax
	shr $16, %eax
	lea probe_filter(%rip), %r11
	cmpb $0, (%r11, %rax)
	jne 1f
	jmp probe_thunks + \number * PROBE_THUNK_SIZE
1:	mov $\number, %eax
	jmp releasing
	.endm

	.macro slow number
	.balign 16
hook_\number:
	mov $\number, %eax
	jmp framed
	.endm

	.set i, 0
	.rept PROBE_QUICK
	quick %i
	.set i, i + 1
	.endr
	.rept PROBE_FREES
	frees %i
	.set i, i + 1
	.endr
	.rept PROBE_FRAMED
	slow %i
	.set i, i + 1
	.endr

/* The original of the hook whose number is there, into r11. */
	.macro original where
	mov \where, %r11d
	shl $6, %r11d /* PROBE_THUNK_SIZE */
	lea probe_thunks(%rip), %rax
	add %rax, %r11
	.endm

/* Asks whether the original is to be called from here; jumps to it if not. The number of the hook
 * is in eax. One that may throw is done by another that does not: it is left to itself only where
 * that one fails. No address of ours is left behind on the stack, where nobody could tell it from
 * one that is still needed. */
	.balign 64
framed:
	enter
	mov %rsp, %rdi
	mov %eax, %esi
	call probe_before
	test %eax, %eax
	arguments
	jne 5f
4:	movq $0, -8(%rsp)
	original CALL_HOOK(%rsp)
	leave_frame
	jmp *%r11
5:	testl $CALL_SWAPS, CALL_FLAGS(%rsp)
	je 6f
	xchg %rdi, %rsi
6:	original CALL_BY(%rsp)
	call *%r11
	test %rax, %rax
	jne 7f
	testl $CALL_THROWS, CALL_FLAGS(%rsp)
	je 7f
	mov %rsp, %rdi
	xor %esi, %esi
	call probe_after
	arguments
	jmp 4b
7:	mov %rsp, %rdi
	mov %rax, %rsi
	call probe_after
	movq $0, -8(%rsp)
	cmpl $0, CALL_SAMPLED(%rsp)
	je 9f
	mov $-40, %rcx
8:	movq $0, (%rsp, %rcx, 8)
	inc %rcx
	jne 8b
9:	leave_frame
	ret

releasing:
	push %rdi
	push %rsi
	push %rdx
	push %rcx
	push %r8
	push %r9
	push %rax
	call probe_release
	movq $0, -8(%rsp)
	pop %rax
	pop %r9
	pop %r8
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	shl $6, %eax /* PROBE_THUNK_SIZE */
	lea probe_thunks(%rip), %r11
	add %rax, %r11
	jmp *%r11

	.section .rodata.zz, "a"
probe_end:
