/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates in known places from the first moment on: where its library begins, where it begins
 * itself, in main and at its end; and says how much. Exits with 7. As C++ and as C.
 *
 * begins [OBJECTS]: so many of 100 bytes in main, one after the other, each freed at once
 *
 * -DLIBRARY: the library. -DALONE: a program without one.
 */
#include <stdio.h>
#include <stdlib.h>

#define PLACE __attribute__((noinline, noclone)) static void

#ifdef __cplusplus
#define EXTERN extern "C"
#else
#define EXTERN extern
#endif

static void *seen(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

#ifdef LIBRARY

EXTERN void library_has_begun(void);

void library_has_begun(void)
{
}

PLACE in_library(void)
{
	for (int i = 0; i < 40; i++) {
		void *p = seen(malloc(500));
		if (i % 2)
			free(p);
	}
}

__attribute__((constructor)) static void library_begins(void)
{
	in_library();
}

#else

EXTERN void library_has_begun(void);

PLACE in_initializer(void)
{
	for (int i = 0; i < 50; i++) {
#ifdef __cplusplus
		char *p = new char[700];
		seen(p);
		if (i % 5 == 0)
			delete[] p;
#else
		void *p = seen(malloc(700));
		if (i % 5 == 0)
			free(p);
#endif
	}
}

#ifdef __cplusplus
static struct initialized {
	initialized()
	{
		in_initializer();
	}
} initialized;
#else
__attribute__((constructor)) static void program_begins(void)
{
	in_initializer();
}
#endif

PLACE in_main(void)
{
	for (int i = 0; i < 60; i++)
		seen(realloc(seen(calloc(3, 100)), 900));
}

PLACE at_end(void)
{
	for (int i = 0; i < 30; i++)
		seen(malloc(350));
}

PLACE in_storm(long n)
{
	for (long i = 0; i < n; i++)
		free(seen(malloc(100)));
}

static void tell(const char *place, long objects, long bytes, long live_objects, long live_bytes)
{
	printf("truth %s %ld %ld %ld %ld\n", place, objects, bytes, live_objects, live_bytes);
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 0;

#ifndef ALONE
	library_has_begun();
	tell("in_library", 40, 40 * 500, 20, 20 * 500);
#endif
	atexit(at_end);
	in_main();
	in_storm(n);
	tell("in_initializer", 50, 50 * 700, 40, 40 * 700);
	tell("in_main", 120, 60 * 1200, 60, 60 * 900);
	tell("at_end", 30, 30 * 350, 30, 30 * 350);
	if (n)
		tell("in_storm", n, n * 100, 0, 0);
	return 7;
}

#endif
