/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guests: three threads that stay for ever (stays_here) and three that leave at the first SIGUSR1
 * (leaves_soon); at each SIGUSR1 let_in creates four (comes_late), which stay. All of them sleep.
 * Says "done N" after the N-th. Truth: threads that let_in created.
 */
#include "target.h"

enum { stay = 3, leave = 3, come = 4 };

static pthread_mutex_t never = PTHREAD_MUTEX_INITIALIZER;
static int door[2];

static FRAME void stays_here(void)
{
	pthread_mutex_lock(&never);
	KEEP_FRAME();
}

static FRAME void leaves_soon(void)
{
	char c;

	while (read(door[0], &c, 1) < 0)
		;
	KEEP_FRAME();
}

static FRAME void comes_late(void)
{
	pthread_mutex_lock(&never);
	KEEP_FRAME();
}

static void *run(void *function)
{
	((void (*)(void))function)();
	return NULL;
}

static FRAME uint64_t let_in(void)
{
	for (int i = 0; i < come; i++)
		target_thread("late", run, comes_late);
	KEEP_FRAME();
	return come;
}

static void await(int sig, const sigset_t *set)
{
	int got;

	do
		got = sigwaitinfo(set, NULL);
	while (got != sig && got != SIGTERM);
	target_stopping = got == SIGTERM;
}

int main(void)
{
	pthread_t leaving[leave];
	uint64_t created = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	pthread_mutex_lock(&never);
	if (pipe(door))
		return 1;
	for (int i = 0; i < stay; i++)
		target_thread("stays", run, stays_here);
	for (int i = 0; i < leave; i++)
		leaving[i] = target_thread("leaves", run, leaves_soon);
	target_sleep_us(100000);
	target_ready();
	for (int n = 1;; n++) {
		await(SIGUSR1, &set);
		if (target_stopping)
			break;
		if (n == 1)
			close(door[1]);
		for (int i = 0; n == 1 && i < leave; i++)
			pthread_join(leaving[i], NULL);
		created += let_in();
		target_sleep_us(50000); /* until all of them sleep */
		printf("done %d\n", n);
	}
	truth("let_in", created);
	fflush(stdout);
	_exit(0);
}
