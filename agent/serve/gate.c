/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/serve/gate.h"
#include "agent/serve/http.h"
#include "base/log.h"

#define TOKEN_MIN  16
#define TOKEN_MAX  256
#define UNRESERVED "-._~"

/* --- the host ----------------------------------------------------------------------------- */

/* Without its port; 0, or -EINVAL. */
static int host_of(const char *header, char *out, size_t room)
{
	int is_bracketed = *header == '[';
	const char *end = is_bracketed ? strchr(header, ']') : strchrnul(header, ':');
	const char *begin = header + is_bracketed;

	if (!end || (size_t)(end - begin) >= room)
		return -EINVAL;
	const char *rest = end + is_bracketed;
	if (*rest && (*rest != ':' || strspn(rest + 1, "0123456789") != strlen(rest + 1)))
		return -EINVAL;
	snprintf(out, room, "%.*s", (int)(end - begin), begin);
	return 0;
}

int gate_is_own_host(const char *header, const char *own)
{
	struct in_addr v4;
	struct in6_addr v6;
	char host[256];

	if (host_of(header, host, sizeof(host)) < 0)
		return 0;
	return inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1 ||
	       !strcasecmp(host, "localhost") || (*own && !strcasecmp(host, own));
}

static const char *header_of(const struct exchange *e, const char *name)
{
	return MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, name);
}

/* A page of another site that makes its reader's browser ask us. Links to us may be followed. */
static int is_from_elsewhere(const struct exchange *e)
{
	const char *site = header_of(e, "Sec-Fetch-Site"), *mode = header_of(e, "Sec-Fetch-Mode");

	return site && !strcasecmp(site, "cross-site") && (!mode || strcasecmp(mode, "navigate"));
}

/* --- the token ---------------------------------------------------------------------------- */

/* In a time that tells nothing of where they differ. */
static int is_same(const char *given, size_t n, const char *token)
{
	unsigned char differs = n != strlen(token);

	for (size_t i = 0; token[i]; i++)
		differs |= (unsigned char)token[i] ^ (unsigned char)(i < n ? given[i] : 0);
	return !differs;
}

/* "/TOKEN/rest": the rest; NULL: it is another one. */
static const char *after_token(const char *path, const char *token)
{
	size_t n = *path == '/' ? strcspn(path + 1, "/") : 0;

	return *path == '/' && is_same(path + 1, n, token) && path[n + 1] == '/' ? path + 1 + n
										 : NULL;
}

/* Only this machine's own may ask, and whoever makes a browser of this machine ask must not pass
 * for them. Those who are let in by a token, or from anywhere, ask by any name. */
static int is_private(const struct http *h)
{
	return !h->token && !*h->listener.path && !h->listener.is_open_to_others;
}

const char *gate_pass(struct exchange *e, const char *path, const char *version)
{
	const struct http *h = e->http;
	const char *host = header_of(e, "Host");
	const char *given = header_of(e, "Authorization");

	if (!host && !strcmp(version, MHD_HTTP_VERSION_1_1)) {
		http_refuse(e, 400, "400 Bad Request: missing required Host header");
		return NULL;
	}
	if (host && is_private(h) && !gate_is_own_host(host, h->listener.host)) {
		http_refuse(e, 403,
			"this Host is not served: ask by address, or start with -http HOST:PORT");
		return NULL;
	}
	if (is_from_elsewhere(e)) {
		http_refuse(e, 403, "other sites may not ask");
		return NULL;
	}
	if (!h->token)
		return path;
	const char *rest = after_token(path, h->token);
	if (rest)
		return rest;
	if (given && !strncasecmp(given, "Bearer ", 7) &&
		is_same(given + 7, strlen(given + 7), h->token))
		return path;
	http_refuse(e, 401, "a token is asked for: /TOKEN%s, or Authorization: Bearer TOKEN",
		"/debug/pprof/");
	return NULL;
}

static int told(const char *path, const char *why)
{
	char shown[512];

	log_error("-http-token %s: %s", log_escape(shown, sizeof(shown), path), why);
	return -EINVAL;
}

int gate_read_token(const char *path, char **token)
{
	char text[TOKEN_MAX + 2];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) < 0) {
		int error = -errno;
		told(path, strerror(-error));
		if (fd >= 0)
			close(fd);
		return error;
	}
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077))
		return told(path, "others can read it: chmod 600");
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	size_t len = strlen(text), good = 0;
	while (isalnum((unsigned char)text[good]) || (text[good] && strchr(UNRESERVED, text[good])))
		good++;
	if (len < TOKEN_MIN || len > TOKEN_MAX || good < len)
		return told(path, "its first line must be 16 to 256 letters, digits and -._~ "
				  "(head -c 24 /dev/urandom | base64 | tr +/ -_)");
	*token = strdup(text);
	return *token ? 0 : -ENOMEM;
}
