/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries that are taken over: functions of ours are, and still do what they did.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "agent/probe/patch.h"
#include "prologues.h"

#define LOW  0x10000000ull
#define HIGH 0x20000000ull

static size_t bytes_of(const char *text, uint8_t *out)
{
	size_t n = 0;

	for (unsigned v; text[2 * n] && sscanf(text + 2 * n, "%2x", &v) == 1; n++)
		out[n] = v;
	return n;
}

static void known_allocators_fit(void **state)
{
	uint8_t code[32];
	struct patch p;

	(void)state;
	for (size_t i = 0; i < sizeof(prologues) / sizeof(*prologues); i++) {
		const struct prologue *f = &prologues[i];
		size_t n = bytes_of(f->code, code);
		enum patch_refusal why = patch_make(&p, 0x18000000, code, n, 0x48000000, LOW, HIGH);
		if (why)
			fail_msg("%s of %s: %s", f->name, f->package, patch_refusal_text(why));
		assert_memory_equal(p.saved, code + (p.address - 0x18000000), p.moved);
		assert_true(p.moved >= PATCH_JUMP && p.thunk_length <= PATCH_THUNK);
	}
}

static enum patch_refusal make(const char *code, size_t n)
{
	struct patch p;

	return patch_make(&p, 0x18000000, (const uint8_t *)code, n, 0x48000000, LOW, HIGH);
}

static void what_cannot_be_moved_is_refused(void **state)
{
	struct patch p;

	(void)state;
	assert_int_equal(make("\x55\xc3", 2), PATCH_CALL);		   /* it returns at once */
	assert_int_equal(make("\x55\x53\x41\x54", 4), PATCH_SHORT);	   /* four bytes */
	assert_int_equal(make("\xe8\1\0\0\0\x90", 6), PATCH_FITS);	   /* call */
	assert_int_equal(make("\xff\x15\1\0\0\0", 6), PATCH_FITS);	   /* call *(%rip) */
	assert_int_equal(make("\xff\xd0\x90\x90\x90\x90", 6), PATCH_CALL); /* call *%rax */
	assert_int_equal(make("\xff\x50\x08\x90\x90\x90", 6), PATCH_CALL); /* call *8(%rax) */
	assert_int_equal(make("\xe3\x10\x90\x90\x90\x90", 6), PATCH_CALL); /* jrcxz */
	assert_int_equal(make("\x0f\x05\x90\x90\x90\x90", 6), PATCH_CALL); /* syscall */
	assert_int_equal(make("\xcc\x55\x53\x41\x54\x90", 6), PATCH_TAKEN);
	assert_int_equal(make("\xe9\0\0\0\x40\x90", 6), PATCH_TAKEN); /* out of the module */
	assert_int_equal(make("\xe9\0\0\0\x01\x90", 6), PATCH_FITS);
	assert_int_equal(make("\x06\x55\x53\x41\x54\x90", 6), PATCH_UNKNOWN);
	/* push, push, push, nop; jmp to the third byte; to the sixth, which stays */
	assert_int_equal(make("\x55\x53\x55\x53\x90\x90\xeb\xfa", 8), PATCH_INSIDE);
	assert_int_equal(make("\x55\x53\x55\x53\x90\x90\xeb\xfd", 8), PATCH_FITS);
	/* lea 0x100(%rip), %rax with the thunk out of its reach */
	assert_int_equal(patch_make(&p, 0x18000000, (const uint8_t *)"\x48\x8d\5\0\1\0\0", 7,
				 0x148000000, LOW, HIGH),
		PATCH_FAR);
}

/* endbr64 stays where indirect calls land. */
static void a_landing_pad_stays(void **state)
{
	static const char code[] = "\xf3\x0f\x1e\xfa\x41\x54\x55\x48\x89\xfb";
	struct patch p;

	(void)state;
	assert_int_equal(
		patch_make(&p, 0x18000000, (const uint8_t *)code, 10, 0x48000000, LOW, HIGH),
		PATCH_FITS);
	assert_int_equal(p.address, 0x18000004);
	assert_int_equal(p.moved, 6);
}

static void threads_go_on_where_they_were(void **state)
{
	struct patch p;

	(void)state;
	/* push %r12; push %rbp; push %rbx; mov %rdi, %rbx */
	assert_int_equal(patch_make(&p, 0x18000000, (const uint8_t *)"\x41\x54\x55\x53\x48\x89\xfb",
				 7, 0x48000000, LOW, HIGH),
		PATCH_FITS);
	static const uint32_t at[] = {0, 2, 3, 4};
	assert_int_equal(p.n, 4);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(patch_moved_pc(&p, 0x18000000 + at[i]), 0x48000000 + at[i]);
		assert_int_equal(patch_restored_pc(&p, 0x48000000 + at[i]), 0x18000000 + at[i]);
	}
	assert_int_equal(patch_moved_pc(&p, 0x18000000), 0x18000000);
	assert_int_equal(patch_moved_pc(&p, 0x18000001), 0);
	assert_int_equal(patch_moved_pc(&p, 0x18000007), 0x18000007);
	assert_int_equal(patch_restored_pc(&p, 0x48000007), 0x18000007);
	assert_int_equal(patch_restored_pc(&p, 0x48000001), 0);
}

/* --- functions that are taken over in earnest: each has another thing that must be moved --- */

#define F(name, text)                                                                              \
	extern const uint8_t name[], name##_end[];                                                 \
	__asm__(".text\n.balign 16\n" #name ":\n" text "\n" #name "_end:\n")

F(f_memory, "movl f_word(%rip), %eax\n add %edi, %eax\n ret");
F(f_memory_immediate,
	"cmpb $42, f_word(%rip)\n je 1f\n mov $1, %eax\n ret\n1: lea 5(%rdi), %eax\n ret");
F(f_short, "test %edi, %edi\n je 1f\n lea 1(%rdi), %eax\n ret\n1: mov $-7, %eax\n ret");
F(f_long, "test %edi, %edi\n .byte 0x0f, 0x8f\n .long 1f - . - 4\n mov $3, %eax\n ret\n"
	  "1: lea (%rdi,%rdi), %eax\n ret");
F(f_jump, ".byte 0xe9\n .long 1f - . - 4\n ud2\n1: lea 9(%rdi), %eax\n ret");
F(f_near, "jmp 1f\n .skip 20, 0x90\n1: lea 9(%rdi), %eax\n ret");
F(f_pad,
	"endbr64\n push %rbx\n push %r12\n mov %rdi, %rbx\n lea 2(%rbx), %eax\n pop %r12\n pop %rbx\n ret");
/* Calls that return the address they return to, less the function's. */
F(f_call, "push %rbx\n mov %edi, %ebx\n call 1f\n add %ebx, %eax\n pop %rbx\n ret\n"
	  "1: mov (%rsp), %rax\n lea f_call(%rip), %rcx\n sub %rcx, %rax\n ret");
F(f_call_slot, "call *f_slot(%rip)\n add %edi, %eax\n ret\nf_called: mov (%rsp), %rax\n"
	       "lea f_call_slot(%rip), %rcx\n sub %rcx, %rax\n ret");
__asm__(".data\nf_word: .long 42\n.balign 8\nf_slot: .quad f_called\n.text");

static void *room_near(const uint8_t *f)
{
	uintptr_t at = ((uintptr_t)f & -4096ul) + (64u << 20);
	void *room = mmap((void *)at, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(room != MAP_FAILED);
	return room;
}

/* A hook that counts and goes on. */
static const uint8_t hook[] = {0xff, 0x05, 0xfa, 0x0f, 0, 0, 0xe9}; /* incl 4090(%rip); jmp */

static void check(const uint8_t *f, const uint8_t *end)
{
	uint8_t *room = room_near(f), jump[PATCH_JUMP];
	int (*call)(int) = (int (*)(int))(uintptr_t)f, want[5];
	unsigned *count = (void *)(room + 4096);
	struct patch p;

	for (int x = 0; x < 5; x++)
		want[x] = call(x - 2);
	assert_int_equal(patch_make(&p, (uintptr_t)f, f, end - f, (uintptr_t)room + 64,
				 (uintptr_t)f - 65536, (uintptr_t)f + 65536),
		PATCH_FITS);
	memcpy(room + 64, p.thunk_code, p.thunk_length);
	memcpy(room, hook, sizeof(hook));
	memcpy(room + sizeof(hook), &(int32_t){64 - (int)sizeof(hook) - 4}, 4);
	assert_int_equal(patch_jump(&p, (uintptr_t)room, jump), 0);
	uint8_t *page = (uint8_t *)((uintptr_t)p.address & -4096ul);
	assert_int_equal(mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	memcpy((void *)(uintptr_t)p.address, jump, sizeof(jump));
	for (int x = 0; x < 5; x++)
		assert_int_equal(call(x - 2), want[x]);
	assert_int_equal(*count, 5);
	memcpy((void *)(uintptr_t)p.address, p.saved, p.moved);
	assert_int_equal(call(3), want[4] + call(3) - call(2));
	assert_int_equal(*count, 5);
	munmap(room, 8192);
}

static void taken_functions_do_what_they_did(void **state)
{
	(void)state;
	check(f_memory, f_memory_end);
	check(f_memory_immediate, f_memory_immediate_end);
	check(f_short, f_short_end);
	check(f_long, f_long_end);
	check(f_jump, f_jump_end);
	check(f_near, f_near_end);
	check(f_pad, f_pad_end);
	check(f_call, f_call_end);
	check(f_call_slot, f_call_slot_end);
}

static void any_bytes_are_taken_or_refused(void **state)
{
	struct patch p;
	unsigned fits = 0;

	(void)state;
	srandom(7);
	for (int round = 0; round < 200000; round++) {
		size_t n = random() % 48;
		uint8_t *code = malloc(n + 1); /* an overrun is seen by a sanitizer */
		for (size_t i = 0; i < n; i++)
			code[i] = random();
		code = realloc(code, n ? n : 1);
		if (patch_make(&p, 0x18000000, code, n, 0x48000000, LOW, HIGH) == PATCH_FITS) {
			fits++;
			assert_true(p.moved >= PATCH_JUMP && p.moved <= PATCH_MOVED);
			assert_true(p.thunk_length <= PATCH_THUNK && p.n <= PATCH_PARTS);
			assert_int_equal(patch_restored_pc(&p, p.thunk + p.thunk_length - 5),
				p.address + p.moved);
		}
		free(code);
	}
	assert_true(fits > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_allocators_fit),
		cmocka_unit_test(what_cannot_be_moved_is_refused),
		cmocka_unit_test(a_landing_pad_stays),
		cmocka_unit_test(threads_go_on_where_they_were),
		cmocka_unit_test(taken_functions_do_what_they_did),
		cmocka_unit_test(any_bytes_are_taken_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
