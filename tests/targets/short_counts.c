/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * short_counts [SECONDS [KIND...]]: threads that live in calls which do their work in parts, and
 * return what is done when they are interrupted. Their peer, a process of its own that nobody
 * stops, takes and gives without end, so that a short count is somebody's fault. No signal is ever
 * sent. Exit status 1 when a call failed.
 */
#include "calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define SIZE	 200000
#define RECEIVED 20000
enum { CHANNELS = 32, MESSAGES = 16, PARTS = 5 };

/* What the peer does at its end. */
static struct pollfd peers[CHANNELS];
static int ends[CHANNELS]; /* of all kinds: their threads' descriptors */
static char *text, *incoming[CHANNELS];
static int file;
static uint64_t short_counts[CHANNELS];

static int channel(int at, int ours, int theirs, short events)
{
	ends[at] = ours;
	peers[at] = (struct pollfd){theirs, events, 0};
	fcntl(theirs, F_SETFL, O_NONBLOCK);
	incoming[at] = malloc(RECEIVED);
	return at;
}

static int open_pipe(int at)
{
	int fds[2];

	return pipe(fds) ? -1 : channel(at, fds[1], fds[0], POLLIN);
}

static int open_out(int at)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ? -1 : channel(at, fds[0], fds[1], POLLIN);
}

static int open_in(int at)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) ? -1 : channel(at, fds[0], fds[1], POLLOUT);
}

static int open_messages_out(int at)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) ? -1 : channel(at, fds[0], fds[1], POLLIN);
}

static int open_messages_in(int at)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) ? -1 : channel(at, fds[0], fds[1], POLLOUT);
}

static int open_none(int at)
{
	peers[at].fd = -1;
	return at;
}

/* 0, or what went wrong; a short count is only counted. */
static int count(int at, long done, long whole)
{
	if (done < 0)
		return errno;
	short_counts[at] += done < whole;
	return done > 0 ? 0 : CALL_WRONG;
}

/* The same bytes in uneven parts. */
static void part(struct iovec *v, char *from, size_t size)
{
	for (int i = 0; i < PARTS; i++) {
		size_t n = i == PARTS - 1 ? size : size / 3;
		v[i] = (struct iovec){from, n};
		from += n;
		size -= n;
	}
}

static int call_write(int at)
{
	return count(at, write(ends[at], text, SIZE), SIZE);
}

static int call_writev(int at)
{
	struct iovec v[PARTS];

	part(v, text, SIZE);
	return count(at, writev(ends[at], v, PARTS), SIZE);
}

static int call_send(int at)
{
	return count(at, send(ends[at], text, SIZE, 0), SIZE);
}

static int call_sendmsg(int at)
{
	struct iovec v[PARTS];
	struct msghdr m = {.msg_iov = v, .msg_iovlen = PARTS};

	part(v, text, SIZE);
	return count(at, sendmsg(ends[at], &m, 0), SIZE);
}

static int call_sendfile(int at)
{
	off_t from = 0;

	return count(at, sendfile(ends[at], file, &from, SIZE), SIZE);
}

static int call_recv(int at)
{
	return count(at, recv(ends[at], incoming[at], RECEIVED, MSG_WAITALL), RECEIVED);
}

static int call_recvmsg(int at)
{
	struct iovec v[PARTS];
	struct msghdr m = {.msg_iov = v, .msg_iovlen = PARTS};

	part(v, incoming[at], RECEIVED);
	return count(at, recvmsg(ends[at], &m, MSG_WAITALL), RECEIVED);
}

static void set_up(struct mmsghdr *m, struct iovec *v, char *from)
{
	for (int i = 0; i < MESSAGES; i++) {
		v[i] = (struct iovec){from, 100};
		m[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &v[i], .msg_iovlen = 1}};
	}
}

static int call_sendmmsg(int at)
{
	struct mmsghdr m[MESSAGES];
	struct iovec v[MESSAGES];

	set_up(m, v, text);
	return count(at, sendmmsg(ends[at], m, MESSAGES, 0), MESSAGES);
}

static int call_recvmmsg(int at)
{
	struct mmsghdr m[MESSAGES];
	struct iovec v[MESSAGES];

	set_up(m, v, incoming[at]);
	return count(at, recvmmsg(ends[at], m, MESSAGES, 0, NULL), MESSAGES);
}

static int call_getrandom(int at)
{
	static __thread char random[65536];

	return count(at, getrandom(random, sizeof(random), 0), sizeof(random));
}

#define KIND(NAME, OPEN, CALL)                                                                     \
	{                                                                                          \
		.name = NAME, .threads = 1, .open = OPEN, .call = CALL                             \
	}

static struct kind kinds[] = {
	KIND("write", open_pipe, call_write),
	KIND("writev", open_pipe, call_writev),
	KIND("write_socket", open_out, call_write),
	KIND("send", open_out, call_send),
	KIND("sendmsg", open_out, call_sendmsg),
	KIND("sendfile", open_out, call_sendfile),
	KIND("recv", open_in, call_recv),
	KIND("recvmsg", open_in, call_recvmsg),
	KIND("sendmmsg", open_messages_out, call_sendmmsg),
	KIND("recvmmsg", open_messages_in, call_recvmmsg),
	KIND("getrandom", open_none, call_getrandom),
};
enum { kind_count = sizeof(kinds) / sizeof(kinds[0]) };

static void peer_main(int n, pid_t parent)
{
	static char bytes[16384];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent && poll(peers, n, -1) >= 0)
		for (int i = 0; i < n; i++) {
			long done = 0;
			if (peers[i].revents & POLLIN)
				done = read(peers[i].fd, bytes, sizeof(bytes));
			else if (peers[i].revents & POLLOUT)
				done = write(peers[i].fd, bytes, 100);
			if (done < 0 && errno != EAGAIN)
				_exit(1);
		}
	_exit(0);
}

int main(int argc, char **argv)
{
	static struct caller callers[CHANNELS];
	uint64_t all = 0;
	int n = 0;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	text = calloc(1, SIZE);
	file = memfd_create("source", 0);
	if (!text || file < 0 || write(file, text, SIZE) != SIZE) {
		perror("short_counts");
		return 1;
	}
	for (int i = 0; i < kind_count; i++)
		n = calls_open(&kinds[i], argc > 2 ? argv + 2 : NULL, callers, n);
	pid_t parent = getpid(), peer = fork();
	if (!peer)
		peer_main(n, parent);
	int failed = calls_run(callers, n, kinds, kind_count);
	for (int i = 0; i < n; i++) {
		say(callers[i].kind, "short", short_counts[i]);
		all += short_counts[i];
	}
	truth("short", all);
	kill(peer, SIGKILL);
	exit(failed);
}
