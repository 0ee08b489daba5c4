/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fork_storm [SECONDS]: forks children that work 1 ms and end with a known status, and works
 * itself between. "truth bad_children" must be 0.
 */
#include "target.h"

#include <sys/wait.h>

static FRAME void parent_work(void)
{
	SPIN(target.per_us * 500);
	KEEP_FRAME();
}

static FRAME void child_work(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	uint64_t forks = 0, bad = 0;

	target_init(arg_number(argc, argv, 1, 0));
	target_ready();
	while (target_running()) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			child_work();
			_exit(7);
		}
		parent_work();
		if (pid < 0) {
			bad++;
			continue;
		}
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		forks++;
		bad += !WIFEXITED(status) || WEXITSTATUS(status) != 7;
	}
	truth("forks", forks);
	truth("bad_children", bad);
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return bad != 0;
}
