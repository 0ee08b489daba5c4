/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle [SECONDS [IDLE [BUSY [WATCH]]]]: IDLE threads (1000) that stay blocked in calls of every
 * kind and BUSY threads (2) that spin. A blocked thread that was stopped has run, and its run count
 * shows it: "truth idle_moved" must be 0. WATCH 1: a thread that wants to run every millisecond
 * keeps the longest time that it could not ("truth longest_us").
 */
#include "target.h"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>

struct idler {
	pid_t tid;
	int how;
	uint64_t runs;
};

static int never[2]; /* a pipe nobody writes to */
static int never_socket[2];
static int never_epoll, never_event;
static sem_t never_posted;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never_signalled = PTHREAD_COND_INITIALIZER;

static void block_in_timed_call(int how)
{
	struct timespec day = {86400, 0};
	struct epoll_event event;
	sigset_t none;

	switch (how) {
	case 0:
		clock_nanosleep(CLOCK_MONOTONIC, 0, &day, NULL);
		break;
	case 1:
		epoll_wait(never_epoll, &event, 1, -1);
		break;
	case 2:
		epoll_wait(never_epoll, &event, 1, 86400000);
		break;
	default:
		sigemptyset(&none);
		sigaddset(&none, SIGUSR2);
		pthread_sigmask(SIG_BLOCK, &none, NULL);
		sigtimedwait(&none, NULL, &day);
	}
}

static void block_in_fd_call(int how)
{
	struct pollfd p = {.fd = never[0], .events = POLLIN};
	fd_set set;
	char c[8];

	switch (how) {
	case 4:
		poll(&p, 1, -1);
		break;
	case 5:
		FD_ZERO(&set);
		FD_SET(never[0], &set);
		select(never[0] + 1, &set, NULL, NULL, NULL);
		break;
	case 6:
		(void)!read(never[0], c, 1);
		break;
	case 7:
		recv(never_socket[0], c, 1, 0);
		break;
	default:
		(void)!read(never_event, c, 8);
	}
}

static void block_in_lock(int how)
{
	switch (how) {
	case 9:
		sem_wait(&never_posted);
		break;
	case 10:
		pthread_mutex_lock(&lock);
		pthread_cond_wait(&never_signalled, &lock);
		break;
	default:
		pthread_mutex_lock(&held);
	}
}

enum { kinds = 12 };

static void *idle(void *arg)
{
	struct idler *me = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	__atomic_store_n(&me->tid, gettid(), __ATOMIC_RELEASE);
	for (;;) {
		if (me->how < 4)
			block_in_timed_call(me->how);
		else if (me->how < 9)
			block_in_fd_call(me->how);
		else
			block_in_lock(me->how);
	}
	return NULL;
}

static FRAME void busy_work(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

static void *busy(void *arg)
{
	for (;;)
		busy_work();
	return arg;
}

static volatile uint64_t longest;

static void *watch(void *arg)
{
	for (uint64_t last = clock_ns(CLOCK_MONOTONIC);;) {
		target_sleep_us(1000);
		uint64_t now = clock_ns(CLOCK_MONOTONIC), gap = now - last - 1000000;
		if (gap > longest)
			longest = gap;
		last = now;
	}
	return arg;
}

/* The run count of a thread: the third field of its schedstat. */
static uint64_t run_count(pid_t tid)
{
	char path[64], text[128];
	uint64_t cpu, wait, runs = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &cpu, &wait, &runs) != 3)
		return 0;
	return runs;
}

static void settle(struct idler *idlers, uint64_t count)
{
	uint64_t moved = 1;

	while (moved) {
		target_sleep_us(200000);
		moved = 0;
		for (uint64_t i = 0; i < count; i++) {
			pid_t tid = __atomic_load_n(&idlers[i].tid, __ATOMIC_ACQUIRE);
			uint64_t runs = tid ? run_count(tid) : 0;

			moved += runs == 0 || runs != idlers[i].runs;
			idlers[i].runs = runs;
		}
	}
}

static void set_up(void)
{
	if (pipe2(never, O_CLOEXEC) || socketpair(AF_UNIX, SOCK_STREAM, 0, never_socket) ||
		(never_epoll = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
		(never_event = eventfd(0, EFD_CLOEXEC)) < 0 || sem_init(&never_posted, 0, 0)) {
		perror("idle");
		exit(1);
	}
	pthread_mutex_lock(&held);
}

int main(int argc, char **argv)
{
	uint64_t count = arg_number(argc, argv, 2, 1000);
	uint64_t busies = arg_number(argc, argv, 3, 2);
	struct idler *idlers = calloc(count + 1, sizeof(*idlers));
	uint64_t moved = 0, extra = 0;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	set_up();
	for (uint64_t i = 0; i < count; i++) {
		idlers[i].how = (int)(i % kinds);
		target_thread("idle", idle, &idlers[i]);
	}
	settle(idlers, count);
	for (uint64_t i = 0; i < busies; i++)
		target_thread("busy", busy, NULL);
	if (arg_number(argc, argv, 4, 0))
		target_thread("watch", watch, NULL);
	target_ready();
	target_wait(0);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t runs = run_count(idlers[i].tid);

		moved += runs != idlers[i].runs;
		extra += runs - idlers[i].runs;
	}
	truth("idle", count);
	truth("busy", busies);
	truth("idle_moved", moved);
	truth("idle_extra_runs", extra);
	truth("longest_us", longest / 1000);
	exit(moved != 0);
}
