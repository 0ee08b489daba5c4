/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file behind a mapping as a descriptor, the right one or none.
 *
 * In order: /proc/PID/map_files (the very file, also when deleted; needs CAP_SYS_ADMIN or
 * CAP_CHECKPOINT_RESTORE), /proc/PID/exe for the program, then the path below the target's own
 * root, resolved inside it without magic links. Only regular files, opened without blocking; found
 * by path, a file counts only if device and inode are those of the mapping. No byte of it is read
 * here.
 */
#ifndef TRACER_MODULE_FILE_H
#define TRACER_MODULE_FILE_H

#include <sys/stat.h>

#include "agent/tracer/maps.h"
#include "agent/tracer/target.h"

/* A descriptor that the caller closes, or -errno: -EPERM not ours to open, -ESTALE the file at this
 * path is another one now, -EINVAL not a regular file. */
int module_file_open(const struct target *t, pid_t tid, const struct maps_line *line);

/* Whether this mapping is of the program itself. */
int module_file_is_exe(const struct target *t, pid_t tid, const struct maps_line *line);

/* A copy of an image that exists only in memory (the vdso), as a memfd; or -errno. */
int module_file_from_memory(pid_t tid, const struct maps_line *line);

/* Such an image as a file of its own, or -EIO. */
int module_file_of_image(const void *image, size_t size);

/* From an O_PATH descriptor, which opens nothing, to one for reading: only of a regular file of at
 * most LIMIT_MODULE_BYTES; or -errno. */
int module_file_reopen(int path_fd, struct stat *st);

/* How long a path is without the kernel's mark of an unlinked file, " (deleted)". */
size_t module_file_name(const char *path, size_t n);

#endif
