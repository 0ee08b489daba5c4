/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls_sockets [SECONDS [KIND...]]: threads that wait on sockets with SO_RCVTIMEO or SO_SNDTIMEO,
 * and nothing ever happens but the time-out. Exit status 1 when a call failed.
 */
#include "calls.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define COARSE 12000 /* us: of calls that wait in whole ticks, three of them at HZ=250 */
#define TICK   4000

static int set_coarse(int fd, int option)
{
	struct timeval t = {0, COARSE};

	return fd < 0 || setsockopt(fd, SOL_SOCKET, option, &t, sizeof(t)) ? -1 : fd;
}

static int open_unix_pair(int type)
{
	int fds[2];

	return socketpair(AF_UNIX, type, 0, fds) ? -1 : set_coarse(fds[0], SO_RCVTIMEO);
}

static int open_unix(int at)
{
	(void)at;
	return open_unix_pair(SOCK_STREAM);
}

static int open_unix_datagram(int at)
{
	(void)at;
	return open_unix_pair(SOCK_DGRAM);
}

static int listen_unix(int at, struct sockaddr_un *address, socklen_t *size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* A name outside the file system. */
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int n = snprintf(
		address->sun_path + 1, sizeof(address->sun_path) - 1, "calls.%d.%d", getpid(), at);
	*size = offsetof(struct sockaddr_un, sun_path) + 1 + n;
	return fd < 0 || bind(fd, (void *)address, *size) || listen(fd, 0) ? -1 : fd;
}

static int open_listen_unix(int at)
{
	struct sockaddr_un address;
	socklen_t size;

	return set_coarse(listen_unix(at, &address, &size), SO_RCVTIMEO);
}

static int listen_tcp(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)address, size) || listen(fd, 4) ||
		getsockname(fd, (void *)address, &size))
		return -1;
	return fd;
}

static int open_listen_tcp(int at)
{
	struct sockaddr_in address;

	(void)at;
	return set_coarse(listen_tcp(&address), SO_RCVTIMEO);
}

static int open_tcp(int at)
{
	struct sockaddr_in address;
	int listening = listen_tcp(&address), fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)at;
	if (listening < 0 || connect(fd, (void *)&address, sizeof(address)) ||
		accept(listening, NULL, NULL) < 0)
		return -1;
	return set_coarse(set_coarse(fd, SO_RCVTIMEO), SO_SNDTIMEO);
}

static int call_recv(int fd)
{
	char c;

	return fails(recv(fd, &c, 1, 0), EAGAIN);
}

static int call_read(int fd)
{
	char c;

	return fails(read(fd, &c, 1), EAGAIN);
}

static int call_recvmmsg(int fd)
{
	char c;
	struct iovec iov = {&c, 1};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};

	return fails(recvmmsg(fd, &m, 1, 0, NULL), EAGAIN);
}

static int call_accept(int fd)
{
	return fails(accept(fd, NULL, NULL), EAGAIN);
}

static int fill_up(int fd)
{
	char text[4096] = "";

	while (fd >= 0 && send(fd, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
	return fd;
}

static int open_full_unix(int at)
{
	(void)at;
	return fill_up(set_coarse(open_unix_pair(SOCK_STREAM), SO_SNDTIMEO));
}

static int open_full_tcp(int at)
{
	int fd = fill_up(open_tcp(at));

	/* What was sent arrives, and makes room once more. */
	target_sleep_us(100000);
	return fill_up(fd);
}

static int call_send(int fd)
{
	static const char text[4096];

	return fails(send(fd, text, sizeof(text), MSG_NOSIGNAL), EAGAIN);
}

#define SOCKET(NAME, OPEN, CALL)                                                                   \
	{                                                                                          \
		.name = NAME, .threads = 3, .timeout_us = COARSE, .tick_us = TICK, .open = OPEN,   \
		.call = CALL                                                                       \
	}

static struct kind kinds[] = {
	SOCKET("recv_unix", open_unix, call_recv),
	SOCKET("read_unix", open_unix, call_read),
	SOCKET("recv_unix_datagram", open_unix_datagram, call_recv),
	SOCKET("recvmmsg", open_unix_datagram, call_recvmmsg),
	SOCKET("recv_tcp", open_tcp, call_recv),
	SOCKET("accept_unix", open_listen_unix, call_accept),
	SOCKET("accept_tcp", open_listen_tcp, call_accept),
	SOCKET("send_unix", open_full_unix, call_send),
	SOCKET("send_tcp", open_full_tcp, call_send),
};
enum { kind_count = sizeof(kinds) / sizeof(kinds[0]) };

int main(int argc, char **argv)
{
	static struct caller callers[4 * kind_count];
	int n = 0;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	for (int i = 0; i < kind_count; i++)
		n = calls_open(&kinds[i], argc > 2 ? argv + 2 : NULL, callers, n);
	exit(calls_run(callers, n, kinds, kind_count));
}
