/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/probe/filters.h"
#include "agent/tracer/call.h"
#include "agent/tracer/proc_status.h"

enum filtered filters_of(pid_t pid)
{
	uint32_t all = 0, filtered = 0;
	char path[32];
	struct dirent *e;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *d = opendir(path);
	while (d && (e = readdir(d))) {
		pid_t tid = atoi(e->d_name);
		all += tid > 0;
		filtered += tid > 0 && call_is_filtered(tid);
	}
	if (d)
		closedir(d);
	if (!filtered)
		return FILTERED_NONE;
	return filtered == all ? FILTERED_ALL : FILTERED_SOME;
}

int filters_may_suspend(void)
{
	struct proc_status status;
	uint64_t rights;

	return proc_status_of(getpid(), &status) == 0 && !proc_status_number(&status, "Seccomp") &&
	       proc_status_mask(&status, "CapEff", &rights) == 0 && rights >> CAP_SYS_ADMIN & 1;
}
