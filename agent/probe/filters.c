/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/probe/filters.h"
#include "agent/tracer/call.h"
#include "agent/tracer/proc_file.h"

static void count(pid_t pid, uint32_t *all, uint32_t *filtered)
{
	char path[32];
	struct dirent *e;

	*all = *filtered = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *d = opendir(path);
	while (d && (e = readdir(d))) {
		pid_t tid = atoi(e->d_name);
		*all += tid > 0;
		*filtered += tid > 0 && call_is_filtered(tid);
	}
	if (d)
		closedir(d);
}

int filters_any(pid_t pid)
{
	uint32_t all, filtered;

	count(pid, &all, &filtered);
	return filtered > 0;
}

int filters_all(pid_t pid)
{
	uint32_t all, filtered;

	count(pid, &all, &filtered);
	return filtered == all;
}

int filters_may_suspend(void)
{
	char text[4096];
	const char *at;

	if (proc_file_read(AT_FDCWD, "/proc/self/status", text, sizeof(text)) < 0 ||
		proc_file_number(text, "Seccomp") != 0)
		return 0;
	at = strstr(text, "\nCapEff:");
	return at && strtoull(at + 8, NULL, 16) >> CAP_SYS_ADMIN & 1;
}
