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
	.long PROBE_FUNCTIONS
	/* in the order of their numbers */
	.irp name, malloc, free, calloc, realloc, reallocarray, memalign, aligned_alloc, \
		posix_memalign, valloc, pvalloc, new, new_array, new_nothrow, new_array_nothrow, \
		new_aligned, new_array_aligned, new_aligned_nothrow, new_array_aligned_nothrow, \
		delete, delete_array, delete_sized, delete_array_sized, delete_nothrow, \
		delete_array_nothrow, delete_aligned, delete_array_aligned, delete_sized_aligned, \
		delete_array_sized_aligned, free_sized, free_aligned_sized, cfree
	.long hook_\name - probe_head
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
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	sub $56, %rsp
	.endm

	.macro arguments
	mov 56(%rsp), %rdi
	mov 64(%rsp), %rsi
	mov 72(%rsp), %rdx
	mov 80(%rsp), %rcx
	.endm

	.macro leave_frame
	add $88, %rsp
	pop %rbx
	pop %rbp
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	.endm

/* Asks whether the original is to be called from here; jumps to it if not. */
	.macro ask number
	enter
	mov %rsp, %rdi
	mov $\number, %esi
	call probe_before
	test %eax, %eax
	arguments
	jne 5f
4:	leave_frame
	jmp probe_thunks + \number * PROBE_THUNK_SIZE
5:
	.endm

/* The thread's slot, if it is where it belongs, with enough left for the bytes in rdi: goes on with
 * the original; else falls through. */
	.macro fast number
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
1:
	.endm

/* It has all been said of what came back, which is in rax. */
	.macro done
	mov %rsp, %rdi
	mov %rax, %rsi
	call probe_after
	leave_frame
	ret
	.endm

/* Calls the original, which does not throw. */
	.macro framed name, number
hook_\name:
	ask \number
	call probe_thunks + \number * PROBE_THUNK_SIZE
	done
	.endm

/* Allocates with a function that does not throw, and leaves it to the original to do so. */
	.macro throwing name, number, by
	ask \number
	.if \by == PROBE_ALIGNED_ALLOC /* (size, alignment) there, (alignment, size) here */
	xchg %rdi, %rsi
	.endif
	call probe_thunks + \by * PROBE_THUNK_SIZE
	test %rax, %rax
	jne 6f
	mov %rsp, %rdi
	xor %esi, %esi
	call probe_after
	arguments
	jmp 4b
6:	done
	.endm

	.macro releasing name, number
hook_\name:
	mov %rdi, %rax
	shr $4, %rax
	imul $0x9e3779b1, %eax, %eax
	shr $16, %eax
	lea probe_filter(%rip), %r11
	cmpb $0, (%r11, %rax)
	jne 1f
	jmp probe_thunks + \number * PROBE_THUNK_SIZE
1:	push %rdi
	push %rsi
	push %rdx
	push %rcx
	sub $8, %rsp
	call probe_release
	add $8, %rsp
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
	jmp probe_thunks + \number * PROBE_THUNK_SIZE
	.endm

	.balign 64
hook_malloc:
	fast PROBE_MALLOC
	ask PROBE_MALLOC
	call probe_thunks + PROBE_MALLOC * PROBE_THUNK_SIZE
	done
	.balign 64
	releasing free, PROBE_FREE
	.balign 64
hook_new:
	fast PROBE_NEW
	throwing new, PROBE_NEW, PROBE_MALLOC
	.balign 64
hook_new_array:
	fast PROBE_NEW_ARRAY
	throwing new_array, PROBE_NEW_ARRAY, PROBE_MALLOC
	.balign 64
	releasing delete, PROBE_DELETE
	.balign 64
	releasing delete_sized, PROBE_DELETE_SIZED
	releasing delete_array, PROBE_DELETE_ARRAY
	releasing delete_array_sized, PROBE_DELETE_ARRAY_SIZED
	releasing delete_nothrow, PROBE_DELETE_NOTHROW
	releasing delete_array_nothrow, PROBE_DELETE_ARRAY_NOTHROW
	releasing delete_aligned, PROBE_DELETE_ALIGNED
	releasing delete_array_aligned, PROBE_DELETE_ARRAY_ALIGNED
	releasing delete_sized_aligned, PROBE_DELETE_SIZED_ALIGNED
	releasing delete_array_sized_aligned, PROBE_DELETE_ARRAY_SIZED_ALIGNED
	releasing free_sized, PROBE_FREE_SIZED
	releasing free_aligned_sized, PROBE_FREE_ALIGNED_SIZED
	releasing cfree, PROBE_CFREE
hook_new_aligned:
	throwing new_aligned, PROBE_NEW_ALIGNED, PROBE_ALIGNED_ALLOC
hook_new_array_aligned:
	throwing new_array_aligned, PROBE_NEW_ARRAY_ALIGNED, PROBE_ALIGNED_ALLOC
	framed calloc, PROBE_CALLOC
	framed realloc, PROBE_REALLOC
	framed reallocarray, PROBE_REALLOCARRAY
	framed memalign, PROBE_MEMALIGN
	framed aligned_alloc, PROBE_ALIGNED_ALLOC
	framed posix_memalign, PROBE_POSIX_MEMALIGN
	framed valloc, PROBE_VALLOC
	framed pvalloc, PROBE_PVALLOC
	framed new_nothrow, PROBE_NEW_NOTHROW
	framed new_array_nothrow, PROBE_NEW_ARRAY_NOTHROW
	framed new_aligned_nothrow, PROBE_NEW_ALIGNED_NOTHROW
	framed new_array_aligned_nothrow, PROBE_NEW_ARRAY_ALIGNED_NOTHROW

	.section .rodata.zz, "a"
probe_end:
