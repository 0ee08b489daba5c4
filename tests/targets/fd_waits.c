/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fd_waits FOLDER [SECONDS]: a thread waits on a descriptor of each kind. Prints for each
 *
 *   truth fd.TID CALL FD WHAT
 *
 * where WHAT is what the descriptor is, as the program itself knows.
 */
#include "target.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

struct waiter {
	const char *call;
	int fd;
	char what[256];
	void (*wait)(int fd);
	pid_t tid;
};

static struct waiter waiters[16];
static int n_waiters;

static FRAME void wait_in_read(int fd)
{
	uint64_t word; /* what an eventfd takes at least */

	if (read(fd, &word, sizeof(word)) < 0)
		perror("read");
	KEEP_FRAME();
}

static FRAME void wait_in_recv(int fd)
{
	char c;

	recv(fd, &c, 1, 0);
	KEEP_FRAME();
}

static FRAME void wait_in_accept(int fd)
{
	accept(fd, NULL, NULL);
	KEEP_FRAME();
}

static FRAME void wait_in_epoll(int fd)
{
	struct epoll_event event;

	epoll_wait(fd, &event, 1, -1);
	KEEP_FRAME();
}

static FRAME void wait_in_poll(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, -1);
	KEEP_FRAME();
}

static void *run(void *arg)
{
	struct waiter *w = arg;

	__atomic_store_n(&w->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	w->wait(w->fd);
	return NULL;
}

static __attribute__((format(printf, 4, 5))) void add(
	const char *call, int fd, void (*wait)(int fd), const char *what, ...)
{
	struct waiter *w = &waiters[n_waiters++];
	va_list list;

	*w = (struct waiter){.call = call, .fd = fd, .wait = wait};
	va_start(list, what);
	vsnprintf(w->what, sizeof(w->what), what, list);
	va_end(list);
	if (fd < 0)
		perror(call);
	target_thread("waits", run, w);
}

static unsigned port_of(int fd, int of_peer)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof(address);

	(of_peer ? getpeername : getsockname)(fd, (struct sockaddr *)&address, &size);
	return ntohs(address.sin6_port);
}

/* A connection of this process with itself. */
static int connection(int family, int listener)
{
	struct sockaddr_in6 address;
	socklen_t size = sizeof(address);
	int fd = socket(family, SOCK_STREAM, 0);

	getsockname(listener, (struct sockaddr *)&address, &size);
	if (connect(fd, (struct sockaddr *)&address, size) < 0)
		perror("connect");
	return fd;
}

static int listen_on(int family)
{
	struct sockaddr_in four = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(family, SOCK_STREAM, 0);
	int error = family == AF_INET ? bind(fd, (struct sockaddr *)&four, sizeof(four))
				      : bind(fd, (struct sockaddr *)&six, sizeof(six));

	if (fd < 0 || error < 0 || listen(fd, 5) < 0)
		return -1;
	return fd;
}

static void add_internet(void)
{
	int four = listen_on(AF_INET), six = listen_on(AF_INET6);
	int to_four = connection(AF_INET, four);

	add("recvfrom", to_four, wait_in_recv, "tcp 127.0.0.1:%u -> 127.0.0.1:%u",
		port_of(to_four, 0), port_of(to_four, 1));
	if (six >= 0) {
		int to_six = connection(AF_INET6, six);
		add("recvfrom", to_six, wait_in_recv, "tcp [::1]:%u -> [::1]:%u",
			port_of(to_six, 0), port_of(to_six, 1));
	}
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in any = {.sin_family = AF_INET};
	bind(udp, (struct sockaddr *)&any, sizeof(any));
	add("recvfrom", udp, wait_in_recv, "udp 0.0.0.0:%u", port_of(udp, 0));

	int third = listen_on(AF_INET);
	add("accept", third, wait_in_accept, "tcp 127.0.0.1:%u (listening)", port_of(third, 0));

	int watch = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = to_four};
	epoll_ctl(watch, EPOLL_CTL_ADD, to_four, &event);
	add("epoll_wait", watch, wait_in_epoll, "epoll of 1: %d %s", to_four, waiters[0].what);
}

static void add_files(const char *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char name[128];
	struct stat st;
	int pair[2], polled[2];

	if (pipe(pair) < 0 || pipe(polled) < 0)
		perror("pipe");
	fstat(pair[0], &st);
	add("read", pair[0], wait_in_read, "pipe:[%lu]", st.st_ino);
	fstat(polled[0], &st);
	add("poll", polled[0], wait_in_poll, "1 descriptor: %d pipe:[%lu]", polled[0], st.st_ino);

	snprintf(name, sizeof(name), "%s/fifo \033[1m", folder);
	mkfifo(name, 0600);
	add("read", open(name, O_RDWR), wait_in_read, "%s", name);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/socket", folder);
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(server, 5) < 0)
		perror("unix");
	add("accept", server, wait_in_accept, "unix %s (listening)", address.sun_path);

	add("read", eventfd(0, 0), wait_in_read, "eventfd");
	add("read", timerfd_create(CLOCK_MONOTONIC, 0), wait_in_read, "timerfd");
}

int main(int argc, char **argv)
{
	target_block_term();
	target_init(arg_number(argc, argv, 2, 0));
	add_internet();
	add_files(argc > 1 ? argv[1] : ".");
	target_sleep_us(200000);
	for (int i = 0; i < n_waiters; i++)
		printf("truth fd.%d %s %d %s\n", __atomic_load_n(&waiters[i].tid, __ATOMIC_ACQUIRE),
			waiters[i].call, waiters[i].fd, waiters[i].what);
	target_ready();
	target_wait(0);
	return 0;
}
