/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/proc_file.h"
#include "agent/tracer/sockets.h"
#include "base/list.h"
#include "base/sorted.h"

void sockets_fini(struct sockets *s)
{
	free(s->v);
	buf_fini(&s->texts);
	*s = (struct sockets){.beat = s->beat, .arg = s->arg};
}

static int add(struct sockets *s, uint64_t inode, const char *text)
{
	if (!s->texts.ceiling)
		buf_init(&s->texts, LIMIT_SOCKET_TEXTS);
	uint32_t at = s->texts.len;
	int error = list_room(&s->v, s->n, 1, &s->room, sizeof(*s->v), LIMIT_SOCKETS);
	if (!error)
		error = buf_append(&s->texts, text, strlen(text) + 1);
	if (!error)
		s->v[s->n++] = (struct socket_row){inode, at};
	return error;
}

/* Hexadecimal words in the kernel's own byte order (net/ipv4/tcp_ipv4.c, get_tcp4_sock). */
static int address_text(char *out, size_t room, const char *hex, unsigned port)
{
	char shown[INET6_ADDRSTRLEN];
	uint32_t words[4];
	size_t n = strlen(hex) / 8;

	if ((n != 1 && n != 4) || strlen(hex) % 8)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (sscanf(hex + 8 * i, "%8" SCNx32, &words[i]) != 1)
			return -EINVAL;
	if (!inet_ntop(n == 1 ? AF_INET : AF_INET6, words, shown, sizeof(shown)))
		return -EINVAL;
	snprintf(out, room, n == 1 ? "%s:%u" : "[%s]:%u", shown, port);
	return 0;
}

/* include/net/tcp_states.h; what is not worth a word is NULL. */
static const char *state_word(const char *protocol, unsigned state)
{
	static const char *const words[] = {[2] = "connecting",
		[3] = "connecting",
		[4] = "closing",
		[5] = "closing",
		[6] = "time wait",
		[7] = "closed",
		[8] = "closed by the other side",
		[9] = "closing",
		[10] = "listening",
		[11] = "closing"};

	if (protocol[0] != 't' || state >= sizeof(words) / sizeof(*words))
		return NULL;
	return words[state];
}

static int parse_internet(struct sockets *s, const char *protocol, const char *line)
{
	char local_hex[33], remote_hex[33], local[64], remote[64], text[192];
	unsigned local_port, remote_port, state;
	uint64_t inode;

	if (sscanf(line,
		    " %*d: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%x %x %*s %*s %*s %*u %*d %" SCNu64,
		    local_hex, &local_port, remote_hex, &remote_port, &state, &inode) != 6 ||
		address_text(local, sizeof(local), local_hex, local_port) < 0 ||
		address_text(remote, sizeof(remote), remote_hex, remote_port) < 0)
		return -EINVAL;
	const char *word = state_word(protocol, state);
	int n = snprintf(text, sizeof(text), "%.3s %s", protocol, local);
	if (remote_port)
		n += snprintf(text + n, sizeof(text) - n, " -> %s", remote);
	if (word)
		snprintf(text + n, sizeof(text) - n, " (%s)", word);
	return add(s, inode, text);
}

static int parse_unix(struct sockets *s, const char *line)
{
	unsigned flags;
	uint64_t inode;
	int at = 0;
	char text[160];

	if (sscanf(line, "%*[^:]: %*x %*x %x %*x %*x %" SCNu64 "%n", &flags, &inode, &at) != 2)
		return -EINVAL;
	const char *path = line + at + strspn(line + at, " ");
	snprintf(text, sizeof(text), "unix %.120s%s", *path ? path : "(no name)",
		flags & 0x10000 /* __SO_ACCEPTCON */ ? " (listening)" : "");
	return add(s, inode, text);
}

int sockets_parse(struct sockets *s, const char *file, const char *line)
{
	return !strcmp(file, "unix") ? parse_unix(s, line) : parse_internet(s, file, line);
}

static void parse_lines(struct sockets *s, const char *file, char *text)
{
	char *line;

	while (text && (line = strsep(&text, "\n")))
		if (*line)
			sockets_parse(s, file, line); /* the first is the heading */
}

/* Such a file may be long, and the kernel writes it slowly: piece by piece. */
static void read_file(struct sockets *s, const struct target *t, pid_t tid, const char *file)
{
	char name[32], piece[32 * KIB];
	struct buf text;
	ssize_t n;

	snprintf(name, sizeof(name), "net/%s", file);
	int fd = target_open_file(t, tid, name);
	if (fd < 0)
		return;
	buf_init(&text, LIMIT_SOCKET_TEXTS);
	while ((n = read(fd, piece, sizeof(piece))) > 0 && !buf_append(&text, piece, n))
		s->beat(s->arg);
	close(fd);
	parse_lines(s, file, buf_text(&text) ? text.data : NULL);
	buf_fini(&text);
}

static int by_inode(const void *a, const void *b)
{
	const struct socket_row *x = a, *y = b;

	return sorted_order(x->inode, y->inode);
}

void sockets_sort(struct sockets *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_inode);
}

void sockets_read(struct sockets *s, const struct target *t, pid_t tid)
{
	static const char *const files[] = {"tcp", "tcp6", "udp", "udp6", "unix"};
	char link[48], space[sizeof(s->space)] = "";

	snprintf(link, sizeof(link), "task/%d/ns/net", tid);
	ssize_t n = readlinkat(t->proc, link, space, sizeof(space) - 1);
	if (n <= 0 || !strcmp(space, s->space))
		return;
	sockets_fini(s);
	strcpy(s->space, space);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		read_file(s, t, tid, files[i]);
	sockets_sort(s);
}

const char *sockets_find(struct sockets *s, uint64_t inode)
{
	const struct socket_row key = {.inode = inode};
	const struct socket_row *found =
		s->n ? bsearch(&key, s->v, s->n, sizeof(key), by_inode) : NULL;

	return found ? s->texts.data + found->text : NULL;
}
