/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent/tracer/call.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/proc_status.h"

enum {
	RESTART_SYS = 512,	  /* ERESTARTSYS */
	RESTART_NO_HANDLER = 514, /* ERESTARTNOHAND: restart unless a handler runs */
	RESTART_LAST = 516,	  /* ERESTART_RESTARTBLOCK */
	VECTOR_MAX = 1024,	  /* UIO_MAXIOV: the kernel refuses more */
};

int call_fails(const struct user_regs_struct *u)
{
	return (long)u->rax == -EINTR;
}

int call_was_blocked(const struct user_regs_struct *u)
{
	long result = u->rax;

	return call_fails(u) || (result <= -RESTART_SYS && result >= -RESTART_LAST);
}

/* close has closed its descriptor whatever it returns (fs/open.c); what an ioctl did before it was
 * interrupted only its driver knows. */
static int is_repeatable(unsigned long call)
{
	return call != SYS_close && call != SYS_ioctl;
}

void call_begin_anew(struct user_regs_struct *u)
{
	u->rax = -RESTART_NO_HANDLER;
}

int call_repair(struct user_regs_struct *u)
{
	if (!call_fails(u) || !is_repeatable(u->orig_rax))
		return 0;
	call_begin_anew(u);
	return 1;
}

int call_restarts_by_call(const struct user_regs_struct *u)
{
	return (long)u->rax == -RESTART_LAST;
}

int call_is_filtered(pid_t tid)
{
	struct proc_status status;

	return proc_status_of(tid, &status) == 0 && proc_status_number(&status, "Seccomp") != 0;
}

/* fs/aio.c, unix_stream_read_generic, inet_csk_wait_for_connect. epoll_wait, semtimedop, the
 * sigtimedwait family and other sockets ask for their timer first: EINTR there means that there was
 * time left. */
int call_starts_anew(const struct user_regs_struct *u)
{
	switch (u->orig_rax) {
	case SYS_io_getevents:
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_accept:
	case SYS_accept4:
		return call_fails(u);
	case SYS_io_pgetevents: /* repairs itself */
		return (long)u->rax == -RESTART_NO_HANDLER;
	default:
		return 0;
	}
}

/* Whether n pieces of memory are more than what was done. The kernel has looked at the vector
 * before us, so what cannot be read has been changed by another thread. */
static int vector_exceeds(pid_t tid, uint64_t at, uint64_t n, uint64_t done)
{
	static struct iovec v[VECTOR_MAX];

	if (!n || n > VECTOR_MAX)
		return 0;
	long bytes = memory_read(tid, at, v, n * sizeof(*v));
	for (long i = 0; i < bytes / (long)sizeof(*v); i++) {
		if (v[i].iov_len > done)
			return 1;
		done -= v[i].iov_len;
	}
	return 0;
}

static int message_exceeds(pid_t tid, uint64_t at, uint64_t done)
{
	struct msghdr m;

	if (memory_read(tid, at, &m, sizeof(m)) != sizeof(m))
		return 0;
	return vector_exceeds(tid, (uintptr_t)m.msg_iov, m.msg_iovlen, done);
}

/* The kernel has set it back to its syscall instruction, to make the call again: rax is the call's
 * number once more, not a result. (The instruction leaves its successor's address in rcx.) */
static int is_made_again(const struct user_regs_struct *u)
{
	const uint64_t instruction = 2;

	return u->rax == u->orig_rax && u->rip + instruction == u->rcx;
}

/* Calls that return what is there anyway (read, splice, vmsplice, recv without MSG_WAITALL) are not
 * cut short: their callers are used to it. */
int call_is_cut_short(const struct user_regs_struct *u, pid_t tid)
{
	uint64_t done = u->rax;

	if ((long)done <= 0 || is_made_again(u))
		return 0;
	switch (u->orig_rax) {
	case SYS_write:
	case SYS_pwrite64:
		return done < u->rdx;
	case SYS_sendto:
		return !(u->r10 & MSG_DONTWAIT) && done < u->rdx;
	case SYS_recvfrom:
		return (u->r10 & MSG_WAITALL) && done < u->rdx;
	case SYS_getrandom:
		return done < u->rsi;
	case SYS_sendfile:
		return done < u->r10;
	case SYS_writev:
	case SYS_pwritev:
	case SYS_pwritev2:
		return vector_exceeds(tid, u->rsi, u->rdx, done);
	case SYS_sendmsg:
		return !(u->rdx & MSG_DONTWAIT) && message_exceeds(tid, u->rsi, done);
	case SYS_recvmsg:
		return (u->rdx & MSG_WAITALL) && message_exceeds(tid, u->rsi, done);
	case SYS_sendmmsg: /* in messages */
		return !(u->r10 & MSG_DONTWAIT) && done < u->rdx;
	case SYS_recvmmsg: /* likewise; a time-out ends it early by itself */
		return !(u->r10 & (MSG_DONTWAIT | MSG_WAITFORONE)) && !u->r8 && done < u->rdx;
	default:
		return 0;
	}
}

/* net/socket.c, do_recvmmsg: "if recvmsg returns an error after we received some datagrams we
 * record the error to return on the next call", whatever error. SO_ERROR reads it and clears it. */
int call_clean_socket(const struct user_regs_struct *u, int pidfd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (u->orig_rax != SYS_recvmmsg || (long)u->rax <= 0 || u->rax >= u->rdx)
		return 0;
	int fd = syscall(SYS_pidfd_getfd, pidfd, (int)u->rdi, 0);
	if (fd < 0)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	close(fd);
	return error >= RESTART_SYS && error <= RESTART_LAST;
}
