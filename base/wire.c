/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/wire.h"

#define TRIES 50 /* a millisecond apart */

struct wire_header {
	uint32_t type, size;
};

union fd_space {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int wire_pair(int fd[2])
{
	int room = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	/* Larger queues only spare wake-ups: a refusal does no harm. */
	setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return 0;
}

static void attach_fd(struct msghdr *msg, union fd_space *space, int fd)
{
	memset(space, 0, sizeof(*space));
	msg->msg_control = space->bytes;
	msg->msg_controllen = sizeof(space->bytes);
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

/* The kernel has no memory for a message, or too many descriptors are on their way: it passes. */
static int is_shortage(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

static int send_parts(int sock, int flags, uint32_t type, const void *head, size_t head_size,
	const void *tail, size_t tail_size, int fd)
{
	union fd_space space;
	struct wire_header header = {type, head_size + tail_size};
	struct iovec iov[3] = {
		{&header, sizeof(header)},
		{(void *)head, head_size},
		{(void *)tail, tail_size},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};
	const struct timespec pause = {.tv_nsec = 1000000};

	if (head_size + tail_size > LIMIT_MESSAGE)
		return -EMSGSIZE;
	if (fd >= 0)
		attach_fd(&msg, &space, fd);
	for (int tries = 0; sendmsg(sock, &msg, MSG_NOSIGNAL | flags) < 0;) {
		if (errno == ECONNRESET)
			return -EPIPE;
		if (errno != EINTR && (!is_shortage(errno) || ++tries > TRIES))
			return -errno;
		if (errno != EINTR)
			nanosleep(&pause, NULL);
	}
	return 0;
}

int wire_send2(int sock, uint32_t type, const void *head, size_t head_size, const void *tail,
	size_t tail_size, int fd)
{
	return send_parts(sock, 0, type, head, head_size, tail, tail_size, fd);
}

int wire_try2(int sock, uint32_t type, const void *head, size_t head_size, const void *tail,
	size_t tail_size, int fd)
{
	return send_parts(sock, MSG_DONTWAIT, type, head, head_size, tail, tail_size, fd);
}

int wire_send(int sock, uint32_t type, const void *payload, size_t size, int fd)
{
	return wire_send2(sock, type, payload, size, NULL, 0, fd);
}

/* The one descriptor we accept; closes what else came. */
static int take_fd(struct msghdr *msg)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int got;
			memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(got));
			if (fd < 0)
				fd = got;
			else
				close(got);
		}
	}
	return fd;
}

int wire_recv(int sock, struct wire_message *m, int wait)
{
	union fd_space space;
	struct wire_header header;
	struct iovec iov[2] = {{&header, sizeof(header)}, {m->payload, sizeof(m->payload)}};
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = space.bytes,
		.msg_controllen = sizeof(space.bytes),
	};
	ssize_t n;

	m->fd = -1;
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return -errno;
	if (n <= 0)
		return -EPIPE;
	m->fd = take_fd(&msg);
	if ((size_t)n < sizeof(header) || header.size != n - sizeof(header) ||
		(msg.msg_flags & MSG_TRUNC)) {
		if (m->fd >= 0)
			close(m->fd);
		m->fd = -1;
		return -EPROTO;
	}
	m->type = header.type;
	m->size = header.size;
	return 1;
}

const void *wire_payload(const struct wire_message *m, size_t size)
{
	return m->size >= size ? m->payload : NULL;
}
