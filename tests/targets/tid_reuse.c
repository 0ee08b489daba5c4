/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tid_reuse [SECONDS [WORK_MS]]: two kinds of threads take turns, each working WORK_MS (30), the
 * second kind twice as long; all have the same thread id. Needs a pid namespace of its own.
 */
#include "target.h"

#include <sched.h>

static uint64_t work_ms, cpu[2];
static pid_t tid;
static uint64_t other_ids;

static FRAME void first_kind(void)
{
	SPIN(target.per_us * 1000 * work_ms);
	KEEP_FRAME();
}

static FRAME void second_kind(void)
{
	SPIN(target.per_us * 2000 * work_ms);
	KEEP_FRAME();
}

static void *run(void *arg)
{
	int kind = arg != NULL;
	pid_t own = (pid_t)syscall(SYS_gettid);

	pthread_setname_np(pthread_self(), kind ? "second" : "first");
	if (!tid)
		tid = own;
	other_ids += own != tid;
	if (kind)
		second_kind();
	else
		first_kind();
	cpu[kind] += clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

/* The next thread shall have this id, once the last one's is free. */
static int set_next(pid_t id)
{
	char text[32];

	snprintf(text, sizeof(text), "/proc/self/task/%d", id);
	while (access(text, F_OK) == 0)
		sched_yield();
	target_sleep_us(2000); /* it leaves the folder a little before its number is free */
	return target_next_id(id);
}

int main(int argc, char **argv)
{
	uint64_t rounds = 0;

	work_ms = arg_number(argc, argv, 2, 30);
	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	target_ready();
	while (target_wait(1)) {
		for (intptr_t kind = 0; kind < 2; kind++) {
			if (tid && !set_next(tid))
				return 77;
			pthread_join(target_thread(NULL, run, (void *)kind), NULL);
		}
		rounds++;
	}
	truth("rounds", rounds);
	truth("other_ids", other_ids);
	truth("first", cpu[0]);
	truth("second", cpu[1]);
	return 0;
}
