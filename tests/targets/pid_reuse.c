/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pid_reuse OLD_MS [NEW_MS]: a child works OLD_MS and ends, and another child at once gets its
 * process id and works NEW_MS (1000). "ready PID" comes from the first child. Needs a pid
 * namespace of its own.
 */
#include "target.h"

#include <sys/wait.h>

static FRAME void old_process(uint64_t ms)
{
	SPIN(target.per_us * 1000 * ms);
	KEEP_FRAME();
}

static FRAME void new_process(uint64_t ms)
{
	SPIN(target.per_us * 1000 * ms);
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	uint64_t old_ms = arg_number(argc, argv, 1, 500), new_ms = arg_number(argc, argv, 2, 1000);
	pid_t old, again;

	target_init(0);
	old = fork();
	if (old == 0) {
		target_ready();
		old_process(old_ms);
		truth("old_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
		fflush(stdout);
		_exit(0);
	}
	waitpid(old, NULL, 0);
	if (!target_next_id(old))
		return 77;
	again = fork();
	if (again == 0) {
		new_process(new_ms);
		_exit(0);
	}
	truth("same_pid", again == old);
	waitpid(again, NULL, 0);
	return again != old;
}
