/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocates, and writes over what the allocation probe shares with its tracer, wherever it finds
 * that in itself, as a program with wild pointers does.
 *
 * scribbles MODE SEED: 1 all over it, 2 the first page (figures, and what is to be restored), 3 the
 * heads of records. It lives until SIGTERM.
 */
#include <setjmp.h>

#include "target.h"

#define PAGE   4096u
#define RECORD 16384u
#define RING   0x101000u /* from the begin of what is shared */

static sigjmp_buf back;
static volatile sig_atomic_t writes;

/* The probe has gone meanwhile. */
static void on_fault(int sig)
{
	(void)sig;
	if (writes)
		siglongjmp(back, 1);
	_exit(99);
}

static void allocate(void)
{
	for (int i = 0; i < 50; i++) {
		void *p = malloc(1000 + i);
		__asm__ volatile("" : "+r"(p) : : "memory");
		free(p);
	}
}

/* Where it is, by the name of its file. */
static int find(unsigned long *start, unsigned long *end)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512], rights[5];
	int found = 0;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%lx-%lx %4s", start, end, rights) == 3 && rights[1] == 'w' &&
			strstr(line, "/memfd:cpprof-probe");
	if (f)
		fclose(f);
	return found;
}

static unsigned long place(int mode, unsigned long size, uint32_t *seed)
{
	unsigned long at = next_random(seed);

	if (mode == 2)
		return at % PAGE;
	if (mode == 3)
		return RING + at % ((size - RING) / RECORD) * RECORD + next_random(seed) % 128;
	return at % size;
}

static uint64_t value(uint32_t *seed)
{
	uint64_t high = next_random(seed);

	return next_random(seed) & 1 ? high << 32 | next_random(seed) : high % 100;
}

static uint64_t scribble(int mode, unsigned long start, unsigned long end, uint32_t *seed)
{
	volatile uint64_t n = 0;

	writes = 1;
	for (int i = 0; i < 400 && !sigsetjmp(back, 1); i++) {
		unsigned long at = start + (place(mode, end - start, seed) & -8ul);
		*(volatile uint64_t *)at = value(seed);
		n++;
	}
	writes = 0;
	return n;
}

int main(int argc, char **argv)
{
	int mode = arg_number(argc, argv, 1, 1);
	uint32_t seed = arg_number(argc, argv, 2, 1) * 2654435761u | 1;
	uint64_t scribbled = 0;
	unsigned long start, end;

	target_init(0);
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	target_ready();
	while (target_running()) {
		allocate();
		if (find(&start, &end))
			scribbled += scribble(mode, start, end, &seed);
		target_sleep_us(300);
	}
	truth("scribbled", scribbled);
	return 0;
}
