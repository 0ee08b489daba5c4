/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/tracer/debug_file.h"

int debug_file_path(char *out, size_t room, const char *root, const char *folder,
	const unsigned char *build_id, size_t n, const char *ending)
{
	size_t used = snprintf(out, room, "%s%s/.build-id/%02x/", root, folder, build_id[0]);

	for (size_t i = 1; i < n && used < room; i++)
		used += snprintf(out + used, room - used, "%02x", build_id[i]);
	if (used < room)
		used += snprintf(out + used, room - used, "%s", ending);
	return used < room ? 0 : -ENAMETOOLONG;
}

int debug_file_open(const unsigned char *build_id, size_t n)
{
	char path[128];
	struct stat st;

	if (n < 2 || n > 32)
		return -EINVAL;
	debug_file_path(path, sizeof(path), "", DEBUG_FILE_FOLDER, build_id, n, ".debug");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0)
		return fd;
	close(fd);
	return -EPERM;
}
