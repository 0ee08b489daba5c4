/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/module_file.h"
#include "agent/tracer/perf_map_file.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/proc_status.h"
#include "base/wire.h"

void perf_map_file_init(struct perf_map_file *f)
{
	*f = (struct perf_map_file){.folder = -1, .fd = -1};
}

void perf_map_file_fini(struct perf_map_file *f)
{
	if (f->folder >= 0)
		close(f->folder);
	if (f->fd >= 0)
		close(f->fd);
	f->folder = f->fd = -1;
}

/* Who it is, which an exec may change; -ESRCH: that thread is gone. */
static int read_identity(struct perf_map_file *f, const struct target *t, pid_t tid)
{
	struct proc_status status;

	if (proc_status_take(target_open_file(t, tid, "status"), &status) < 0 ||
		proc_status_effective_id(&status, "Uid", &f->uid) < 0)
		return -ESRCH;
	f->pid = proc_status_last_number(&status, "NStgid");
	return f->pid ? 0 : -ESRCH;
}

static int find_folder(struct perf_map_file *f, const struct target *t, pid_t tid)
{
	int error = read_identity(f, t, tid);

	if (error)
		return error;
	int root = target_open_root(t, tid);
	if (root < 0)
		return root == -ENOENT ? -ESRCH : root;
	int fd = proc_file_open_below(root, "tmp", O_PATH | O_DIRECTORY | O_CLOEXEC,
		RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	close(root);
	if (fd < 0)
		return fd;
	if (f->folder >= 0)
		close(f->folder);
	f->folder = fd;
	return 0;
}

/* Written before the process began: that of another one which had its number. */
static int is_left_over(const struct target *t, const struct stat *st)
{
	const int64_t slack = 1; /* file systems may keep full seconds only */
	int64_t began = t->stat.start_time / sysconf(_SC_CLK_TCK);
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return st->st_mtime + slack < now.tv_sec - up.tv_sec + began;
}

static int refusal_of(const struct perf_map_file *f, const struct target *t, const struct stat *st)
{
	/* With O_PATH it is opened itself, and not what it stands for. */
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	if (st->st_uid != 0 && st->st_uid != f->uid)
		return -EPERM;
	if (st->st_nlink > 1)
		return -EMLINK;
	if ((uint64_t)st->st_size > LIMIT_PERF_MAP)
		return -EFBIG;
	return is_left_over(t, st) ? -ESTALE : 0;
}

/* For reading, or -errno. */
static int open_map(const struct perf_map_file *f, const struct target *t, struct stat *st)
{
	char name[48];

	snprintf(name, sizeof(name), "perf-%d.map", f->pid);
	int path = proc_file_open_below(f->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC,
		RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	if (path < 0)
		return path;
	int error = fstat(path, st) < 0 ? -errno : refusal_of(f, t, st);
	int fd = error ? error : module_file_reopen(path, st);
	close(path);
	return fd;
}

/* What of the process's modules session has not heard yet, or all. */
static void tell(const struct perf_map_file *f, const struct known_modules *known, uint32_t process,
	uint32_t from, int sock)
{
	struct tracer_perf_map msg = {.pid = f->pid, .error = f->error, .has_map = !f->error};

	for (uint32_t i = from; i < known->n; i++) {
		msg.module = i + 1;
		if (known->v[i].is_jit && known->v[i].process == process)
			wire_send(sock, TRACER_PERF_MAP, &msg, sizeof(msg), f->error ? -1 : f->fd);
	}
}

/* 1: there is something to say of it. */
static int take(struct perf_map_file *f, int fd, const struct stat *st)
{
	int before = f->error;

	/* One that is gone is still open here and in session. */
	if (fd == -ENOENT && f->fd >= 0)
		return 0;
	f->error = fd < 0 ? fd : 0;
	if (fd < 0)
		return f->error != before;
	if (f->fd >= 0 && st->st_dev == f->dev && st->st_ino == f->ino) {
		close(fd);
		return before != 0;
	}
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	return 1;
}

void perf_map_file_look(struct perf_map_file *f, const struct target *t, pid_t tid,
	const struct known_modules *known, uint32_t process, int sock)
{
	struct stat st = {0};

	for (; f->modules < known->n; f->modules++)
		f->n_jit += known->v[f->modules].is_jit && known->v[f->modules].process == process;
	if (!f->n_jit || (!tid && f->folder < 0))
		return;
	int fd = tid ? find_folder(f, t, tid) : 0;
	fd = fd < 0 ? fd : open_map(f, t, &st);
	/* That thread ends just now: one more look follows. */
	if (fd == -ESRCH)
		return;
	tell(f, known, process, take(f, fd, &st) ? 0 : f->told, sock);
	f->told = known->n;
}
