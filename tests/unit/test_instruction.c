/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions against the assembler, which knows where each begins and ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/instruction.h"

/* Its address goes to a list, the end of the last one too. */
#define I(text) "1: " text "\n.pushsection instructions, \"aw\"\n.quad 1b\n.popsection\n"

extern const uint8_t *const __start_instructions[], *const __stop_instructions[];
extern const uint8_t instruction_immediates[];
__asm__(".text\n" /* clang-format off */
	I("push %rbx") I("push %r12") I("push $1") I("push $0x12345") I("push 8(%rdi)")
	I("sub $8, %rsp") I("sub $0x1000, %rsp") I("add $-128, %rsp") I("and $-64, %rsp")
	I("mov %rsp, %rbp") I("mov 8(%rsp), %r13") I("mov -8(%rbp), %rbx") I("lea -16(%rbp), %rsp")
	I("lea 0x12345(%rip), %rdi") I("mov %fs:0x28, %rax") I("movabs $0x123456789abcdef, %rax")
	I("movabs %al, 0x123456789abcdef") I("mov $0x1234, %ax") I("mov $0x12345678, %r9d")
	I("mov $-1, %rdx") I("movw $0x1234, 2(%rdi)") I("testb $1, (%rdi)") I("testl $0x100, (%rax,%rbx,8)")
	I("notq (%rdi)") I("negl %eax") I("cmpq $0, 0x1234567(,%rax,4)") I("imul $100, %rax, %rbx")
	I("imul $100000, (%rdi), %rbx") I("movzbl (%rsi), %eax") I("movslq %edi, %rax")
	I("bt $5, %rax") I("shld $3, %rax, %rbx") I("shl %rax") I("sar $7, 8(%rsp)") I("cmovne %rax, %rbx")
	I("sete %al") I("lock cmpxchg16b (%rdi)") I("xadd %eax, (%rdi)") I("rep stosq") I("repne scasb")
	I("syscall") I("cpuid") I("rdtsc") I("pause") I("endbr64") I("nopw 0x0(%rax,%rax,1)") I("ud2")
	I("enter $0x20, $0") I("leave") I("ret") I("ret $16") I("jmp *%rax") I("notrack jmp *%rcx")
	I("jmp *8(%rdi,%rcx,8)") I("call *0x1234(%rip)") I("addr32 call instruction_immediates")
	I("jmp instruction_immediates") I("jne instruction_immediates") I("loop 1b") I("jrcxz 1b")
	I("fldt 16(%rsp)") I("fstp %st(1)") I("fnstcw 8(%rsp)") I("movups %xmm0, 16(%rsp)")
	I("pshufd $0x4e, %xmm1, %xmm2") I("pshufb %xmm1, %xmm2") I("palignr $4, %xmm1, %xmm2")
	I("pcmpistri $0x1a, (%rdi), %xmm1") I("psrldq $8, %xmm1") I("cvttsd2si %xmm0, %rax") I("emms")
	I("crc32q %rax, %rbx") I("bswap %r10") I("popcnt %rax, %rbx") I("pinsrw $3, %eax, %xmm0")
	I("vzeroupper") I("vmovdqu (%rsi), %ymm0") I("vpcmpeqb (%rdi,%rcx), %ymm1, %ymm2")
	I("vpalignr $4, %ymm1, %ymm2, %ymm3") I("vinserti128 $1, (%rdi), %ymm1, %ymm2") I("shlx %rax, %rbx, %rcx")
	I("rorx $5, %rax, %rbx") I("vpsrldq $8, %ymm1, %ymm2") I("vmovdqu64 64(%rsi), %zmm16")
	I("vpternlogd $0xff, %zmm1, %zmm2, %zmm3") I("vpcmpub $4, %zmm1, %zmm2, %k1") I("kmovq %k1, %rax")
	I(".skip 1, 0x90") "instruction_immediates: add $-5, %eax\n" /* clang-format on */);

static void lengths_are_the_assemblers(void **state)
{
	struct instruction i;
	size_t n = __stop_instructions - __start_instructions;

	(void)state;
	assert_true(n > 80);
	for (size_t k = 0; k + 1 < n; k++) {
		const uint8_t *p = __start_instructions[k];
		size_t length = __start_instructions[k + 1] - p;
		if (instruction_decode(p, 15, &i) < 0 || i.length != length)
			fail_msg("instruction %zu (%02x %02x %02x): %u, not %zu", k, p[0], p[1],
				p[2], i.length, length);
		assert_int_equal(instruction_decode(p, length, &i), 0);
		assert_int_equal(instruction_decode(p, length - 1, &i), -1);
	}
}

static void parts_are_found(void **state)
{
	static const uint8_t ret[] = {0xf3, 0xc3}, wide[] = {0x0f, 0xc3, 0x07},
			     none[] = {0x06, 0, 0, 0}, prefixes[20] = {[0 ... 19] = 0x66};
	struct instruction i;

	(void)state;
	assert_int_equal(instruction_decode(instruction_immediates, 15, &i), 0);
	assert_int_equal(i.opcode, 0x83);
	assert_int_equal(i.immediate, -5);
	assert_ptr_equal(i.modrm, instruction_immediates + 1);
	assert_int_equal(instruction_decode(ret, sizeof(ret), &i), 0);
	assert_true(i.is_return);
	assert_int_equal(instruction_decode(wide, sizeof(wide), &i), 0);
	assert_true(i.is_wide && !i.is_return);
	assert_int_equal(instruction_decode(none, sizeof(none), &i), -1);
	assert_int_equal(instruction_decode(prefixes, sizeof(prefixes), &i), -1);
	assert_int_equal(instruction_decode(ret, 0, &i), -1);
}

/* Whatever the bytes are: no length beyond what may be read. */
static void any_bytes_are_survived(void **state)
{
	uint8_t bytes[15];
	uint32_t seed = 1;
	struct instruction i;

	(void)state;
	for (int k = 0; k < 300000; k++) {
		for (size_t b = 0; b < sizeof(bytes); b++)
			bytes[b] = (seed = seed * 1664525 + 1013904223) >> 24;
		size_t n = k % 16;
		if (instruction_decode(bytes, n, &i) == 0)
			assert_true(i.length >= 1 && i.length <= n);
	}
}

static void marks_are_passed_over(void **state)
{
	static const uint8_t both[] = {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25},
			     notrack[] = {0x3e, 0xff, 0x25, 0, 0},
			     endbr32[] = {0xf3, 0x0f, 0x1e, 0xfb, 0xff};

	(void)state;
	assert_int_equal(instruction_marks(both), 5);
	assert_int_equal(instruction_marks(both + 1), 0);
	assert_int_equal(instruction_marks(notrack), 1);
	assert_int_equal(instruction_marks(endbr32), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_the_assemblers),
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(any_bytes_are_survived),
		cmocka_unit_test(marks_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
