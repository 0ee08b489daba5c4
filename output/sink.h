/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a profile goes: a file that appears complete or not at all, or stdout.
 *
 * A file is written beside its final name as an O_EXCL temporary of mode 0600, synced, and renamed
 * over the name; an existing file stays untouched until then, and no symbolic link is followed:
 * renaming replaces the name itself. "-", and the names that /dev and /proc have for it, is stdout,
 * written as it comes; refused if it is a terminal and the data is binary. A character device or a
 * FIFO is written as it comes, too. All else that is neither a file nor a link to one is refused,
 * and so are links in /dev and /proc. Paths are relative to the current directory.
 */
#ifndef OUTPUT_SINK_H
#define OUTPUT_SINK_H

#include <stdint.h>
#include <stddef.h>

struct sink {
	int fd; /* -1: closed */
	int is_stdout;
	uint64_t written;
	char path[4096];
	char temporary[4096 + 32];
};

int sink_is_stdout(const char *path);

/* 0 or -errno; -ENAMETOOLONG, -EISDIR when path names a directory, -ENOTSUP for a block device or a
 * socket, -ELOOP for a link that must not be replaced, -ENXIO for a FIFO that nobody reads, -ENOTTY
 * for binary data to a terminal. */
int sink_open(struct sink *sink, const char *path, int binary);

/* Whether sink_open would succeed now, as far as can be told without a FIFO's reader seeing it. */
int sink_probe(const char *path, int binary);

/* Writes all; 0 or -errno (ENOSPC is seen here or at commit). */
int sink_write(struct sink *sink, const void *bytes, size_t n);

/* fsync, close, rename. 0 or -errno; on failure the temporary is gone and the old file untouched.
 */
int sink_commit(struct sink *sink);

/* Gives up; idempotent, harmless after commit. */
void sink_abort(struct sink *sink);

#endif
