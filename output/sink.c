/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "output/sink.h"

static int open_stdout(struct sink *sink, int binary)
{
	if (binary && isatty(STDOUT_FILENO))
		return -ENOTTY;
	sink->fd = STDOUT_FILENO;
	sink->is_stdout = 1;
	return 0;
}

static int is_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (path[n] == '/' || !path[n]);
}

/* Links there (/dev/stdout, /proc/self/fd) are the machine's own, and other programs need them. */
static int is_in_system_folder(const char *path)
{
	char folder[PATH_MAX], real[PATH_MAX];
	size_t n = path_folder(path);

	snprintf(folder, sizeof(folder), "%.*s", (int)n, path);
	return realpath(n ? folder : ".", real) &&
	       (is_below(real, "/dev") || is_below(real, "/proc"));
}

/* 0: a link that may be replaced by our file. */
static int place_of_link(const char *path)
{
	struct stat st;

	if (is_in_system_folder(path))
		return -ELOOP;
	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return 0;
	return S_ISDIR(st.st_mode) ? -EISDIR : -ELOOP;
}

/* 0: a file, there or not; 1: what is written to as it comes: a terminal, a FIFO, /dev/null. */
static int place_of(const char *path, mode_t *mode)
{
	struct stat st;

	*mode = 0;
	if (lstat(path, &st) < 0)
		return 0; /* creating the file will tell what is wrong */
	*mode = st.st_mode;
	if (S_ISLNK(st.st_mode))
		return place_of_link(path);
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))
		return 1;
	return S_ISREG(st.st_mode) ? 0 : -ENOTSUP;
}

static int open_stream(struct sink *sink, mode_t mode, int binary)
{
	/* Without O_NONBLOCK the open of a FIFO waits for a reader, for ever if there is none. */
	int wait = S_ISFIFO(mode) ? O_NONBLOCK : 0;

	sink->fd = open(sink->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | wait);
	if (sink->fd < 0)
		return -errno;
	int error = binary && isatty(sink->fd) ? -ENOTTY : 0;
	if (!error && wait && fcntl(sink->fd, F_SETFL, 0) < 0)
		error = -errno;
	if (error)
		sink_abort(sink);
	return error;
}

static int open_temporary(struct sink *sink)
{
	size_t folder = path_folder(sink->path);
	uint64_t salt;

	for (int tries = 0; tries < 16; tries++) {
		if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
			return -EIO;
		snprintf(sink->temporary, sizeof(sink->temporary), "%.*s.cpprof-%016llx",
			(int)folder, sink->path, (unsigned long long)salt);
		sink->fd = open(sink->temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (sink->fd >= 0 || errno != EEXIST)
			return sink->fd >= 0 ? 0 : -errno;
	}
	return -EEXIST;
}

int sink_is_stdout(const char *path)
{
	static const char *const names[] = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(path, names[i]))
			return 1;
	return 0;
}

int sink_open(struct sink *sink, const char *path, int binary)
{
	mode_t mode;

	memset(sink, 0, sizeof(*sink));
	sink->fd = -1;
	if (sink_is_stdout(path))
		return open_stdout(sink, binary);
	if (!*path)
		return -ENOENT;
	if (strlen(path) >= sizeof(sink->path))
		return -ENAMETOOLONG;
	strcpy(sink->path, path);
	int place = place_of(path, &mode);
	if (place < 0)
		return place;
	return place ? open_stream(sink, mode, binary) : open_temporary(sink);
}

int sink_probe(const char *path, int binary)
{
	struct sink sink;
	mode_t mode;

	/* To its reader, a FIFO that is opened and closed has ended. */
	if (!sink_is_stdout(path) && place_of(path, &mode) == 1 && S_ISFIFO(mode))
		return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? -errno : 0;
	int error = sink_open(&sink, path, binary);
	sink_abort(&sink);
	return error;
}

int sink_write(struct sink *sink, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t done = write(sink->fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		p += done;
		n -= done;
		sink->written += done;
	}
	return 0;
}

/* The rename is only safe on disk once the folder is. */
static void sync_folder(const struct sink *sink)
{
	char folder[sizeof(sink->path)];
	size_t n = path_folder(sink->path);

	snprintf(folder, sizeof(folder), "%.*s", (int)n, sink->path);
	int fd = open(n ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

int sink_commit(struct sink *sink)
{
	int error = 0;

	if (sink->is_stdout || !sink->temporary[0]) {
		sink_abort(sink);
		return 0;
	}
	if (fsync(sink->fd) < 0)
		error = -errno;
	if (close(sink->fd) < 0 && !error)
		error = -errno;
	sink->fd = -1;
	if (!error && rename(sink->temporary, sink->path) < 0)
		error = -errno;
	if (error) {
		sink_abort(sink);
		return error;
	}
	sink->temporary[0] = '\0';
	sync_folder(sink);
	return 0;
}

void sink_abort(struct sink *sink)
{
	if (sink->fd >= 0 && !sink->is_stdout)
		close(sink->fd);
	sink->fd = -1;
	if (sink->temporary[0])
		unlink(sink->temporary);
	sink->temporary[0] = '\0';
}
