/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory files that are open in a process because one of us was killed before it could have them
 * closed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/probe/probe_parts.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/proc_stat.h"

#define CLOSE_TRIES 20u

/* The file of one that was killed before it could have it closed. */
static int is_left(struct probe *p, int fd)
{
	char path[48], name[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", p->pid, fd);
	ssize_t n = readlink(path, name, sizeof(name));
	return n == sizeof(PLACE_LINK) - 1 && !memcmp(name, PLACE_LINK, n);
}

/* The first one that is left from that on; -1: none. */
static int find_left(struct probe *p, int from)
{
	char path[32];
	struct dirent *e;
	int found = -1;

	snprintf(path, sizeof(path), "/proc/%d/fd", p->pid);
	DIR *d = opendir(path);
	while (d && (e = readdir(d))) {
		int fd = *e->d_name == '.' ? -1 : atoi(e->d_name);
		if (fd >= from && (found < 0 || fd < found) && is_left(p, fd))
			found = fd;
	}
	if (d)
		closedir(d);
	return found;
}

/* 1 closed; 0: it is another's that lives, who has closed it meanwhile; -1. */
static int close_one(struct probe *p, int fd)
{
	for (uint32_t tries = 0; tries < CLOSE_TRIES; tries++) {
		int error = probe_stop(p, 0, tries);
		if (error == -REMOTE_LATE) {
			probe_rest(p, PAUSE_NS);
			continue;
		}
		if (error)
			return -1;
		int is_open = is_left(p, fd);
		long done = -EAGAIN;
		if (is_open && probe_know_space(p) == 0) {
			probe_find_room(p);
			done = probe_call(p, SYS_close, fd, 0, 0, 0, 0);
		}
		remote_release(&p->remote);
		if (!is_open || done != -EAGAIN)
			return !is_open ? 0 : done < 0 ? -1 : 1;
		probe_rest(p, PAUSE_NS);
	}
	return -1;
}

int probe_close_left(struct probe *p)
{
	int closed = 0, fd = -1, done = 0;

	while (done >= 0 && (fd = find_left(p, fd + 1)) >= 0) {
		done = close_one(p, fd);
		closed += done > 0;
	}
	return done < 0 ? -1 : closed;
}

uint64_t probe_births(void)
{
	static char text[65536];
	const char *at;

	if (proc_file_read(AT_FDCWD, "/proc/stat", text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "\nprocesses ");
	return at ? strtoull(at + 11, NULL, 10) : 0;
}

/* It has the same code at the same places. */
static void clean_child(const struct probe *p, pid_t pid)
{
	struct probe child = {.pid = pid, .memory = -1};

	child.remote.instruction = p->remote.instruction;
	child.remote.restore = p->remote.restore;
	child.remote.suspends = p->remote.suspends;
	child.remote.beat = p->remote.beat;
	child.remote.arg = p->remote.arg;
	if (find_left(&child, 0) >= 0 && space_read(&child.space, pid) == 0)
		probe_close_left(&child);
	/* Who was forgotten would stay in its stop. */
	while (remote_attend(&child.remote))
		probe_rest(&child, PAUSE_NS);
	space_fini(&child.space);
	remote_fini(&child.remote);
}

static int is_child(pid_t pid, pid_t of)
{
	struct proc_stat stat;

	return proc_stat_of(pid, &stat) == 0 && stat.ppid == of;
}

void probe_clean_children(const struct probe *p, uint64_t before)
{
	struct dirent *e;

	if (before && before == probe_births())
		return;
	DIR *d = opendir("/proc");
	while (d && (e = readdir(d))) {
		pid_t pid = atoi(e->d_name);
		if (pid > 0 && is_child(pid, p->pid))
			clean_child(p, pid);
	}
	if (d)
		closedir(d);
}
