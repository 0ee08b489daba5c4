/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel [SECONDS]: one thread that computes in user mode and in the kernel in turn, some hundred
 * microseconds each, in calls that never wait (reads of /dev/zero).
 */
#include <fcntl.h>

#include "target.h"

enum { part_us = 300, block = 4096 };

static char room[block];
static uint64_t in_user, in_kernel;

static FRAME void user_part(uint64_t loops)
{
	SPIN(loops);
	KEEP_FRAME();
}

static FRAME void kernel_part(int zero, uint64_t until)
{
	while (clock_ns(CLOCK_MONOTONIC) < until)
		if (pread(zero, room, block, 0) != block)
			exit(1);
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	int zero = open("/dev/zero", O_RDONLY);

	target_init(arg_number(argc, argv, 1, 0));
	target_ready();
	while (target_running()) {
		uint64_t t0 = clock_ns(CLOCK_THREAD_CPUTIME_ID), t1;

		user_part(target.per_us * part_us);
		t1 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		kernel_part(zero, clock_ns(CLOCK_MONOTONIC) + part_us * 1000);
		in_user += t1 - t0;
		in_kernel += clock_ns(CLOCK_THREAD_CPUTIME_ID) - t1;
	}
	truth("user_part", in_user);
	truth("kernel_part", in_kernel);
	truth("accounted", in_user + in_kernel);
	return zero < 0;
}
