/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walks: what compilers and libraries make of the stack, each once or a few times, to be run one
 * instruction at a time. Prints what it computed, so that nothing of it is left out.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define FRAME	   __attribute__((noinline))
#define KEEP(x)	   __asm__ volatile("" : "+r"(x)::"memory")
#define KEEP_FRAME __asm__ volatile("" ::: "memory")

static volatile int zero;
static uint64_t sum;

/* --- frames ------------------------------------------------------------------------------- */

static FRAME int leaf_red_zone(int x)
{
	volatile int a[4];

	for (int i = 0; i < 4; i++)
		a[i] = x + i;
	return a[x & 3];
}

/* All callee-saved registers are pushed. */
static FRAME long many_registers(long a, long b, long c, long d, long e, long f)
{
	long x[6] = {a * 3, b * 5, c * 7, d * 11, e * 13, f * 17};

	for (int i = 0; i < 3; i++) {
		x[0] += leaf_red_zone(x[1]);
		x[1] ^= x[2] + a;
		x[2] += x[3] * b;
		x[3] ^= x[4] + c;
		x[4] += x[5] * d;
		x[5] ^= x[0] + leaf_red_zone(e) + f;
	}
	return x[0] + x[1] + x[2] + x[3] + x[4] + x[5];
}

static FRAME long stack_arguments(
	long a, long b, long c, long d, long e, long f, long g, long h, long i)
{
	return a + b + c + d + e + f + many_registers(g, h, i, a, b, c);
}

static FRAME size_t variable_array(size_t n)
{
	char text[n];

	memset(text, 'x', n - 1);
	text[n - 1] = '\0';
	KEEP_FRAME;
	return strlen(text);
}

static FRAME size_t alloca_twice(size_t n)
{
	size_t all = 0;

	for (size_t i = 1; i <= n; i++) {
		char *p = alloca(16 * i);
		memset(p, 1, 16 * i);
		KEEP(p);
		all += variable_array(8 + i);
	}
	return all;
}

/* The compiler realigns sp and finds its own arguments by another register (gcc's DRAP). */
static FRAME long aligned_frame(long a, long b, long c, long d, long e, long f, long g)
{
	char room[128] __attribute__((aligned(64)));

	memset(room, (int)g, sizeof(room));
	KEEP_FRAME;
	return room[a & 63] + leaf_red_zone(b) + c + d + e + f + ((uintptr_t)room & 63);
}

static FRAME long aligned_with_alloca(long n)
{
	char room[96] __attribute__((aligned(32)));
	char *p = alloca(n);

	memset(room, 2, sizeof(room));
	memset(p, 3, n);
	KEEP(p);
	return room[n & 31] + p[n - 1] + leaf_red_zone(n);
}

static FRAME long large_frame(long x)
{
	volatile char room[9000];

	room[x] = room[8999] = 1;
	return room[x] + leaf_red_zone(x);
}

static FRAME double variadic(int n, ...)
{
	va_list list;
	double all = 0;

	va_start(list, n);
	for (int i = 0; i < n; i++)
		all += i & 1 ? va_arg(list, double) : (double)va_arg(list, int);
	va_end(list);
	return all + leaf_red_zone(n);
}

struct large {
	long v[20];
};

static FRAME struct large by_value(struct large a)
{
	for (int i = 0; i < 20; i++)
		a.v[i] += leaf_red_zone(a.v[i]);
	return a;
}

static FRAME long tail_target(long a)
{
	long x = a + leaf_red_zone(a);

	KEEP(x);
	return x;
}

static FRAME long tail_call(long a)
{
	long x = many_registers(a, 1, 2, 3, 4, 5);

	return tail_target(x & 7);
}

/* The usual path needs no frame, the other does, and the last is cold. */
static FRAME long shrink_wrapped(long a)
{
	if (__builtin_expect(a > 3, 1))
		return a * 2;
	if (__builtin_expect(a == -1, 0)) {
		sum += many_registers(a, a, a, a, a, a);
		printf("cold %ld\n", a);
		return 1;
	}
	return stack_arguments(a, a, a, a, a, a, a, a, a) + leaf_red_zone(a);
}

static FRAME long jump_table(int a, long b)
{
	switch (a) {
	case 0:
		return leaf_red_zone(b);
	case 1:
		return many_registers(b, b, b, b, b, b);
	case 2:
		return shrink_wrapped(b);
	case 3:
		return tail_call(b);
	case 4:
		return large_frame(b);
	case 5:
		return alloca_twice(b);
	default:
		return -1;
	}
}

static FRAME long recursion(int depth)
{
	long room[3] = {depth, depth, depth}, x;

	KEEP_FRAME;
	x = depth ? recursion(depth - 1) + room[depth % 3] : leaf_red_zone(1);
	KEEP(x);
	return x;
}

/* --- by hand ------------------------------------------------------------------------------ */

/* With unwind information: moves sp in ways that compilers do not. */
long by_hand(long);
__asm__(".text\n"
	".type by_hand, @function\n"
	"by_hand:\n"
	"	.cfi_startproc\n"
	"	pushfq\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rbx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_rel_offset %rbx, 0\n"
	"	enter $32, $0\n"
	"	.cfi_def_cfa %rbp, 32\n"
	"	.cfi_offset %rbp, -32\n"
	"	mov %rdi, %rbx\n"
	"	call 1f\n"
	"	leave\n"
	"	.cfi_def_cfa %rsp, 24\n"
	"	.cfi_restore %rbp\n"
	"	lea 1(%rax, %rbx), %rax\n"
	"	pop %rbx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_restore %rbx\n"
	"	popfq\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	ret $0\n"
	"	.cfi_endproc\n"
	"1:	.cfi_startproc\n"
	"	xor %eax, %eax\n"
	"	.byte 0xf3\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size by_hand, . - by_hand\n");

/* A function whose first instruction faults: one byte earlier another function ends. */
long faults_at_once(long *p);
__asm__(".text\n"
	"	.cfi_startproc\n"
	"	sub $40, %rsp\n"
	"	.cfi_adjust_cfa_offset 40\n"
	"	.cfi_endproc\n"
	".type faults_at_once, @function\n"
	"faults_at_once:\n"
	"	.cfi_startproc\n"
	"	mov (%rdi), %rax\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size faults_at_once, . - faults_at_once\n");

/* --- signals and jumps --------------------------------------------------------------------- */

static sigjmp_buf back;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	sum += recursion(3) + number;
	mprotect((void *)((uintptr_t)info->si_addr & ~4095ul), 4096, PROT_READ);
}

static void on_user(int number)
{
	sum += recursion(2) + number;
	if (number == SIGUSR1)
		raise(SIGUSR2);
}

static void on_jump(int number)
{
	sum += leaf_red_zone(number);
	siglongjmp(back, 1);
}

static FRAME void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction act = {.sa_flags = flags};

	act.sa_handler = handler;
	sigaction(number, &act, NULL);
}

static FRAME void signals(void)
{
	long *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	handle(SIGSEGV, (void (*)(int))(void *)on_fault, SA_SIGINFO);
	handle(SIGUSR1, on_user, 0);
	handle(SIGUSR2, on_user, SA_NODEFER);
	handle(SIGTERM, on_jump, 0);
	sum += faults_at_once(page);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR2);
	if (!sigsetjmp(back, 1))
		sum += recursion(4) + raise(SIGTERM);
}

static FRAME void jump(jmp_buf env, int depth)
{
	if (depth == zero)
		longjmp(env, 7);
	if (depth > zero)
		jump(env, depth - 1);
	KEEP_FRAME;
}

static FRAME int jumps(void)
{
	jmp_buf env;
	int got = setjmp(env);

	if (!got)
		jump(env, 5);
	return got;
}

/* --- libraries ---------------------------------------------------------------------------- */

static int by_value_of(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	sum += leaf_red_zone(x);
	return x < y ? -1 : x > y;
}

static FRAME void library(void)
{
	int v[12] = {5, 3, 9, 1, 7, 11, 2, 8, 4, 10, 6, 0};
	char text[200], *end, *copy;
	struct timespec t;
	time_t now = 86400;
	struct tm tm;

	qsort(v, 12, sizeof(v[0]), by_value_of);
	snprintf(text, sizeof(text), "%d %s %.3f %#lx", v[3], "text", 2.5, sum);
	sum += strtol("123x", &end, 10) + (uint64_t)strtod("1.5e3", NULL);
	copy = strdup(text);
	sum += strlen(copy) + (strstr(copy, "text") != NULL) + strcspn(copy, "x");
	memmove(text + 3, text, 100);
	free(copy);
	copy = malloc(300000);
	copy[zero] = 1;
	free(copy);
	clock_gettime(CLOCK_MONOTONIC, &t);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	sum += time(NULL) > 0;
	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%F %T", &tm);
	setenv("WALKS", text, 1);
	sum += getenv("WALKS") != NULL;
}

static __attribute__((constructor)) void before_main(void)
{
	sum += recursion(2);
}

static __attribute__((destructor)) void after_main(void)
{
	sum += recursion(2);
}

static void at_exit(void)
{
	sum += recursion(1);
}

int main(void)
{
	struct large l = {{1, 2, 3}};

	atexit(at_exit);
	sum += stack_arguments(1, 2, 3, 4, 5, 6, 7, 8, 9) + alloca_twice(3);
	sum += aligned_frame(1, 2, 3, 4, 5, 6, 7) + aligned_with_alloca(24) + large_frame(5);
	sum += (uint64_t)variadic(4, 1, 2.5, 3, 4.5) + by_value(l).v[3];
	for (int i = 0; i < 7; i++)
		sum += jump_table(i, i + 1);
	sum += shrink_wrapped(-1) + recursion(40) + by_hand(zero);
	signals();
	sum += jumps();
	library();
	printf("sum %lx\n", sum);
	return 0;
}
