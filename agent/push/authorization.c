/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/push/authorization.h"
#include "base/base64.h"
#include "base/limits.h"
#include "base/log.h"

#define LINE   4096u /* of the file */
#define WANTED "it has to be one line, \"bearer TOKEN\" or \"basic USER:PASSWORD\""

static int told(const char *path, const char *what)
{
	char shown[512];

	log_error("-push-auth %s: %s", log_escape(shown, sizeof(shown), path), what);
	return -EINVAL;
}

void authorization_forget(char **header)
{
	if (*header)
		explicit_bzero(*header, strlen(*header));
	free(*header);
	*header = NULL;
}

/* --- the header; what is not made here without growing would leave copies in memory -------- */

static int is_visible(const char *text)
{
	const char *p = text;

	while (*p > ' ' && *p < 0x7f)
		p++;
	return !*p && p != text;
}

static int has_control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p >= ' ' && *p != 0x7f)
		p++;
	return *p != 0;
}

/* 0, -EINVAL: no token, or -ENOMEM. */
static int bearer(const char *token, char **out)
{
	static const char scheme[] = "Authorization: Bearer ";
	size_t room = sizeof(scheme) + strlen(token);

	if (!is_visible(token))
		return -EINVAL;
	*out = malloc(room);
	if (*out)
		snprintf(*out, room, "%s%s", scheme, token);
	return *out ? 0 : -ENOMEM;
}

/* both: USER:PASSWORD. */
static int basic(const char *both, char **out)
{
	static const char scheme[] = "Authorization: Basic ", room[3 * LINE];
	struct buf b;

	if (!strchr(both, ':') || *both == ':' || has_control(both))
		return -EINVAL;
	buf_init(&b, sizeof(room));
	buf_append(&b, room, sizeof(room));
	buf_clear(&b);
	buf_string(&b, scheme);
	base64_append(&b, both, strlen(both));
	buf_append(&b, "", 1);
	if (b.failed) {
		buf_fini(&b);
		return -ENOMEM;
	}
	*out = b.data;
	return 0;
}

static int from_line(const char *line, char **out)
{
	if (!strncasecmp(line, "bearer ", 7))
		return bearer(line + 7, out);
	if (!strncasecmp(line, "basic ", 6))
		return basic(line + 6, out);
	return -EINVAL;
}

/* --- the file ------------------------------------------------------------------------------ */

/* Told if it is not for us. A program with capabilities of its own has no more rights here than who
 * runs it: access() asks for those. */
static int open_file(const char *path)
{
	struct stat st;
	int fd = access(path, R_OK) < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return told(path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IROTH | S_IWOTH))) {
		close(fd);
		return told(path,
			"others can read or write it; chmod 600 (a mounted secret: mode 0400), or "
			"give <(cat FILE)");
	}
	return fd;
}

/* All of it, up to room - 1 bytes and one more. */
static ssize_t read_line(int fd, char *line, size_t room)
{
	size_t used = 0;
	ssize_t n = 1;

	while (used < room - 1 && n > 0) {
		n = read(fd, line + used, room - 1 - used);
		used += n > 0 ? n : 0;
		if (n < 0 && errno == EINTR)
			n = 1;
	}
	line[used] = '\0';
	return n < 0 ? -errno : (ssize_t)used;
}

/* The line without its end; -EINVAL: there is more than one, or a NUL. */
static int cut_line(char *line, size_t n)
{
	if (n && line[n - 1] == '\n')
		line[--n] = '\0';
	if (n && line[n - 1] == '\r')
		line[--n] = '\0';
	return strlen(line) == n && !has_control(line) ? 0 : -EINVAL;
}

int authorization_read(const char *path, char **out)
{
	char line[LINE + 2];
	int fd = open_file(path);

	*out = NULL;
	if (fd < 0)
		return fd;
	ssize_t n = read_line(fd, line, sizeof(line));
	close(fd);
	int error = n < 0 ? n : n > (ssize_t)LINE ? -EINVAL : cut_line(line, n);
	if (!error)
		error = from_line(line, out);
	explicit_bzero(line, sizeof(line));
	if (error)
		told(path, error == -EINVAL ? WANTED : strerror(-error));
	return error ? -EINVAL : 0;
}

/* --- the environment ----------------------------------------------------------------------- */

/* The value, which leaves the environment; NULL where there is none. */
static char *take_variable(const char *name)
{
	char *value = getenv(name);
	char *copy = value && *value ? strdup(value) : NULL;

	if (value)
		explicit_bzero(value, strlen(value));
	unsetenv(name);
	return copy;
}

static int from_user(const char *user, const char *password, char **out)
{
	char both[LINE];
	int n = snprintf(both, sizeof(both), "%s:%s", user, password);
	int error = n >= (int)sizeof(both) || strchr(user, ':') ? -EINVAL : basic(both, out);

	explicit_bzero(both, sizeof(both));
	return error;
}

static int from_values(const char *token, const char *user, const char *password, char **out)
{
	if (token && (user || password))
		log_error("-push: CPPROF_PUSH_TOKEN and CPPROF_PUSH_USER are set; unset one");
	else if (!user != !password)
		log_error("-push: set both of CPPROF_PUSH_USER and CPPROF_PUSH_PASSWORD");
	else if (token && bearer(token, out) < 0)
		log_error("-push: CPPROF_PUSH_TOKEN has to be a token without blanks");
	else if (user && from_user(user, password, out) < 0)
		log_error("-push: CPPROF_PUSH_USER and CPPROF_PUSH_PASSWORD have to be short, "
			  "without control characters and without \":\" in the user");
	else
		return 0;
	return -EINVAL;
}

int authorization_from_environment(char **out)
{
	char *token = take_variable("CPPROF_PUSH_TOKEN");
	char *user = take_variable("CPPROF_PUSH_USER");
	char *password = take_variable("CPPROF_PUSH_PASSWORD");

	*out = NULL;
	int error = from_values(token, user, password, out);
	authorization_forget(&token);
	authorization_forget(&user);
	authorization_forget(&password);
	return error;
}
