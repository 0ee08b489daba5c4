/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * strict [SECONDS [SLEEP_US]]: works under a seccomp filter that kills the process at any call but
 * the few it makes itself, and is not dumpable. With SLEEP_US it sleeps so long after each piece of
 * work; restart_syscall, which the kernel makes of an interrupted sleep, is not allowed.
 */
#include "target.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>

static const int allowed[] = {SYS_write, SYS_exit_group, SYS_getpid, SYS_getppid,
	SYS_clock_nanosleep, SYS_clock_gettime, SYS_rt_sigreturn};

#define CALL_NR offsetof(struct seccomp_data, nr)

static void lock_up(void)
{
	enum { n = sizeof(allowed) / sizeof(*allowed) };
	struct sock_filter code[2 * n + 2];
	struct sock_fprog program = {.filter = code};
	int at = 0;

	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CALL_NR);
	for (int i = 0; i < n; i++) {
		code[at++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)allowed[i], 0, 1);
		code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	program.len = (unsigned short)at;
	if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		printf("denied %s\n", strerror(errno));
		exit(77);
	}
}

WORK(strict_work)

static FRAME void strict_calls(void)
{
	for (int i = 0; i < 100; i++)
		syscall(SYS_getppid);
	KEEP_FRAME();
}

int main(int argc, char **argv)
{
	uint64_t sleep_us = arg_number(argc, argv, 2, 0);
	uint64_t rounds = 0, failed = 0;
	struct timespec pause_for = {0, (long)sleep_us * 1000};

	target_init(arg_number(argc, argv, 1, 0));
	puts("locking up");
	lock_up();
	target_ready();
	while (target_running()) {
		strict_work(sleep_us ? 20 : 100);
		strict_calls();
		if (sleep_us)
			failed += clock_nanosleep(CLOCK_MONOTONIC, 0, &pause_for, NULL) != 0;
		rounds++;
	}
	truth("rounds", rounds);
	truth("failed", failed > (uint64_t) !!target_stopping);
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	exit(failed > (uint64_t) !!target_stopping);
}
