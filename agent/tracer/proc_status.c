/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/proc_file.h"
#include "agent/tracer/proc_status.h"

int proc_status_read(int fd, struct proc_status *out)
{
	ssize_t n = pread(fd, out->text, sizeof(out->text) - 1, 0);
	int error = n < 0 ? -errno : n ? 0 : -ESRCH;

	out->text[error ? 0 : n] = '\0';
	return error;
}

int proc_status_take(int fd, struct proc_status *out)
{
	int error = fd < 0 ? fd : proc_status_read(fd, out);

	if (fd >= 0)
		close(fd);
	else
		out->text[0] = '\0';
	return error;
}

int proc_status_of(pid_t tid, struct proc_status *out)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return proc_status_take(proc_file_open(AT_FDCWD, path), out);
}

const char *proc_status_value(const struct proc_status *s, const char *key)
{
	char start[64];
	int n = snprintf(start, sizeof(start), "\n%s:\t", key);
	const char *line = strstr(s->text, start);

	return line ? line + n : NULL;
}

long proc_status_number(const struct proc_status *s, const char *key)
{
	const char *value = proc_status_value(s, key);

	return value ? strtol(value, NULL, 10) : 0;
}

long proc_status_last_number(const struct proc_status *s, const char *key)
{
	const char *value = proc_status_value(s, key), *end = value ? strchr(value, '\n') : NULL;

	while (end && end > value && end[-1] >= '0' && end[-1] <= '9')
		end--;
	return end ? strtol(end, NULL, 10) : 0;
}

int proc_status_has(const struct proc_status *s, const char *key, const char *word)
{
	const char *value = proc_status_value(s, key);
	const size_t n = strlen(word);

	while (value && *value != '\n' && *value) {
		size_t length = strcspn(value, " \t\n");
		if (length == n && !strncmp(value, word, n))
			return 1;
		value += length;
		value += strspn(value, " \t");
	}
	return 0;
}

int proc_status_mask(const struct proc_status *s, const char *key, uint64_t *out)
{
	const char *value = proc_status_value(s, key);

	*out = value ? strtoull(value, NULL, 16) : 0;
	return value ? 0 : -EINVAL;
}

/* The second number of that line is the effective id. */
int proc_status_effective_id(const struct proc_status *s, const char *key, uint32_t *out)
{
	const char *value = proc_status_value(s, key);
	unsigned real;

	return value && sscanf(value, "%u %u", &real, out) == 2 ? 0 : -EINVAL;
}
