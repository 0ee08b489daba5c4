/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On how many CPUs at once the target's threads can be: their affinity, and the CPU quota of the
 * control groups the target is in (cgroups(7); Documentation/scheduler/sched-bwc.rst and cpu.max in
 * Documentation/admin-guide/cgroup-v2.rst). All text, no side effect on the target.
 */
#ifndef TRACER_CPUS_H
#define TRACER_CPUS_H

#include <stddef.h>

#include "agent/tracer/process.h"

struct cpus {
	int n;	       /* at least 1 */
	double quota;  /* CPUs' worth of time per period, of all; 0: none has a quota */
	uint32_t turn; /* where the round through the processes stands */
};

/* What cannot be read does not limit. */
void cpus_read(struct cpus *c, struct process *const *processes, uint32_t n);

/* The group's path for the cpu controller out of /proc/PID/cgroup's text: version 1's if it has a
 * line of its own, else version 2's. 1, 2: the version; 0: none. */
int cpus_group(const char *text, char *path, size_t room);

/* "QUOTA PERIOD" of cpu.max in CPUs; 0 for "max" or what makes no sense. */
double cpus_quota(const char *text);

#endif
