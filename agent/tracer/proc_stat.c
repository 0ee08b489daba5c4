/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/proc_file.h"
#include "agent/tracer/proc_stat.h"

/* The unsigned number at *p, which moves behind it and one following byte. */
static uint64_t number(const char **p, const char *end)
{
	uint64_t value = 0;

	while (*p < end && **p >= '0' && **p <= '9')
		value = value * 10 + (*(*p)++ - '0');
	if (*p < end)
		(*p)++;
	return value;
}

static void take_comm(const char *text, const char *close, struct proc_stat *out)
{
	const char *open = memchr(text, '(', close - text);

	if (!open)
		return;
	size_t n = close - open - 1;
	if (n >= sizeof(out->comm))
		n = sizeof(out->comm) - 1;
	memcpy(out->comm, open + 1, n);
}

static void take_field(struct proc_stat *out, int field, uint64_t value)
{
	switch (field) {
	case 4:
		out->ppid = value;
		break;
	case 9:
		out->flags = value;
		break;
	case 10:
	case 12:
		out->faults += value;
		break;
	case 16:
	case 17:
		out->children += value;
		break;
	case 20:
		out->n_threads = value;
		break;
	case 22:
		out->start_time = value;
		break;
	case 28:
		out->start_stack = value;
		break;
	case 39:
		out->processor = value;
		break;
	}
}

int proc_stat_parse(const char *text, size_t n, struct proc_stat *out)
{
	const char *end = text + n;
	const char *close = memrchr(text, ')', n);

	memset(out, 0, sizeof(*out));
	out->processor = -1;
	if (!close || end - close < 5)
		return -EINVAL;
	take_comm(text, close, out);
	out->state = close[2];
	const char *p = close + 4;
	int field = 4;
	for (; p < end && field <= 39; field++) {
		if (*p == '-')
			p++;
		take_field(out, field, number(&p, end));
	}
	return field > 28 ? 0 : -EINVAL;
}

int schedstat_parse(const char *text, size_t n, struct schedstat *out)
{
	const char *p = text, *end = text + n;

	if (!n || *p < '0' || *p > '9')
		return -EINVAL;
	out->cpu = number(&p, end);
	out->queued = number(&p, end);
	out->runs = number(&p, end);
	return 0;
}

/* A /proc file is made anew by each read from its start. */
static ssize_t read_start(int fd, char *text, size_t room)
{
	ssize_t n = pread(fd, text, room, 0);

	if (n < 0)
		return -errno;
	return n ? n : -ESRCH;
}

int proc_stat_read(int fd, struct proc_stat *out)
{
	char text[1024];
	ssize_t n = read_start(fd, text, sizeof(text));

	return n < 0 ? n : proc_stat_parse(text, n, out);
}

int schedstat_read(int fd, struct schedstat *out)
{
	char text[128];
	ssize_t n = read_start(fd, text, sizeof(text));

	return n < 0 ? n : schedstat_parse(text, n, out);
}

int proc_stat_take(int fd, struct proc_stat *out)
{
	int error = fd < 0 ? fd : proc_stat_read(fd, out);

	if (fd >= 0)
		close(fd);
	return error;
}

int schedstat_take(int fd, struct schedstat *out)
{
	int error = fd < 0 ? fd : schedstat_read(fd, out);

	if (fd >= 0)
		close(fd);
	return error;
}

int proc_stat_of(pid_t tid, struct proc_stat *out)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	return proc_stat_take(proc_file_open(AT_FDCWD, path), out);
}
