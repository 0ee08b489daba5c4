/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/tracer/proc_file.h"
#include "agent/tracer/status_text.h"

int status_text_read(struct status_text *s, pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	int n = proc_file_read(AT_FDCWD, path, s->text, sizeof(s->text));
	return n < 0 ? n : 0;
}

int status_text_read_own(struct status_text *s)
{
	int n = proc_file_read(AT_FDCWD, "/proc/self/status", s->text, sizeof(s->text));

	return n < 0 ? n : 0;
}

const char *status_text_value(const struct status_text *s, const char *key)
{
	const size_t n = strlen(key);
	const char *line = s->text;

	while (line && (strncmp(line, key, n) != 0 || line[n] != ':')) {
		line = strchr(line, '\n');
		line += !!line;
	}
	return line ? line + n + 1 + strspn(line + n + 1, " \t") : NULL;
}

char status_text_state(const struct status_text *s)
{
	const char *value = status_text_value(s, "State");

	return value ? *value : '\0';
}

int status_text_has(const struct status_text *s, const char *key, const char *word)
{
	const char *value = status_text_value(s, key);
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
