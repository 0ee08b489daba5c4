/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/cpus.h"
#include "agent/tracer/proc_file.h"
#include "base/hash.h"
#include "base/limits.h"

/* Where the controller is mounted, by version; where cpu and cpuacct share a mount, cpu is a link.
 */
static const char *const mounts[3] = {"", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"};

static void add_affinity(const struct threads *threads, cpu_set_t *all)
{
	cpu_set_t one;

	for (uint32_t i = 0; i < threads->n; i++)
		if (!threads->v[i].ended &&
			sched_getaffinity(threads->v[i].tid, sizeof(one), &one) == 0)
			CPU_OR(all, all, &one);
}

/* Whether a comma-separated list has the word "cpu". */
static int has_cpu(const char *list, size_t n)
{
	while (n) {
		const char *comma = memchr(list, ',', n);
		size_t word = comma ? (size_t)(comma - list) : n;
		if (word == 3 && !memcmp(list, "cpu", 3))
			return 1;
		list += comma ? word + 1 : word;
		n -= comma ? word + 1 : word;
	}
	return 0;
}

int cpus_group(const char *text, char *path, size_t room)
{
	int version = 0;

	/* Lines are ID:CONTROLLERS:PATH; version 2 has the id 0 and no controllers. */
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *names = strchr(line, ':');
		const char *at = names ? strchr(names + 1, ':') : NULL;
		if (!at)
			continue;
		int is_v1 = has_cpu(names + 1, at - names - 1);
		if (!is_v1 && (version || at != names + 1))
			continue;
		size_t n = strcspn(at + 1, "\n");
		if (n >= room)
			continue;
		memcpy(path, at + 1, n);
		path[n] = '\0';
		version = is_v1 ? 1 : 2;
		if (is_v1)
			break;
	}
	return version;
}

double cpus_quota(const char *text)
{
	char *end;
	double quota = strtod(text, &end), period = end > text ? strtod(end, NULL) : 0;

	return quota > 0 && period > 0 ? quota / period : 0;
}

/* A small file below dir, never outside it; its length, or -errno. */
static int read_below(int dir, const char *name, char *text, size_t room)
{
	int fd = proc_file_open_below(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	return proc_file_take(fd, text, room);
}

/* One group's own quota; group is "" for the top. */
static double quota_of(int dir, const char *group, int version)
{
	static const char *const file[3] = {"", "cpu.cfs_quota_us", "cpu.max"};
	char name[LIMIT_PATH + 32], text[128];
	const char *slash = *group ? "/" : "";

	snprintf(name, sizeof(name), "%s%s%s", group, slash, file[version]);
	int n = read_below(dir, name, text, sizeof(text) / 2);
	if (n <= 0)
		return 0;
	if (version == 1) {
		snprintf(name, sizeof(name), "%s%scpu.cfs_period_us", group, slash);
		if (read_below(dir, name, text + n, sizeof(text) / 2) <= 0)
			return 0;
	}
	return cpus_quota(text);
}

/* The smallest quota from the group up to the top of what is mounted; 0: none. */
static double quota_up(int dir, char *group, int version)
{
	double least = 0;

	for (;;) {
		double q = quota_of(dir, group, version);
		if (q > 0 && (!least || q < least))
			least = q;
		char *last = strrchr(group, '/');
		if (!last && !*group)
			return least;
		*(last ? last : group) = '\0';
	}
}

/* Sets *group to what tells the control group from others. */
static double group_quota(const struct target *target, uint64_t *group)
{
	char text[8192], path[LIMIT_PATH];
	int version = 0;

	*group = 0;
	if (read_below(target->proc, "cgroup", text, sizeof(text)) > 0)
		version = cpus_group(text, path, sizeof(path));
	int dir = version ? open(mounts[version], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir < 0)
		return 0;
	*group = hash_bytes(path, strlen(path));
	double quota = quota_up(dir, path + (*path == '/'), version);
	close(dir);
	return quota;
}

#define GROUPS 16 /* with a quota of their own that are told apart */
#define READ_AT_ONCE                                                                               \
	64 /* processes; a group changes rarely, and its files are not cheap to read               \
	    */

/* The quotas of all groups added up. One process without a quota is held back by none, but the
 * others are: then there is a quota, as many as all CPUs. */
static double add_quotas(struct process *const *processes, uint32_t n, int cpus)
{
	uint64_t seen[GROUPS];
	uint32_t n_seen = 0, i;
	double sum = 0;

	for (uint32_t p = 0; p < n; p++) {
		if (processes[p]->quota <= 0) {
			sum += cpus;
			continue;
		}
		for (i = 0; i < n_seen && seen[i] != processes[p]->group; i++)
			;
		if (i < n_seen)
			continue;
		sum += processes[p]->quota;
		if (n_seen < GROUPS)
			seen[n_seen++] = processes[p]->group;
	}
	return n_seen ? sum : 0;
}

void cpus_read(struct cpus *c, struct process *const *processes, uint32_t n)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	for (uint32_t i = 0; i < n; i++)
		add_affinity(&processes[i]->threads, &all);
	for (uint32_t i = 0; i < n && i < READ_AT_ONCE; i++) {
		struct process *p = processes[c->turn++ % n];
		p->quota = group_quota(&p->target, &p->group);
	}
	c->n = CPU_COUNT(&all) ? CPU_COUNT(&all) : 1;
	c->quota = add_quotas(processes, n, c->n);
	int whole = (int)c->quota + (c->quota > (int)c->quota);
	if (c->quota > 0 && whole < c->n)
		c->n = whole;
}
