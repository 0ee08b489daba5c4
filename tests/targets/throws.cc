/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * operator new that throws, again and again, between allocations in a known place: SIGUSR1 lets it
 * begin, and at its end it prints what "allocators" prints.
 */
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <unistd.h>

static const unsigned N = 2000, SIZE = 3000;
/* What the C++ library takes for one: of 128 bytes before it, which the ABI says, and its own. */
static const unsigned EXCEPTION = 128 + sizeof(std::bad_alloc);
static volatile sig_atomic_t begun;
static volatile size_t too_much = PTRDIFF_MAX / 2;
static unsigned thrown;

__attribute__((noinline, noipa)) static void at_thrower()
{
	void *volatile p = operator new(too_much);
	operator delete(p);
}

/* Between two that throw: what the first one left behind would show. */
__attribute__((noinline, noipa)) static void *at_between()
{
	void *volatile p = operator new(SIZE);
	return p;
}

__attribute__((noinline, noipa)) static void *at_malloc()
{
	void *volatile p = malloc(SIZE);
	return p;
}

static void turn(unsigned k)
{
	try {
		at_thrower();
	} catch (const std::bad_alloc &) {
		thrown++;
	}
	void *p = at_between(), *q = at_malloc();
	if (k % 4)
		operator delete(p);
	free(q);
	if (k % 100 == 99)
		usleep(2000);
}

int main()
{
	signal(SIGUSR1, [](int) { begun = 1; });
	setvbuf(stdout, nullptr, _IOLBF, 4096);
	printf("ready %d\n", getpid());
	while (!begun)
		usleep(1000);
	for (unsigned k = 0; k < N; k++)
		turn(k);
	if (thrown != N)
		abort();
	printf("truth at_between %u %u %u %u %u\n", N, N * SIZE, N / 4, N / 4 * SIZE, SIZE);
	printf("truth at_malloc %u %u 0 0 %u\n", N, N * SIZE, SIZE);
	printf("truth at_thrower %u %u 0 0 %u\n", N, N * EXCEPTION, EXCEPTION);
	printf("truth done 1\n");
	for (;;)
		pause();
}
