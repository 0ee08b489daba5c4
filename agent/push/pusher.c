/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/push/pusher.h"
#include "agent/sandbox.h"
#include "base/now.h"
#include "base/wire.h"

void pusher_init(struct pusher *p, const struct client *client)
{
	*p = (struct pusher){.client = *client, .sock = -1};
}

/* Its end is not waited for here: a process may be stuck in the kernel. */
static void kill_it(struct pusher *p)
{
	if (p->sock >= 0)
		close(p->sock);
	p->sock = -1;
	if (p->pid)
		kill(p->pid, SIGKILL);
}

static int is_gone(struct pusher *p)
{
	if (p->pid && waitpid(p->pid, NULL, WNOHANG) == 0)
		return 0;
	p->pid = 0;
	return 1;
}

_Noreturn static void run(const struct pusher *p, int sock, pid_t parent)
{
	sandbox_close_others(sock, sock);
	if (sandbox_enter_client(parent) < 0)
		_exit(1);
	client_run(&p->client, sock);
}

int pusher_start(struct pusher *p)
{
	pid_t parent = getpid();
	int pair[2];

	if (p->sock >= 0)
		return 0;
	if (!is_gone(p))
		return -EAGAIN;
	int error = wire_pair(pair);
	if (error)
		return error;
	p->pid = fork();
	if (p->pid == 0)
		run(p, pair[1], parent);
	error = p->pid < 0 ? -errno : 0;
	close(pair[1]);
	if (error) {
		close(pair[0]);
		p->pid = 0;
		return error == -EAGAIN ? -ENOMEM : error;
	}
	p->sock = pair[0];
	return 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno != EINTR)
			return -errno;
		bytes += done > 0 ? done : 0;
		n -= done > 0 ? done : 0;
	}
	return 0;
}

int pusher_send(struct pusher *p, const struct buf *body, uint64_t now)
{
	int fd = memfd_create("push", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	int error = write_all(fd, body->data, body->len);
	if (!error)
		error = wire_try2(p->sock, TO_CLIENT_BODY, NULL, 0, NULL, 0, fd);
	close(fd);
	if (error)
		kill_it(p);
	else
		/* libcurl's own deadline comes first. */
		p->deadline = now + client_patience_ms(&p->client, body->len) * MS / 2 * 3;
	return error;
}

/* The process is no good any more. 1: *a says so of what was on its way. */
static int give_up(struct pusher *p, struct answer *a, uint32_t error, const char *text)
{
	int had_work = p->deadline != 0;

	kill_it(p);
	p->deadline = 0;
	*a = (struct answer){.error = error};
	strcpy(a->text, text);
	return had_work;
}

int pusher_take(struct pusher *p, struct answer *a, uint64_t now)
{
	static struct wire_message m;
	const struct answer *said;

	if (p->sock < 0)
		return 0;
	int got = wire_recv(p->sock, &m, 0);
	if (got == 0 && p->deadline && now >= p->deadline)
		return give_up(p, a, ANSWER_HUNG, "the request does not come to an end");
	if (got == 0)
		return 0;
	if (got == 1 && m.fd >= 0)
		close(m.fd);
	said = got == 1 && m.type == CLIENT_ANSWER ? wire_payload(&m, sizeof(*said)) : NULL;
	if (!said || !p->deadline)
		return give_up(p, a, ANSWER_DIED, "the process that sends died");
	*a = *said;
	a->text[sizeof(a->text) - 1] = '\0';
	p->deadline = 0;
	return 1;
}

void pusher_end(struct pusher *p)
{
	kill_it(p);
	p->deadline = 0;
	/* One that is stuck in the kernel ends after us, and is init's then. */
	for (int i = 0; i < 100 && !is_gone(p); i++)
		usleep(1000);
}
