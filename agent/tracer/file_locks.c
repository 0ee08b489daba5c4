/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/file_locks.h"
#include "agent/tracer/proc_file.h"

struct line {
	long number; /* of the lock; who waits has that of the lock it waits for */
	int waits, is_flock;
	int pid;
	uint64_t inode;
};

/* "1: -> FLOCK  ADVISORY  WRITE 4711 08:02:131 0 EOF" (proc_locks(5)). 1, or 0. */
static int parse(const char *text, struct line *out)
{
	char kind[16];
	const char *arrow;
	int at;

	if (sscanf(text, "%ld: %n", &out->number, &at) != 1)
		return 0;
	arrow = text + at;
	out->waits = !strncmp(arrow, "->", 2);
	arrow += out->waits ? 2 : 0;
	if (sscanf(arrow, " %15s %*s %*s %d %*x:%*x:%" SCNu64, kind, &out->pid, &out->inode) != 3)
		return 0;
	out->is_flock = !strcmp(kind, "FLOCK");
	return 1;
}

pid_t file_lock_holder(const char *text, int is_flock, pid_t pid, uint64_t inode)
{
	struct line line, holder = {.number = -1};

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (!parse(text, &line))
			continue;
		if (!line.waits) {
			holder = line;
			continue;
		}
		/* Open file descriptions wait as process -1, but with that inode. */
		if (line.number == holder.number && line.is_flock == is_flock &&
			(line.pid == pid || (line.pid == -1 && inode)) &&
			(!inode || line.inode == inode))
			return holder.pid > 0 ? holder.pid : 0;
	}
	return 0;
}

void file_lock_find(const struct target *t, int is_flock, int fd, struct wait *out)
{
	char path[48], text[4096];
	struct buf locks;

	out->kind = WAIT_FILE_LOCK;
	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	if (proc_file_read(t->proc, path, text, sizeof(text)) < 0)
		return;
	uint64_t inode = proc_file_number(text, "ino"); /* Linux 5.14 */
	int list = proc_file_open(AT_FDCWD, "/proc/locks");
	if (list < 0)
		return;
	buf_init(&locks, LIMIT_LOCKS_TEXT);
	const char *all = buf_read_fd(&locks, list) < 0 ? NULL : buf_text(&locks);
	pid_t holder = all ? file_lock_holder(all, is_flock, t->pid, inode) : 0;
	buf_fini(&locks);
	close(list);
	snprintf(path, sizeof(path), "/proc/%d", holder);
	if (holder && faccessat(AT_FDCWD, path, F_OK, 0) < 0)
		out->flags |= WAIT_HOLDER_GONE;
	else
		out->holder = holder;
}
