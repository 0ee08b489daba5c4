/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls_timed [SECONDS [KIND...]]: threads in every call that waits for a time-out, and nothing
 * ever happens but the time-out. No signal is ever sent, so an EINTR is somebody's fault; a wait
 * that lasts a whole time-out too long was started anew. Exit status 1 when a call failed.
 */
#include "calls.h"

#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>

#define WAIT_NS 5000000 /* of calls with a fine timer */
#define WAIT_US 5000

static const struct timespec wait_time = {0, WAIT_NS};
static int pipe_fds[2], semaphores = -1;
static sem_t never;
static uint32_t futex_word;
static sigset_t other_mask; /* the calls with a mask really change it */
static pthread_mutex_t held[2];

static int open_none(int at)
{
	(void)at;
	return 0;
}

static struct timespec later(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += WAIT_NS;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* --- poll and select --- */
static int call_poll(int fd)
{
	struct pollfd p = {pipe_fds[0], POLLIN, 0};

	(void)fd;
	return is(poll(&p, 1, WAIT_US / 1000) == 0);
}

static int call_ppoll(int fd)
{
	struct pollfd p = {pipe_fds[0], POLLIN, 0};

	(void)fd;
	return is(ppoll(&p, 1, &wait_time, &other_mask) == 0);
}

static int call_select(int fd)
{
	struct timeval t = {0, WAIT_US};
	fd_set set;

	(void)fd;
	FD_ZERO(&set);
	FD_SET(pipe_fds[0], &set);
	return is(select(pipe_fds[0] + 1, &set, NULL, NULL, &t) == 0);
}

static int call_pselect(int fd)
{
	fd_set set;

	(void)fd;
	FD_ZERO(&set);
	FD_SET(pipe_fds[0], &set);
	return is(pselect(pipe_fds[0] + 1, &set, NULL, NULL, &wait_time, &other_mask) == 0);
}

static int open_epoll(int at)
{
	struct epoll_event e = {.events = EPOLLIN};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	(void)at;
	return fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, pipe_fds[0], &e) ? -1 : fd;
}

static int call_epoll_wait(int fd)
{
	struct epoll_event e;

	return is(epoll_wait(fd, &e, 1, WAIT_US / 1000) == 0);
}

static int call_epoll_pwait(int fd)
{
	struct epoll_event e;

	return is(epoll_pwait(fd, &e, 1, WAIT_US / 1000, &other_mask) == 0);
}

/* --- sleeps, futexes --- */
static int call_nanosleep(int fd)
{
	(void)fd;
	return is(nanosleep(&wait_time, NULL) == 0);
}

static int call_clock_nanosleep(int fd)
{
	(void)fd;
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &wait_time, NULL);
}

static int call_clock_nanosleep_abs(int fd)
{
	struct timespec t = later(CLOCK_MONOTONIC);

	(void)fd;
	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int call_futex(int fd)
{
	(void)fd;
	return fails(
		syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, &wait_time, NULL, 0), ETIMEDOUT);
}

static int call_futex_abs(int fd)
{
	struct timespec t = later(CLOCK_MONOTONIC);

	(void)fd;
	return fails(syscall(SYS_futex, &futex_word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, NULL,
			     FUTEX_BITSET_MATCH_ANY),
		ETIMEDOUT);
}

static int call_sem_timedwait(int fd)
{
	struct timespec t = later(CLOCK_REALTIME);

	(void)fd;
	return fails(sem_timedwait(&never, &t), ETIMEDOUT);
}

static int call_cond_timedwait(int fd)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	struct timespec t = later(CLOCK_REALTIME);

	(void)fd;
	pthread_mutex_lock(&mutex);
	int error = pthread_cond_timedwait(&cond, &mutex, &t);
	pthread_mutex_unlock(&mutex);
	return error == ETIMEDOUT ? 0 : error ? error : CALL_WRONG;
}

static int open_held(int pi)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, pi ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
	pthread_mutex_init(&held[pi], &attr);
	pthread_mutex_lock(&held[pi]);
	return pi;
}

static int open_mutex(int at)
{
	(void)at;
	return open_held(0);
}

static int open_mutex_pi(int at)
{
	(void)at;
	return open_held(1);
}

static int call_mutex_timedlock(int pi)
{
	struct timespec t = later(CLOCK_REALTIME);
	int error = pthread_mutex_timedlock(&held[pi], &t);

	return error == ETIMEDOUT ? 0 : error ? error : CALL_WRONG;
}

/* --- signals, System V, POSIX queues --- */
static int call_sigtimedwait(int fd)
{
	sigset_t set;

	(void)fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return fails(sigtimedwait(&set, NULL, &wait_time), EAGAIN);
}

static int call_semtimedop(int fd)
{
	struct sembuf op = {0, -1, 0};

	(void)fd;
	return fails(semtimedop(semaphores, &op, 1, &wait_time), EAGAIN);
}

static int open_mq(int at)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[64];

	snprintf(name, sizeof(name), "/cpprof-calls.%d.%d", getpid(), at);
	mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	mq_unlink(name);
	return q < 0 && (errno == ENOSYS || errno == EACCES) ? CALL_SKIPPED : q;
}

static int call_mq_timedreceive(int q)
{
	struct timespec t = later(CLOCK_REALTIME);
	char text[8];

	return fails(mq_timedreceive(q, text, sizeof(text), NULL, &t), ETIMEDOUT);
}

/* --- asynchronous I/O --- */
static aio_context_t aio[4 * 64];

static int open_aio(int at)
{
	if (syscall(SYS_io_setup, 4, &aio[at]))
		return errno == ENOSYS || errno == EPERM ? CALL_SKIPPED : -1;
	return at;
}

static int call_io_getevents(int at)
{
	struct timespec t = wait_time;
	struct io_event event;

	return is(syscall(SYS_io_getevents, aio[at], 1L, 1L, &event, &t) == 0);
}

static int call_io_pgetevents(int at)
{
	struct timespec t = wait_time;
	struct io_event event;
	struct {
		const sigset_t *set;
		size_t size;
	} mask = {&other_mask, 8};

	return is(syscall(SYS_io_pgetevents, aio[at], 1L, 1L, &event, &t, &mask) == 0);
}

static int open_uring(int at)
{
	struct io_uring_params p = {0};
	int fd = syscall(SYS_io_uring_setup, 1, &p);

	(void)at;
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return CALL_SKIPPED;
	if (fd >= 0 && !(p.features & IORING_FEAT_EXT_ARG)) {
		errno = EOPNOTSUPP;
		return CALL_SKIPPED;
	}
	return fd;
}

static int call_uring(int fd)
{
	struct __kernel_timespec t = {0, WAIT_NS};
	struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&t};

	return fails(syscall(SYS_io_uring_enter, fd, 0, 1,
			     IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg)),
		ETIME);
}

#define FINE(NAME, OPEN)                                                                           \
	{                                                                                          \
		.name = #NAME, .threads = 2, .timeout_us = WAIT_US, .open = OPEN,                  \
		.call = call_##NAME                                                                \
	}

static struct kind kinds[] = {
	FINE(poll, open_none),
	FINE(ppoll, open_none),
	FINE(select, open_none),
	FINE(pselect, open_none),
	FINE(epoll_wait, open_epoll),
	FINE(epoll_pwait, open_epoll),
	FINE(nanosleep, open_none),
	FINE(clock_nanosleep, open_none),
	FINE(clock_nanosleep_abs, open_none),
	FINE(futex, open_none),
	FINE(futex_abs, open_none),
	FINE(sem_timedwait, open_none),
	FINE(cond_timedwait, open_none),
	{.name = "mutex_timedlock",
		.threads = 1,
		.timeout_us = WAIT_US,
		.open = open_mutex,
		.call = call_mutex_timedlock},
	{.name = "mutex_pi_timedlock",
		.threads = 1,
		.timeout_us = WAIT_US,
		.open = open_mutex_pi,
		.call = call_mutex_timedlock},
	FINE(sigtimedwait, open_none),
	FINE(semtimedop, open_none),
	FINE(mq_timedreceive, open_mq),
	{.name = "io_getevents",
		.threads = 4,
		.timeout_us = WAIT_US,
		.open = open_aio,
		.call = call_io_getevents},
	{.name = "io_pgetevents",
		.threads = 4,
		.timeout_us = WAIT_US,
		.open = open_aio,
		.call = call_io_pgetevents},
	{.name = "io_uring_enter",
		.threads = 2,
		.timeout_us = WAIT_US,
		.open = open_uring,
		.call = call_uring},
};
enum { kind_count = sizeof(kinds) / sizeof(kinds[0]) };

int main(int argc, char **argv)
{
	static struct caller callers[4 * kind_count];
	int n = 0;

	target_block_term();
	sigemptyset(&other_mask);
	sigaddset(&other_mask, SIGUSR1);
	sigaddset(&other_mask, SIGTERM);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	target_init(arg_number(argc, argv, 1, 0));
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	if (semaphores < 0 || pipe(pipe_fds) || sem_init(&never, 0, 0)) {
		perror("calls_timed");
		return 1;
	}
	for (int i = 0; i < kind_count; i++)
		n = calls_open(&kinds[i], argc > 2 ? argv + 2 : NULL, callers, n);
	int failed = calls_run(callers, n, kinds, kind_count);
	semctl(semaphores, 0, IPC_RMID);
	exit(failed);
}
