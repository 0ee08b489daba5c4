/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/tracer/loader.h"
#include "agent/tracer/memory.h"
#include "agent/tracer/module_file.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/roots.h"
#include "base/limits.h"

int module_file_reopen(int path_fd, struct stat *st)
{
	char self[64];

	if (fstat(path_fd, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode) || (uint64_t)st->st_size > LIMIT_MODULE_BYTES)
		return -EINVAL;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	int fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* Takes path_fd. A device of major 0 (overlay, btrfs) may show another number in maps than in stat.
 */
static int accept_file(int path_fd, const struct maps_line *line, int must_match)
{
	struct stat st = {0};
	int fd = module_file_reopen(path_fd, &st);

	close(path_fd);
	if (fd < 0 || !must_match)
		return fd;
	int same_dev = st.st_dev == line->dev || (!major(st.st_dev) && !major(line->dev));
	if (st.st_ino == line->ino && same_dev)
		return fd;
	close(fd);
	return -ESTALE;
}

static int open_map_file(const struct target *t, const struct maps_line *line)
{
	char name[80];

	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, line->start, line->end);
	int fd = openat(t->proc, name, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : accept_file(fd, line, 0);
}

/* A thread's link: that of a main thread that has ended leads nowhere. */
static void exe_name(pid_t tid, char *out, size_t room)
{
	snprintf(out, room, "task/%d/exe", tid);
}

static int open_exe(const struct target *t, pid_t tid, const struct maps_line *line)
{
	char name[48];

	exe_name(tid, name, sizeof(name));
	int fd = openat(t->proc, name, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : accept_file(fd, line, 1);
}

static int open_by_path(const struct target *t, pid_t tid, const struct maps_line *line)
{
	int root = target_open_root(t, tid);

	if (root < 0)
		return root;
	/* The maps show paths as we see them, which is otherwise than a chroot does. */
	const char *inside = roots_inside(root, line->path);
	int fd = proc_file_open_below(root, inside ? inside : line->path, O_PATH | O_CLOEXEC,
		RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	close(root);
	return fd < 0 ? fd : accept_file(fd, line, 1);
}

int module_file_open(const struct target *t, pid_t tid, const struct maps_line *line)
{
	int fd = open_map_file(t, line);

	if (fd < 0)
		fd = open_exe(t, tid, line);
	if (fd < 0)
		fd = open_by_path(t, tid, line);
	return fd;
}

/* The loader ran the program: its mapping goes by the name that the loader was given. */
static int is_program_of_loader(const struct target *t, pid_t tid, const struct maps_line *line)
{
	char name[48], cmdline[2 * LIMIT_PATH];

	snprintf(name, sizeof(name), "task/%d/cmdline", tid);
	int fd = openat(t->proc, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, cmdline, sizeof(cmdline));
	close(fd);
	const char *program = n > 0 ? loader_program(cmdline, n) : NULL;
	return program && !strcmp(basename(program), basename(line->path));
}

int module_file_is_exe(const struct target *t, pid_t tid, const struct maps_line *line)
{
	struct stat st;
	char name[48], link[LIMIT_PATH];

	if (!line->ino)
		return 0;
	exe_name(tid, name, sizeof(name));
	ssize_t n = readlinkat(t->proc, name, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	if (loader_is(link))
		return is_program_of_loader(t, tid, line);
	if (strcmp(link, line->path) == 0)
		return 1;
	return fstatat(t->proc, name, &st, 0) == 0 && st.st_ino == line->ino &&
	       st.st_dev == line->dev;
}

size_t module_file_name(const char *path, size_t n)
{
	static const char mark[] = " (deleted)";
	size_t m = sizeof(mark) - 1;

	return n > m && !memcmp(path + n - m, mark, m) ? n - m : n;
}

int module_file_of_image(const void *image, size_t size)
{
	int fd = memfd_create("cpprof-image", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, image, size) == (ssize_t)size)
		return fd;
	if (fd >= 0)
		close(fd);
	return -EIO;
}

int module_file_from_memory(pid_t tid, const struct maps_line *line)
{
	size_t size = line->end - line->start;
	unsigned char *image = size <= MIB ? malloc(size) : NULL;

	if (!image)
		return -E2BIG;
	long n = memory_read(tid, line->start, image, size);
	int fd = n > 0 ? module_file_of_image(image, n) : n < 0 ? (int)n : -EIO;
	free(image);
	return fd;
}
