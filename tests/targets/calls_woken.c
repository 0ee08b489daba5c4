/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls_woken [SECONDS [KIND...]]: threads in calls that wait for a byte, an event or a connection.
 * Exit status 1 when a call failed.
 */
#include "woken.h"

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

/* --- a byte arrives --- */
static void wake_write(struct slot *s)
{
	if (write(s->theirs, "abcdefgh", 8) != 8)
		perror("waker");
}

static int open_pipe(int at)
{
	int fds[2];

	return pipe(fds) ? -1 : open_with(at, fds[0], fds[1], wake_write);
}

static int open_socket(int at)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ? -1
							: open_with(at, fds[0], fds[1], wake_write);
}

static int open_eventfd(int at)
{
	int fd = eventfd(0, 0);

	return open_with(at, fd, fd, wake_write);
}

static int call_read(int at)
{
	char text[8];
	struct slot *s = wants(at);

	return is(read(s->ours, text, 8) == 8);
}

static int call_recv(int at)
{
	char text[8];
	struct slot *s = wants(at);

	return is(recv(s->ours, text, 8, 0) == 8);
}

static int call_recvmsg(int at)
{
	char text[8];
	struct iovec iov = {text, 8};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct slot *s = wants(at);

	return is(recvmsg(s->ours, &m, 0) == 8);
}

static int call_recvmmsg(int at)
{
	char text[8];
	struct iovec iov = {text, 8};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
	struct slot *s = wants(at);

	return is(recvmmsg(s->ours, &m, 1, 0, NULL) == 1 && m.msg_len == 8);
}

static int open_epoll(int at)
{
	struct epoll_event e = {.events = EPOLLIN};
	int fds[2], fd = epoll_create1(0);

	if (pipe(fds) || epoll_ctl(fd, EPOLL_CTL_ADD, fds[0], &e))
		return -1;
	slots[at].tid = fds[0];
	return open_with(at, fd, fds[1], wake_write);
}

static int call_epoll(int at)
{
	char text[8];
	struct epoll_event e;
	struct slot *s = wants(at);
	int error = is(epoll_wait(s->ours, &e, 1, -1) == 1);

	return error ? error : is(read(s->tid, text, 8) == 8);
}

static int open_timerfd(int at)
{
	struct itimerspec t = {{0, 1000000}, {0, 1000000}};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	return timerfd_settime(fd, 0, &t, NULL) ? -1 : open_with(at, fd, 0, wake_none);
}

static void wake_touch(struct slot *s)
{
	int fd = open(name_of((int)(s - slots)), O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		perror("waker");
	close(fd);
}

static int open_inotify(int at)
{
	int fd = inotify_init();

	close(open(name_of(at), O_WRONLY | O_CREAT, 0600));
	return inotify_add_watch(fd, name_of(at), IN_MODIFY) < 0 ? -1
								 : open_with(at, fd, 0, wake_touch);
}

static int call_inotify(int at)
{
	char text[1024];
	struct slot *s = wants(at);

	return is(read(s->ours, text, sizeof(text)) >= (long)sizeof(struct inotify_event));
}

/* --- a full pipe is emptied --- */
static void wake_drain(struct slot *s)
{
	char text[4096];

	if (read(s->theirs, text, sizeof(text)) != 4096)
		perror("waker");
}

static int open_full(int at)
{
	static const char text[4096];
	int fds[2];

	if (pipe(fds) || fcntl(fds[1], F_SETPIPE_SZ, 4096) < 0 || write(fds[1], text, 4096) < 0)
		return -1;
	return open_with(at, fds[1], fds[0], wake_drain);
}

static int call_write(int at)
{
	static const char text[4096];
	struct slot *s = wants(at);

	return is(write(s->ours, text, 4096) == 4096);
}

/* --- connections --- */
static struct sockaddr_un address_of(int at, socklen_t *size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	*size = offsetof(struct sockaddr_un, sun_path) + 1 +
		snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s/%d", folder, at);
	return a;
}

static int listen_at(int at)
{
	socklen_t size;
	struct sockaddr_un a = address_of(at, &size);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return bind(fd, (void *)&a, size) || listen(fd, 0) ? -1 : fd;
}

static int connect_to(int at)
{
	socklen_t size;
	struct sockaddr_un a = address_of(at, &size);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int error = connect(fd, (void *)&a, size) ? errno : 0;

	close(fd);
	return error;
}

static void wake_connect(struct slot *s)
{
	if (connect_to((int)(s - slots)))
		perror("waker");
}

static int open_accept(int at)
{
	return open_with(at, listen_at(at), 0, wake_connect);
}

static int call_accept(int at)
{
	struct slot *s = wants(at);
	int fd = accept(s->ours, NULL, NULL);
	int error = is(fd >= 0);

	close(fd);
	return error;
}

static void wake_accept(struct slot *s)
{
	close(accept(s->ours, NULL, NULL));
}

static int open_connect(int at)
{
	int fd = listen_at(at);

	/* One fits into its queue, so all others wait. */
	return fd < 0 || connect_to(at) ? -1 : open_with(at, fd, 0, wake_accept);
}

static int call_connect(int at)
{
	wants(at);
	return connect_to(at);
}

static void wake_fifo(struct slot *s)
{
	close(open(name_of((int)(s - slots)), O_WRONLY));
}

static int open_fifo(int at)
{
	return mkfifo(name_of(at), 0600) ? -1 : open_with(at, 0, 0, wake_fifo);
}

static int call_open(int at)
{
	wants(at);
	int fd = open(name_of(at), O_RDONLY);
	int error = is(fd >= 0);

	/* The waker is through before the next round. */
	while (get(&slots[at]) == WAITS && !target_stopping)
		target_sleep_us(50);
	close(fd);
	return error;
}

static struct kind kinds[] = {
	WOKEN("read_pipe", open_pipe, call_read),
	WOKEN("read_socket", open_socket, call_read),
	WOKEN("read_eventfd", open_eventfd, call_read),
	WOKEN("read_timerfd", open_timerfd, call_read),
	WOKEN("read_inotify", open_inotify, call_inotify),
	WOKEN("recv", open_socket, call_recv),
	WOKEN("recvmsg", open_socket, call_recvmsg),
	WOKEN("recvmmsg", open_socket, call_recvmmsg),
	WOKEN("epoll_wait", open_epoll, call_epoll),
	WOKEN("write_pipe", open_full, call_write),
	WOKEN("accept", open_accept, call_accept),
	WOKEN("connect", open_connect, call_connect),
	WOKEN("open_fifo", open_fifo, call_open),
};

int main(int argc, char **argv)
{
	exit(woken_main(argc, argv, kinds, sizeof(kinds) / sizeof(kinds[0])));
}
