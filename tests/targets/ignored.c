/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ignored [SECONDS]: threads that wait for what never comes, in calls that return EINTR when their
 * thread is woken for a signal. All that comes are signals that the program ignores, to each thread
 * in turn, 1000 a second: no call may return. Every 10th signal one thread creates another one.
 * "truth returned" counts the calls that did return, "truth created" the threads.
 */
#include "target.h"

#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { waiting = 4 };

static volatile int done;
static uint64_t returned[waiting];
static volatile pid_t tids[waiting];
static int sem;

static int wait_once(long kind)
{
	static const struct timespec hour = {3600, 0};
	static const struct timeval hour_us = {3600, 0};
	struct sembuf take = {0, -1, 0};
	struct epoll_event event;
	sigset_t none;
	char byte;
	int pair[2];

	switch (kind) {
	case 0:
		return epoll_wait(epoll_create1(0), &event, 1, -1);
	case 1:
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
			return -1;
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &hour_us, sizeof(hour_us));
		return (int)recv(pair[0], &byte, 1, 0);
	case 2:
		return semtimedop(sem, &take, 1, &hour);
	default:
		sigemptyset(&none);
		sigaddset(&none, SIGUSR2);
		return sigtimedwait(&none, NULL, &hour);
	}
}

static void *wait_in_vain(void *arg)
{
	long kind = (long)arg;

	tids[kind] = (pid_t)syscall(SYS_gettid);
	while (!done) {
		wait_once(kind);
		returned[kind]++;
	}
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static FRAME void creates_one(void)
{
	pthread_join(target_thread("one", nothing, NULL), NULL);
}

int main(int argc, char **argv)
{
	uint64_t sum = 0, created = 0, sent = 0;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	sem = semget(IPC_PRIVATE, 1, 0600);
	for (long kind = 0; kind < waiting; kind++)
		target_thread("waits", wait_in_vain, (void *)kind);
	for (int i = 0; i < waiting; i++)
		while (!tids[i])
			target_sleep_us(1000);
	target_sleep_us(20000);
	target_ready();
	while (target_wait(1000)) {
		syscall(SYS_tgkill, getpid(), tids[sent % waiting], sent & 8 ? SIGWINCH : SIGURG);
		if (++sent % 10 == 0) {
			creates_one();
			created++;
		}
	}
	for (int i = 0; i < waiting; i++)
		sum += returned[i];
	semctl(sem, 0, IPC_RMID);
	truth("sent", sent);
	truth("created", created);
	truth("returned", sum);
	for (int i = 0; i < waiting; i++)
		printf("truth returned_%d %" PRIu64 "\n", i, returned[i]);
	fflush(stdout);
	_exit(0);
}
