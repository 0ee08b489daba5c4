/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * creates [WAIT_MS [TIMES]]: says "ready", waits so long (500) or, with 0, begins at once, then
 * creates threads and ends: by three functions 50, 30 and 20, of which the last ones are detached
 * and end at once; 5 more that create 4 each; and 3 processes by clone that are no threads, and 2
 * by fork and vfork. All of that TIMES times (1).
 */
#include "target.h"

#include <sched.h>
#include <sys/wait.h>

enum { fifty = 50, thirty = 30, twenty = 20, nested = 5, inner = 4, foreign = 3 };

static uint64_t created;
static uint64_t ended;

static void *nothing(void *arg)
{
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
	return arg;
}

static void create(pthread_t *t, int detached, void *(*run)(void *))
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	if (detached)
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(t, &attr, run, NULL)) {
		perror("pthread_create");
		exit(1);
	}
	pthread_attr_destroy(&attr);
	__atomic_add_fetch(&created, 1, __ATOMIC_RELAXED);
}

static FRAME void makes_fifty(void)
{
	pthread_t t[fifty];

	for (int i = 0; i < fifty; i++)
		create(&t[i], 0, nothing);
	for (int i = 0; i < fifty; i++)
		pthread_join(t[i], NULL);
}

static FRAME void makes_thirty(void)
{
	pthread_t t;

	for (int i = 0; i < thirty; i++) {
		create(&t, 0, nothing);
		pthread_join(t, NULL);
	}
}

static FRAME void makes_twenty(void)
{
	pthread_t t;

	for (int i = 0; i < twenty; i++)
		create(&t, 1, nothing);
}

static FRAME void *makes_inner(void *arg)
{
	pthread_t t[inner];

	for (int i = 0; i < inner; i++)
		create(&t[i], 0, nothing);
	for (int i = 0; i < inner; i++)
		pthread_join(t[i], NULL);
	return arg;
}

static FRAME void makes_nested(void)
{
	pthread_t t[nested];

	for (int i = 0; i < nested; i++)
		create(&t[i], 0, makes_inner);
	for (int i = 0; i < nested; i++)
		pthread_join(t[i], NULL);
}

/* No thread, but no child like others either: it ends without a signal. */
static int be_a_process(void *arg)
{
	_exit(arg != NULL);
}

static FRAME pid_t by_clone(void)
{
	static _Alignas(16) char stack[64 << 10];

	return clone(be_a_process, stack + sizeof(stack), 0, NULL);
}

static FRAME pid_t by_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid;
}

static FRAME pid_t by_vfork(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	return pid;
}

static int ends_badly(pid_t pid)
{
	int status;

	return pid < 0 || waitpid(pid, &status, __WALL) != pid || status;
}

static FRAME void makes_processes(void)
{
	int bad = 0;

	for (int i = 0; i < foreign; i++)
		bad += ends_badly(by_clone());
	bad += ends_badly(by_fork()) + ends_badly(by_vfork());
	truth("bad_processes", (uint64_t)bad);
}

int main(int argc, char **argv)
{
	uint64_t wait = arg_number(argc, argv, 1, 500), times = arg_number(argc, argv, 2, 1);

	setvbuf(stdout, NULL, _IOLBF, 0);
	target_ready();
	target_sleep_us(wait * 1000);
	for (uint64_t i = 0; i < times; i++) {
		makes_fifty();
		makes_thirty();
		makes_twenty();
		makes_nested();
		makes_processes();
	}
	while (__atomic_load_n(&ended, __ATOMIC_RELAXED) < created - times * nested)
		target_sleep_us(100);
	truth("created", created);
	truth("makes_fifty", fifty * times);
	truth("makes_thirty", thirty * times);
	truth("makes_twenty", twenty * times);
	truth("makes_inner", nested * inner * times);
	truth("makes_nested", nested * times);
	return 0;
}
