/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of sockets by their inode (/proc/PID/net/tcp and so on): the addresses of
 * both ends, the path of a Unix socket. Read once for each network namespace and snapshot.
 */
#ifndef TRACER_SOCKETS_H
#define TRACER_SOCKETS_H

#include <stdint.h>

#include "agent/tracer/process.h"
#include "base/buf.h"

struct socket_row {
	uint64_t inode;
	uint32_t text; /* place in texts */
};

/* Zero-initialized but for beat is empty. */
struct sockets {
	void (*beat)(void *arg); /* called now and then while files are read */
	void *arg;
	char space[64]; /* the network namespace that they are of; "": not read */
	struct socket_row *v;
	uint32_t n, room;
	struct buf texts;
};

void sockets_fini(struct sockets *s);

/* Those that the thread sees, unless they are read already. */
void sockets_read(struct sockets *s, const struct target *t, pid_t tid);

/* "tcp 10.0.0.1:5432 -> 10.0.0.9:41234", "tcp 0.0.0.0:80 (listening)", "unix /run/x.sock"; NULL if
 * there is no such socket. Borrowed until the next sockets_read. */
const char *sockets_find(struct sockets *s, uint64_t inode);

/* One line of such a file; "tcp", "tcp6", "udp", "udp6" or "unix". 0 or -EINVAL. */
int sockets_parse(struct sockets *s, const char *file, const char *line);

/* Before the first look, after the last line. */
void sockets_sort(struct sockets *s);

#endif
