/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/family.h"
#include "agent/tracer/proc_stat.h"
#include "agent/tracer/proc_status.h"

#define MOST_NEW 512 /* ids looked at one by one; more of them, and all processes are listed */

/* The parent of a process that is none of the kernel's threads; -errno. */
static int parent_of(pid_t pid)
{
	struct proc_stat stat;
	int error = proc_stat_of(pid, &stat);

	if (error)
		return error;
	return stat.flags & PROC_STAT_KTHREAD ? -ESRCH : stat.ppid;
}

/* A thread has such a folder too, under its own id, but is no process. */
static int is_process(pid_t pid)
{
	struct proc_status status;

	return proc_status_of(pid, &status) == 0 && proc_status_number(&status, "Tgid") == pid;
}

static int each_process(void (*each)(void *arg, pid_t pid), void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			each(arg, atoi(entry->d_name));
	closedir(dir);
	return 0;
}

struct name_search {
	const char *name;
	family_found *found;
	void *arg;
};

static void compare_name(void *arg, pid_t pid)
{
	const struct name_search *s = arg;
	struct proc_stat stat;

	if (proc_stat_of(pid, &stat) < 0 || stat.flags & PROC_STAT_KTHREAD)
		return;
	if (stat.state != 'Z' && !strncmp(stat.comm, s->name, sizeof(stat.comm) - 1))
		s->found(s->arg, pid);
}

void family_of_name(const char *name, family_found *found, void *arg)
{
	struct name_search s = {name, found, arg};

	each_process(compare_name, &s);
}

struct search {
	family_has *has;
	family_found *found;
	void *arg;
	int n; /* found */
};

static void look_at(void *arg, pid_t pid)
{
	struct search *s = arg;

	if (s->has(s->arg, pid))
		return;
	int parent = parent_of(pid);
	if (parent > 0 && s->has(s->arg, parent) && is_process(pid)) {
		s->found(s->arg, pid);
		s->n++;
	}
}

int family_of_all(family_has *has, family_found *found, void *arg)
{
	struct search s = {has, found, arg, 0};
	int before, error;

	/* A child may be listed before its parent has become a member. */
	do {
		before = s.n;
		error = each_process(look_at, &s);
	} while (!error && s.n != before);
	return error;
}

/* The id that was given out last; -errno. */
static int last_id(struct family *f)
{
	char text[128];

	if (f->loadavg <= 0)
		f->loadavg = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	if (f->loadavg < 0)
		return -errno;
	ssize_t n = pread(f->loadavg, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	const char *at = strrchr(text, ' ');
	return at ? atoi(at + 1) : -EINVAL;
}

int family_of_new(struct family *f, family_has *has, family_found *found, void *arg)
{
	struct search s = {has, found, arg, 0};
	int last = last_id(f), from = f->again ? f->from : f->last;

	if (last < 0 || (last == f->last && !f->again))
		return last < 0 ? last : 0;
	f->again = last != f->last;
	f->from = f->last;
	f->last = last;
	if (!from)
		return 0;
	if (last < from || last - from > MOST_NEW)
		return family_of_all(has, found, arg);
	for (pid_t pid = from + 1; pid <= last; pid++)
		look_at(&s, pid);
	return 0;
}

int family_is_gone(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_of(pid, &stat) < 0 || stat.state == 'Z' || stat.state == 'X';
}

void family_fini(struct family *f)
{
	if (f->loadavg > 0)
		close(f->loadavg);
	f->loadavg = 0;
}
