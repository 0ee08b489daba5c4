/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/tracer/descriptor.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/proc_file.h"

#define SHOWN 4u /* of many that are waited on */

/* Calls that may wait and whose first argument is a descriptor; the second of a few. */
static const uint16_t of_first[] = {SYS_read, SYS_write, SYS_pread64, SYS_pwrite64, SYS_readv,
	SYS_writev, SYS_preadv, SYS_pwritev, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg,
	SYS_recvmmsg, SYS_sendmmsg, SYS_accept, SYS_accept4, SYS_connect, SYS_epoll_wait,
	SYS_epoll_pwait, 441 /* epoll_pwait2 */, SYS_ioctl, SYS_fsync, SYS_fdatasync, SYS_flock,
	SYS_fcntl, SYS_fallocate, SYS_ftruncate, SYS_close, SYS_getdents64, SYS_sync_file_range,
	SYS_syncfs, SYS_sendfile, SYS_splice, SYS_vmsplice, SYS_tee, SYS_mq_timedsend,
	SYS_mq_timedreceive, SYS_shutdown, SYS_io_uring_enter, SYS_fstat, SYS_copy_file_range};

int descriptor_of(const struct call_now *call)
{
	for (size_t i = 0; i < sizeof(of_first) / sizeof(*of_first); i++)
		if (call->nr == of_first[i])
			return call->args[0] <= INT32_MAX ? (int)call->args[0] : -1;
	return -1;
}

static void one(
	struct sockets *s, const struct target *t, pid_t tid, int fd, struct buf *out, int watches);

/* "tfd:        5 events: ..." (proc_pid_fdinfo(5)) */
static void watched(struct sockets *s, const struct target *t, pid_t tid, int fd, struct buf *out)
{
	char name[32], text[8 * KIB];
	uint32_t n = 0;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	ssize_t got = proc_file_take(target_open_file(t, tid, name), text, sizeof(text));
	int is_cut = got == (ssize_t)sizeof(text) - 1;
	for (const char *at = text; (at = strstr(at, "\ntfd:")); at++)
		n++;
	buf_printf(out, "epoll of %u%s", n, is_cut ? " or more" : "");
	if (n > SHOWN)
		return;
	const char *between = ": ";
	for (const char *at = text; (at = strstr(at, "\ntfd:")); at++) {
		int other = atoi(at + 5);
		buf_printf(out, "%s%d ", between, other);
		one(s, t, tid, other, out, 0);
		between = ", ";
	}
}

static void one(
	struct sockets *s, const struct target *t, pid_t tid, int fd, struct buf *out, int watches)
{
	char name[48], link[1024];
	const char *known = NULL;
	uint64_t inode;

	snprintf(name, sizeof(name), "task/%d/fd/%d", tid, fd);
	ssize_t n = readlinkat(t->proc, name, link, sizeof(link) - 1);
	link[n < 0 ? 0 : n] = '\0';
	if (sscanf(link, "socket:[%" SCNu64 "]", &inode) == 1) {
		sockets_read(s, t, tid);
		known = sockets_find(s, inode);
	}
	if (n < 0)
		buf_string(out, "closed");
	else if (known)
		buf_string(out, known);
	else if (!strcmp(link, "anon_inode:[eventpoll]") && watches)
		watched(s, t, tid, fd, out);
	else if (!strncmp(link, "anon_inode:[", 12))
		buf_printf(out, "%.*s", (int)strcspn(link + 12, "]"), link + 12);
	else
		buf_string(out, link);
}

void descriptor_text(struct sockets *s, const struct target *t, pid_t tid, int fd, struct buf *out)
{
	one(s, t, tid, fd, out, 1);
}

void descriptor_polled(struct sockets *s, const struct target *t, pid_t tid,
	const struct call_now *call, struct buf *out)
{
	struct pollfd v[SHOWN];
	uint64_t n = call->args[1], shown = n < SHOWN ? n : SHOWN;

	if (call->nr != SYS_poll && call->nr != SYS_ppoll)
		return;
	buf_printf(out, "%" PRIu64 " descriptor%s", n, n == 1 ? "" : "s");
	if (!n || memory_read(tid, call->args[0], v, shown * sizeof(*v)) !=
			  (long)(shown * sizeof(*v)))
		return;
	for (uint64_t i = 0; i < shown; i++) {
		buf_printf(out, "%s%d ", i ? ", " : ": ", v[i].fd);
		one(s, t, tid, v[i].fd, out, 1);
	}
	if (shown < n)
		buf_string(out, ", ...");
}
