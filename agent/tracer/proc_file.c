/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/tracer/proc_file.h"

int proc_file_open(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int proc_file_take(int fd, char *text, size_t room)
{
	ssize_t n = fd < 0 ? fd : read(fd, text, room - 1);

	if (fd >= 0 && n < 0)
		n = -errno;
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n;
}

int proc_file_read(int dir, const char *name, char *text, size_t room)
{
	return proc_file_take(proc_file_open(dir, name), text, room);
}

long proc_file_number(const char *text, const char *key)
{
	char line[64];

	snprintf(line, sizeof(line), "\n%s:", key);
	const char *at = strstr(text, line);
	return at ? strtol(at + strlen(line), NULL, 10) : 0;
}

int proc_file_open_below(int folder, const char *name, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};
	int fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}
