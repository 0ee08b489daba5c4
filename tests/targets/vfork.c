/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfork [SECONDS]: a thread calls vfork over and over; its child sleeps 50 ms, so the parent sits
 * in state D, where no stop can reach it. Another thread spins.
 */
#include "target.h"

#include <sys/wait.h>

static volatile int done;

static FRAME void beside_vfork(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

static void *spin(void *arg)
{
	while (!done)
		beside_vfork();
	return arg;
}

static FRAME pid_t vfork_child(void)
{
	static const struct timespec pause_for = {0, 50000000};
	pid_t pid = vfork();

	if (pid == 0) {
		syscall(SYS_nanosleep, &pause_for, NULL);
		_exit(7);
	}
	return pid;
}

int main(int argc, char **argv)
{
	uint64_t vforks = 0, bad = 0;
	pthread_t thread;

	target_init(arg_number(argc, argv, 1, 0));
	thread = target_thread("spin", spin, NULL);
	target_ready();
	while (target_running()) {
		int status = 0;
		pid_t pid = vfork_child();

		while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		vforks++;
		bad += pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 7;
		SPIN(target.per_us * 500);
	}
	done = 1;
	pthread_join(thread, NULL);
	truth("vforks", vforks);
	truth("bad_children", bad);
	return bad != 0;
}
