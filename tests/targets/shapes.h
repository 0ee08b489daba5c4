/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of many shapes of frame. SHAPE_x(call): the body of a function that has such a frame
 * while it makes the call; n is its parameter, a small number that no compiler knows.
 */
#ifndef SHAPES_H
#define SHAPES_H

#include <alloca.h>

#include "target.h"

#define SHAPES(X, y)                                                                               \
	X(y, plain)                                                                                \
	X(y, locals)                                                                               \
	X(y, just128)                                                                              \
	X(y, large)                                                                                \
	X(y, pushes)                                                                               \
	X(y, arguments)                                                                            \
	X(y, aligned)                                                                              \
	X(y, maybe)                                                                                \
	X(y, vla)                                                                                  \
	X(y, aligned_vla)

#define COUNT_SHAPE(y, shape) +1
enum { shapes = 0 SHAPES(COUNT_SHAPE, 0) };

/* Memory that has to be there before and after. */
#define USED(p) __asm__ volatile("" : : "r"(p) : "memory")

#define SHAPE_plain(call) call

#define SHAPE_locals(call)                                                                         \
	char room[40];                                                                             \
	USED(room);                                                                                \
	call;                                                                                      \
	USED(room)

/* A frame of 128 bytes, without a register that is saved: gcc adds -128 to sp for it. */
#define SHAPE_just128(call)                                                                        \
	char room[BUILT_O0 ? 112 : 128];                                                           \
	__asm__ volatile("" : "+m"(room));                                                         \
	call;                                                                                      \
	__asm__ volatile("" : "+m"(room))

#define SHAPE_large(call)                                                                          \
	char room[9000];                                                                           \
	USED(room);                                                                                \
	call;                                                                                      \
	USED(room)

#define SHAPE_pushes(call)                                                                         \
	long a = number(n), b = number(a), c = number(b), d = number(c), e = number(d);            \
	call;                                                                                      \
	__asm__ volatile("" : : "r"(a), "r"(b), "r"(c), "r"(d), "r"(e))

/* Arguments on the stack before and after, and meanwhile nothing of them. */
#define SHAPE_arguments(call)                                                                      \
	char room[24];                                                                             \
	USED(room);                                                                                \
	sum9(n, 2, 3, 4, 5, 6, 7, 8, n);                                                           \
	call;                                                                                      \
	sum9(n, 2, 3, 4, 5, 6, 7, 8, n);                                                           \
	USED(room)

#define SHAPE_aligned(call)                                                                        \
	_Alignas(64) char room[64];                                                                \
	USED(room);                                                                                \
	call;                                                                                      \
	USED(room)

/* A frame that would not be fixed with another n. */
#define SHAPE_maybe(call)                                                                          \
	char one[1], *room = one;                                                                  \
	if (n > 1000)                                                                              \
		room = alloca((size_t)n);                                                          \
	USED(room);                                                                                \
	call;                                                                                      \
	USED(room)

#define SHAPE_vla(call)                                                                            \
	char room[n * 24 + 8];                                                                     \
	USED(room);                                                                                \
	call;                                                                                      \
	USED(room)

#define SHAPE_aligned_vla(call)                                                                    \
	_Alignas(32) char fixed[32];                                                               \
	char room[n * 24 + 8];                                                                     \
	USED(fixed);                                                                               \
	USED(room);                                                                                \
	call;                                                                                      \
	USED(room);                                                                                \
	USED(fixed)

#ifdef __OPTIMIZE__
#define BUILT_O0 0
#else
#define BUILT_O0 1
#endif

static FRAME long number(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static FRAME void sum9(long a, long b, long c, long d, long e, long f, long g, long h, long i)
{
	long sum = a + b + c + d + e + f + g + h + i;

	__asm__ volatile("" : "+r"(sum));
}

#endif
