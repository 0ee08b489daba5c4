/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * family [SECONDS]: a process whose work is done by its descendants, from SIGUSR1 on. Two elders
 * are there from the start; then, one after the other, a child of 30 ms CPU that has a child of 20
 * ms of its own, and children of 2 ms. Each adds what it used to a shared account; the kernel's own
 * sum, that of all children waited for, must agree. Exit status 1 where it does not.
 */
#include "target.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { ELDERS = 2, SHORT_ONES = 5 };

struct account {
	_Atomic uint64_t elder[ELDERS], child, grandchild, short_one;
	_Atomic uint32_t born, go;
};

static struct account *account;

WORK(elder_work)
WORK(child_work)
WORK(grandchild_work)
WORK(short_work)

/* The kernel's clock of a process counts from its fork. */
static void leave(_Atomic uint64_t *used)
{
	*used += clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	_exit(0);
}

static pid_t begin(void)
{
	pid_t pid = fork();

	if (pid < 0)
		exit(2);
	account->born += pid != 0;
	return pid;
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		exit(2);
}

static pid_t begin_elder(int number)
{
	pid_t pid = begin();

	if (pid)
		return pid;
	while (!account->go && target_running())
		usleep(50000);
	while (target_running()) {
		struct timespec rest = {0, 7000000};
		elder_work(3000);
		nanosleep(&rest, NULL);
	}
	leave(&account->elder[number]);
	return 0;
}

static void one_child(void)
{
	pid_t child = begin();

	if (!child) {
		pid_t grandchild = begin();
		if (!grandchild) {
			grandchild_work(20000);
			leave(&account->grandchild);
		}
		child_work(30000);
		wait_for(grandchild);
		leave(&account->child);
	}
	wait_for(child);
}

static void short_ones(void)
{
	for (int i = 0; i < SHORT_ONES; i++) {
		pid_t pid = begin();
		if (!pid) {
			short_work(2000);
			leave(&account->short_one);
		}
		wait_for(pid);
	}
}

static uint64_t children_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ull +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ull;
}

int main(int argc, char **argv)
{
	pid_t elders[ELDERS];
	uint64_t own, sum;
	sigset_t go;

	sigemptyset(&go);
	sigaddset(&go, SIGUSR1);
	sigprocmask(SIG_BLOCK, &go, NULL);
	target_init(arg_number(argc, argv, 1, 0));
	account = mmap(
		NULL, sizeof(*account), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (account == MAP_FAILED)
		return 2;
	for (int i = 0; i < ELDERS; i++)
		elders[i] = begin_elder(i);
	own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	target_ready();
	while (target_running() &&
		sigtimedwait(&go, NULL, &(struct timespec){0, 100000000}) != SIGUSR1)
		;
	account->go = 1;
	while (target_running()) {
		one_child();
		short_ones();
	}
	for (int i = 0; i < ELDERS; i++) {
		kill(elders[i], SIGTERM);
		wait_for(elders[i]);
	}
	own = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own;
	for (int i = 0; i < ELDERS; i++) {
		printf("elder %d %" PRIu64 "\n", elders[i], account->elder[i]);
		sum = i ? sum + account->elder[i] : account->elder[i];
	}
	truth("elders", sum);
	truth("child", account->child);
	truth("grandchild", account->grandchild);
	truth("short", account->short_one);
	sum += account->child + account->grandchild + account->short_one;
	truth("born", account->born);
	truth("tree_cpu", children_ns() + own);
	truth("wrong_sum", sum > children_ns() * 1.01 || sum < children_ns() * 0.9);
	return sum > children_ns() * 1.01 || sum < children_ns() * 0.9;
}
