/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/sink.h"

static int open_stdout(struct sink *sink, int binary)
{
	if (binary && isatty(STDOUT_FILENO))
		return -ENOTTY;
	sink->fd = STDOUT_FILENO;
	sink->is_stdout = 1;
	return 0;
}

/* What is written to as it comes: a terminal, a pipe, /dev/null. 1 opened, 0 is no such thing. */
static int open_device(struct sink *sink, int binary)
{
	struct stat st;

	if (lstat(sink->path, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		return 0;
	sink->fd = open(sink->path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (sink->fd < 0)
		return -errno;
	if (!binary || !isatty(sink->fd))
		return 1;
	close(sink->fd);
	sink->fd = -1;
	return -ENOTTY;
}

/* The folder's part of a path, with its slash. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash - path + 1 : 0;
}

static int open_temporary(struct sink *sink)
{
	size_t folder = folder_length(sink->path);
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

int sink_open(struct sink *sink, const char *path, int binary)
{
	struct stat st;

	memset(sink, 0, sizeof(*sink));
	sink->fd = -1;
	if (!strcmp(path, "-"))
		return open_stdout(sink, binary);
	if (!*path)
		return -ENOENT;
	if (strlen(path) >= sizeof(sink->path))
		return -ENAMETOOLONG;
	strcpy(sink->path, path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	int device = open_device(sink, binary);
	if (device)
		return device < 0 ? device : 0;
	return open_temporary(sink);
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
	size_t n = folder_length(sink->path);

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
