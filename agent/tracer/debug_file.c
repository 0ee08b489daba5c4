/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/tracer/debug_file.h"
#include "agent/tracer/module_file.h"
#include "agent/tracer/proc_file.h"

static int open_path(const struct root *root, const char *path, uint64_t resolve)
{
	return proc_file_open_below(root->fd, path, O_PATH | O_CLOEXEC,
		RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
}

/* By the bits of the mode that count for the target: those of its group only add to what all may.
 */
static int may(const struct root *who, const struct stat *st, mode_t others)
{
	if (who->uid == 0)
		return 1;
	if (st->st_uid == who->uid)
		return !!(st->st_mode & others << 6);
	if (st->st_gid == who->gid)
		return !!(st->st_mode & others << 3);
	return !!(st->st_mode & others);
}

/* Where a file is, without links, as seen from the root. */
static int real_path(const struct root *root, int fd, char *out, size_t room)
{
	char all[LIMIT_PATH];
	int n = roots_link(fd, all, sizeof(all));
	const char *inside = n < 0 ? NULL : roots_inside(root->fd, all);

	if (!inside)
		return n < 0 ? n : -EXDEV;
	return snprintf(out, room, "%s", inside) < (int)room ? 0 : -ENAMETOOLONG;
}

static int stat_path(const struct root *root, const char *path, struct stat *st)
{
	int fd = open_path(root, path, RESOLVE_NO_SYMLINKS);

	if (fd < 0)
		return fd;
	int error = fstat(fd, st) < 0 ? -errno : 0;
	close(fd);
	return error;
}

/* Whether a chain of folders that the target may search leads to this very file. */
static int check_way(const struct root *root, const char *path, const struct stat *file)
{
	char part[LIMIT_PATH];
	struct stat st;

	for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path) + 1, path);
		int error = stat_path(root, part, &st);
		if (error)
			return error;
		if (!may(root, &st, S_IXOTH))
			return -EACCES;
	}
	int error = stat_path(root, path, &st);
	if (error)
		return error;
	return st.st_ino == file->st_ino && st.st_dev == file->st_dev ? 0 : -EACCES;
}

static int check_rights(const struct root *root, int in_host, const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!may(root, &st, S_IROTH))
		return -EACCES;
	if (in_host && (st.st_uid != 0 || strncmp(path, DEBUG_FOLDER "/", sizeof(DEBUG_FOLDER))))
		return -EPERM;
	return check_way(root, path, &st);
}

static int is_elf(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, SELFMAG, 0) == SELFMAG && !memcmp(magic, ELFMAG, SELFMAG);
}

/* Takes name_fd, an O_PATH descriptor. */
static int open_checked(const struct root *root, int in_host, int name_fd, char *path, size_t room)
{
	struct stat st;
	int error = real_path(root, name_fd, path, room);

	if (!error)
		error = check_rights(root, in_host, path, name_fd);
	int fd = error ? error : module_file_reopen(name_fd, &st);
	close(name_fd);
	if (fd >= 0 && !is_elf(fd)) {
		close(fd);
		return -ENOEXEC;
	}
	return fd;
}

static int try_place(
	const struct root *root, const struct debug_place *place, char *path, size_t room)
{
	struct root ours;
	int fd;

	if (!place->in_host) {
		fd = root ? open_path(root, place->path, 0) : -ENOENT;
		return fd < 0 ? fd : open_checked(root, 0, fd, path, room);
	}
	/* Seen already. */
	if (root && root->is_ours)
		return -ENOENT;
	if (roots_open_ours(&ours, root) < 0)
		return -ENOENT;
	fd = open_path(&ours, place->path, 0);
	if (fd >= 0)
		fd = open_checked(&ours, 1, fd, path, room);
	close(ours.fd);
	return fd;
}

/* The first place from q->file.candidate on that has such a file: a descriptor that the caller
 * closes, with candidate set to its number and path to where it really is, as seen from that root.
 * -ENOENT: nowhere; or why the last one that exists is not to be read. root: NULL if it is not
 * known, then only our own file system is looked at. */
static int open_file(struct debug_question *q, const struct root *root, char *path, size_t room)
{
	struct debug_place place;
	const char *inside = root ? roots_inside(root->fd, q->path) : NULL;

	/* In the maps it is as seen by us. */
	if (inside)
		memmove(q->path, inside, strlen(inside) + 1);
	int why = -ENOENT;

	for (uint32_t n = q->file.candidate;; n++) {
		int error = debug_place(q, n, &place);
		if (error == -ENOENT)
			return why;
		if (error)
			continue;
		q->file.candidate = n;
		int fd = try_place(root, &place, path, room);
		if (fd >= 0)
			return fd;
		if (fd != -ENOENT && fd != -ENOTDIR)
			why = fd;
	}
}

void debug_file_answer(int sock, const struct known_modules *modules, const struct wire_message *m)
{
	static struct debug_question q;
	const struct extra_file *ask = wire_payload(m, sizeof(*ask));
	char path[LIMIT_PATH] = "";

	if (!ask || debug_question_take(&q, ask, ask + 1, m->size - sizeof(*ask)) < 0)
		return;
	int fd = open_file(&q, known_modules_root(modules, ask->number), path, sizeof(path));
	q.file.error = fd < 0 ? fd : 0;
	q.file.path_len = fd < 0 ? 0 : strlen(path);
	wire_send2(sock, TRACER_EXTRA, &q.file, sizeof(q.file), path, q.file.path_len, fd);
	if (fd >= 0)
		close(fd);
}
