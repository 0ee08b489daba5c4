/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System call filters (seccomp) in force for threads that are to make calls for us.
 */
#ifndef PROBE_FILTERS_H
#define PROBE_FILTERS_H

#include <sys/types.h>

/* Of its threads none, some, or all have one. */
enum filtered { FILTERED_NONE, FILTERED_SOME, FILTERED_ALL };
enum filtered filters_of(pid_t pid);

/* Whether the kernel most likely lets us switch them off while we hold a thread: that takes
 * CAP_SYS_ADMIN, and no filter of our own. ptrace(2), PTRACE_O_SUSPEND_SECCOMP. */
int filters_may_suspend(void);

#endif
