/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * eintr [CALLS]: CALLS (10000) of each wait that a badly handled stop makes fail with EINTR, with
 * short random spins between. No signal is ever sent, so every EINTR is somebody's fault; a wait
 * that lasts a whole timeout too long was started anew. Exit status 1 on any EINTR.
 */
#include "target.h"

#include <linux/aio_abi.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>

struct kind {
	const char *name;
	int threads;
	uint64_t timeout_us, tick_us; /* tick: the kernel's timer may come so much early */
	int (*call)(int fd);
	int (*open)(void);
	uint64_t started; /* calls handed out */
	uint64_t eintr, bad;
	uint32_t *took_us;
};

static uint64_t calls = 10000;
static int semaphores = -1;
static aio_context_t aio;

static int open_epoll(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

static int call_epoll(int fd)
{
	struct epoll_event e;

	return epoll_wait(fd, &e, 1, 1) == 0 ? 0 : errno;
}

static int open_socket(void)
{
	struct timeval t = {0, 12000};
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return -1;
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	return fds[0];
}

static int call_recv(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) < 0 && errno == EAGAIN ? 0 : errno;
}

static int open_none(void)
{
	return 0;
}

static int call_sigtimedwait(int fd)
{
	struct timespec t = {0, 1000000};
	sigset_t set;

	(void)fd;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &t) < 0 && errno == EAGAIN ? 0 : errno;
}

static int call_semtimedop(int fd)
{
	struct timespec t = {0, 1000000};
	struct sembuf op = {0, -1, 0};

	(void)fd;
	return semtimedop(semaphores, &op, 1, &t) < 0 && errno == EAGAIN ? 0 : errno;
}

static int call_io_getevents(int fd)
{
	struct timespec t = {0, 1000000};
	struct io_event event;

	(void)fd;
	return syscall(SYS_io_getevents, aio, 1L, 1L, &event, &t) == 0 ? 0 : errno;
}

/* recv waits in whole ticks of the kernel: its timeout is three of them (HZ=250), and many share
 * the calls.
 */
static struct kind kinds[] = {
	{.name = "epoll_wait",
		.threads = 1,
		.timeout_us = 1000,
		.call = call_epoll,
		.open = open_epoll},
	{.name = "recv",
		.threads = 8,
		.timeout_us = 12000,
		.tick_us = 4000,
		.call = call_recv,
		.open = open_socket},
	{.name = "sigtimedwait",
		.threads = 1,
		.timeout_us = 1000,
		.call = call_sigtimedwait,
		.open = open_none},
	{.name = "semtimedop",
		.threads = 2,
		.timeout_us = 1000,
		.call = call_semtimedop,
		.open = open_none},
	{.name = "io_getevents",
		.threads = 1,
		.timeout_us = 1000,
		.call = call_io_getevents,
		.open = open_none},
};
enum { kind_count = sizeof(kinds) / sizeof(kinds[0]) };

static FRAME void spin_between(uint32_t *seed)
{
	SPIN(target.per_us * (next_random(seed) % 200));
	KEEP_FRAME();
}

static void *run(void *arg)
{
	struct kind *k = arg;
	uint32_t seed = (uint32_t)gettid() | 1;
	int fd = k->open();

	if (fd < 0) {
		perror(k->name);
		exit(1);
	}
	while (!target_stopping) {
		uint64_t at = __atomic_fetch_add(&k->started, 1, __ATOMIC_RELAXED);
		uint64_t before;
		int err;

		if (at >= calls)
			break;
		spin_between(&seed);
		before = clock_ns(CLOCK_MONOTONIC);
		err = k->call(fd);
		k->took_us[at] = (uint32_t)((clock_ns(CLOCK_MONOTONIC) - before) / 1000);
		if (err == EINTR)
			__atomic_fetch_add(&k->eintr, 1, __ATOMIC_RELAXED);
		else if (err)
			__atomic_fetch_add(&k->bad, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void say(const char *kind, const char *what, uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s_%s", kind, what);
	truth(key, value);
}

static uint64_t over(const struct kind *k, uint64_t at)
{
	return k->took_us[at] > k->timeout_us ? k->took_us[at] - k->timeout_us : 0;
}

static void report(struct kind *k)
{
	uint64_t n = k->started < calls ? k->started : calls;
	uint64_t twice = 0, early = 0;

	qsort(k->took_us, n, sizeof(*k->took_us), ascending);
	for (uint64_t i = 0; i < n; i++) {
		twice += k->took_us[i] >= 2 * k->timeout_us;
		early += k->took_us[i] + 1 + k->tick_us < k->timeout_us;
	}
	say(k->name, "calls", n);
	say(k->name, "eintr", k->eintr);
	say(k->name, "other_errors", k->bad);
	say(k->name, "early", early);
	say(k->name, "twice_as_long", twice);
	if (!n)
		return;
	say(k->name, "over_p50_us", over(k, n / 2));
	say(k->name, "over_p99_us", over(k, n * 99 / 100));
	say(k->name, "over_max_us", over(k, n - 1));
}

static void *end_early(void *arg)
{
	target_wait(0);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[16];
	uint64_t eintr = 0, bad = 0;
	sigset_t set;
	int n = 0;

	calls = arg_number(argc, argv, 1, calls);
	target_block_term();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	target_init(0);
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	if (semaphores < 0 || syscall(SYS_io_setup, 16, &aio)) {
		perror("eintr");
		return 1;
	}
	target_thread("end", end_early, NULL);
	target_ready();
	for (int i = 0; i < kind_count; i++) {
		kinds[i].took_us = calloc(calls + 1, sizeof(uint32_t));
		for (int j = 0; j < kinds[i].threads; j++)
			threads[n++] = target_thread(kinds[i].name, run, &kinds[i]);
	}
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	semctl(semaphores, 0, IPC_RMID);
	for (int i = 0; i < kind_count; i++) {
		report(&kinds[i]);
		eintr += kinds[i].eintr;
		bad += kinds[i].bad;
	}
	truth("eintr", eintr);
	truth("other_errors", bad);
	exit(eintr || bad);
}
