/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions as compilers make them, at each of their instructions: whether they have their frame,
 * and where the return address is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "unwind/frameless.h"

/* One instruction, and where the return address is before it: bytes above the stack pointer, or -1
 * where rbp leads to it. */
struct instruction {
	const char *bytes;
	size_t n;
	int above;
};

#define I(bytes, above)                                                                            \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, above                                                    \
	}

static void check(const char *what, const struct instruction *v, size_t n)
{
	/* What lies around is no code that could mislead. */
	unsigned char all[512];
	size_t at = 128;

	memset(all, 0x90, sizeof(all));
	for (size_t i = 0; i < n; i++) {
		memcpy(all + at, v[i].bytes, v[i].n);
		at += v[i].n;
	}
	memset(all + at, 0xcc, 8);
	at = 128;
	for (size_t i = 0; i < n; i++) {
		int found = frameless_return(all + at - CODE_BEFORE);
		if (found != v[i].above)
			fail_msg("%s: instruction %zu: %d, not %d", what, i, found, v[i].above);
		at += v[i].n;
	}
}

#define CHECK(what, ...)                                                                           \
	do {                                                                                       \
		static const struct instruction v_[] = {__VA_ARGS__};                              \
		check(what, v_, sizeof(v_) / sizeof(*v_));                                         \
	} while (0)

static void plain_functions(void **state)
{
	(void)state;
	CHECK("gcc, no locals", I("\x55", 0), I("\x48\x89\xe5", 8),
		I("\x48\x6b\xc0\x1d\x48\xff\xcf\x75\xf7\x48\x6b\xc0\x1d\x48\xff\xcf", -1),
		I("\x5d", -1), I("\xc3", 0));
	CHECK("clang, leave", I("\x55", 0), I("\x48\x89\xe5", 8), I("\x48\x83\xec\x40", -1),
		I("\x48\x8b\x7d\xf8\xff\x15\x10\x20\x30\x40", -1), I("\x48\x89\xc3", -1),
		I("\xc9", -1), I("\xc3", 0));
	CHECK("endbr64 before, bnd ret", I("\xf3\x0f\x1e\xfa", 0), I("\x55", 0),
		I("\x48\x89\xe5", 8), I("\xe8\x10\x20\x30\x40", -1), I("\x5d", -1),
		I("\xf2\xc3", 0));
}

/* node 20, TurboFan: asks whether it was deoptimized, then makes its frame; takes its arguments
 * along, a number of bytes or as many as were passed. */
static void functions_of_v8(void **state)
{
	(void)state;
	CHECK("TurboFan", I("\x8b\x59\xd0", 0), I("\x48\x03\xd9", 0),
		I("\xf7\x43\x17\x00\x00\x00\x20", 0), I("\x0f\x85\x11\x22\x33\x04", 0),
		I("\x55", 0), I("\x48\x89\xe5", 8), I("\x56", -1), I("\x57", -1), I("\x50", -1),
		I("\x48\x83\xec\x08", -1), I("\x49\x3b\x65\xa0", -1), I("\xe8\x11\x22\x33\x04", -1),
		I("\x48\x8b\x4d\xe8", -1), I("\x48\x8b\xe5", -1), I("\x5d", -1),
		I("\x48\x83\xf9\x02", 0), I("\x7f\x03", 0), I("\xc2\x10\x00", 0));
}

/* java 17: touches the stack below, asks for a safepoint when its frame is gone. */
static void functions_of_hotspot(void **state)
{
	(void)state;
	CHECK("C2 with calls", I("\x89\x84\x24\x00\xc0\xfe\xff", 0), I("\x55", 0),
		I("\x48\x8b\xec", 8), I("\x48\x83\xec\x20", -1), I("\x89\x34\x24", -1),
		I("\xff\xce", -1), I("\x66\x90", -1), I("\xe8\x11\x22\x33\x44", -1),
		I("\xff\xc0", -1), I("\x48\x83\xc4\x20", -1), I("\x5d", -1),
		I("\x49\x3b\xa7\x38\x03\x00\x00", 0), I("\x0f\x87\x11\x22\x33\x04", 0),
		I("\xc3", 0));
	CHECK("C2 without", I("\x48\x81\xec\x18\x00\x00\x00", 0), I("\x48\x89\x6c\x24\x10", 24),
		I("\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6", -1),
		I("\x48\x83\xc4\x10", -1), I("\x5d", -1), I("\xc3", 0));
	CHECK("a large frame", I("\x48\x81\xec\x18\x02\x00\x00", 0),
		I("\x48\x89\xac\x24\x10\x02\x00\x00", 0x218),
		I("\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6\x8b\xc6", -1),
		I("\x48\x81\xc4\x10\x02\x00\x00", -1), I("\x5d", -1), I("\xc3", 0));
	CHECK("a small one", I("\x48\x83\xec\x18", 0), I("\x48\x89\x6c\x24\x10", 24));
}

/* Nothing there looks like an end: it has its frame. */
static void other_code(void **state)
{
	unsigned char code[CODE_BYTES];

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		memset(code, byte, sizeof(code));
		int is_end = byte == 0xc3;
		assert_int_equal(frameless_return(code), is_end ? 0 : -1);
	}
	/* A function before the next one. */
	memset(code, 0x90, sizeof(code));
	memcpy(code + CODE_BEFORE + 20, "\xc3\x55\x48\x89\xe5", 5);
	assert_int_equal(frameless_return(code), -1);
	memcpy(code + CODE_BEFORE + 20, "\xcc\x55\x48\x89\xe5", 5);
	assert_int_equal(frameless_return(code), -1);
	/* A store that no frame can have. */
	memset(code, 0x90, sizeof(code));
	memcpy(code + CODE_BEFORE - 4, "\x48\x83\xec\x18\x48\x89\x6c\x24\xf0", 9);
	assert_int_equal(frameless_return(code), -1);
	memcpy(code + CODE_BEFORE - 4, "\x48\x83\xec\x18\x48\x89\xac\x24\xff\xff\xff\x7f", 12);
	assert_int_equal(frameless_return(code), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_functions),
		cmocka_unit_test(functions_of_v8),
		cmocka_unit_test(functions_of_hotspot),
		cmocka_unit_test(other_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
