/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/serve/listen.h"
#include "base/log.h"

#define BACKLOG 64
#define UNIX	"unix:"

static int is_unix(const char *where)
{
	return !strncmp(where, UNIX, strlen(UNIX));
}

static int bad(const char *where, const char *what)
{
	char shown[256];

	log_error("-http %s: %s", log_escape(shown, sizeof(shown), where), what);
	return -EINVAL;
}

/* "[::1]:80", "host:80", ":80": host gets what is before the colon. */
static int split(const char *where, char *host, size_t room, const char **port)
{
	const char *colon = strrchr(where, ':');
	size_t n = colon ? (size_t)(colon - where) : 0;
	int is_bracketed = n > 1 && where[0] == '[' && where[n - 1] == ']';
	char *end;

	if (!colon || !colon[1] || n >= room)
		return bad(where, "give [HOST]:PORT, or unix:PATH");
	*port = colon + 1;
	long number = strtol(*port, &end, 10);
	if (*end || number < 0 || number > 65535 || **port == '+' || **port == ' ')
		return bad(where, "a port is a number from 0 to 65535");
	snprintf(host, room, "%.*s", (int)(n - 2 * is_bracketed), where + is_bracketed);
	if (!is_bracketed && strchr(host, ':'))
		return bad(where, "give an IPv6 address in brackets: [::1]:6060");
	return 0;
}

int listen_check(const char *where)
{
	struct sockaddr_un address;
	const char *port;
	char host[256];

	if (!is_unix(where))
		return split(where, host, sizeof(host), &port);
	if (!where[strlen(UNIX)] || strlen(where) - strlen(UNIX) >= sizeof(address.sun_path))
		return bad(where, "a socket's path has 1 to 107 bytes");
	return 0;
}

/* --- in a file system --------------------------------------------------------------------- */

/* A server that was killed left it: nobody answers there. */
static int is_dead(const struct sockaddr_un *address)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	int dead = lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		   connect(fd, (const void *)address, sizeof(*address)) < 0 &&
		   errno == ECONNREFUSED;
	close(fd);
	return dead;
}

static int open_unix(struct listener *l, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (is_dead(&address))
		unlink(address.sun_path);
	mode_t mask = umask(0177);
	int error = bind(fd, (const void *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (!error) {
		snprintf(l->path, sizeof(l->path), "%s", path);
		error = listen(fd, BACKLOG) < 0 ? -errno : 0;
	}
	l->fd = fd;
	snprintf(l->url, sizeof(l->url), UNIX "%s", path);
	return error;
}

/* --- in the network ----------------------------------------------------------------------- */

static int is_loopback(const struct sockaddr *a)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	if (a->sa_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int open_address(struct listener *l, const struct addrinfo *a)
{
	int on = 1;

	l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return -errno;
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l->fd, a->ai_addr, a->ai_addrlen) < 0 || listen(l->fd, BACKLOG) < 0)
		return -errno;
	l->is_open_to_others = !is_loopback(a->ai_addr);
	return 0;
}

static void set_url(struct listener *l)
{
	struct sockaddr_storage own;
	socklen_t n = sizeof(own);
	char host[INET6_ADDRSTRLEN], port[8];

	if (getsockname(l->fd, (void *)&own, &n) < 0 ||
		getnameinfo((void *)&own, n, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return;
	int is_v6 = own.ss_family == AF_INET6;
	snprintf(l->url, sizeof(l->url), "http://%s%s%s:%s/", is_v6 ? "[" : "",
		*l->host && !is_v6 ? l->host : host, is_v6 ? "]" : "", port);
}

static int open_network(struct listener *l, const char *where)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
	const char *port;
	int error = split(where, l->host, sizeof(l->host), &port);

	if (error)
		return error;
	int why = getaddrinfo(*l->host ? l->host : "127.0.0.1", port, &hints, &found);
	if (why) {
		bad(where, gai_strerror(why));
		return -EINVAL;
	}
	error = -EADDRNOTAVAIL;
	for (struct addrinfo *a = found; a && error; a = a->ai_next) {
		if (l->fd >= 0)
			close(l->fd);
		error = open_address(l, a);
	}
	freeaddrinfo(found);
	if (!error)
		set_url(l);
	return error;
}

int listen_open(struct listener *l, const char *where)
{
	*l = (struct listener){.fd = -1};
	int error = is_unix(where) ? open_unix(l, where + strlen(UNIX)) : open_network(l, where);

	if (!error)
		return 0;
	if (error == -EACCES && !is_unix(where))
		bad(where,
			"Permission denied (ports below 1024 are not for us; take a higher one)");
	else if (error == -EADDRINUSE)
		bad(where, is_unix(where) ? "somebody listens there, or it is no socket"
					  : "the address is in use; :0 takes any free port");
	else if (error != -EINVAL)
		bad(where, strerror(-error));
	listen_close(l);
	return error;
}

void listen_close(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	if (*l->path)
		unlink(l->path);
	*l->path = '\0';
}
