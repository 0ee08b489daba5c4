/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A build id is read here without libelf: the player looks at files only to choose among them. The
 * worker looks again, in its sandbox, before it reads one.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/player_files.h"
#include "agent/tracer/module_file.h"
#include "base/now.h"

#define NOTES_MAX (64 * KIB)

/* --- build ids ---------------------------------------------------------------------------- */

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Its length, 0: none in there. */
static size_t id_in_notes(const unsigned char *notes, size_t n, unsigned char *id)
{
	Elf64_Nhdr h;
	size_t at = 0;

	while (n - at >= sizeof(h)) {
		memcpy(&h, notes + at, sizeof(h));
		at += sizeof(h);
		if (h.n_namesz > n - at || align4(h.n_namesz) > n - at)
			break;
		const unsigned char *name = notes + at;
		at += align4(h.n_namesz);
		if (h.n_descsz > n - at)
			break;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && !memcmp(name, "GNU", 4) &&
			h.n_descsz <= 32) {
			memcpy(id, notes + at, h.n_descsz);
			return h.n_descsz;
		}
		if (align4(h.n_descsz) > n - at)
			break;
		at += align4(h.n_descsz);
	}
	return 0;
}

static size_t id_in_segment(int fd, const Elf64_Phdr *p, unsigned char *id)
{
	size_t n = p->p_filesz, found = 0;

	if (p->p_type != PT_NOTE || !n || n > NOTES_MAX || p->p_offset > LIMIT_MODULE_BYTES)
		return 0;
	unsigned char *notes = malloc(n);
	if (notes && pread(fd, notes, n, p->p_offset) == (ssize_t)n)
		found = id_in_notes(notes, n, id);
	free(notes);
	return found;
}

/* Its length, 0: the file has none. */
static size_t read_build_id(int fd, unsigned char *id)
{
	Elf64_Ehdr h;
	Elf64_Phdr p;
	size_t found = 0;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
		h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB ||
		h.e_phentsize != sizeof(p) || h.e_phnum > LIMIT_SEGMENTS ||
		h.e_phoff > LIMIT_MODULE_BYTES)
		return 0;
	for (uint32_t i = 0; i < h.e_phnum && !found; i++) {
		if (pread(fd, &p, sizeof(p), h.e_phoff + i * sizeof(p)) != sizeof(p))
			return 0;
		found = id_in_segment(fd, &p, id);
	}
	return found;
}

/* --- candidates --------------------------------------------------------------------------- */

/* A regular file, or -errno. An open of something else could wait, or do something. */
static int open_regular(const char *path, struct stat *st)
{
	int name = open(path, O_PATH | O_CLOEXEC);

	if (name < 0)
		return -errno;
	int fd = module_file_reopen(name, st);
	close(name);
	return fd;
}

static int is_wanted(int fd, const struct stat *st, const struct tracer_identity *wanted)
{
	unsigned char id[32];
	size_t n = read_build_id(fd, id);

	if (n != wanted->build_id_len)
		return 0;
	if (n)
		return !memcmp(id, wanted->build_id, n);
	uint64_t changed = st->st_mtim.tv_sec * SECOND + st->st_mtim.tv_nsec;
	return st->st_ino == wanted->ino && (uint64_t)st->st_size == wanted->size &&
	       changed == wanted->changed;
}

/* Of two reasons: that another file is there says more than that there is none. */
static int try(const char *path, const struct tracer_identity *wanted, int before)
{
	struct stat st;
	int fd = open_regular(path, &st);

	if (fd < 0)
		return before;
	if (is_wanted(fd, &st, wanted))
		return fd;
	close(fd);
	return -ESTALE;
}

static int by_id(const char *symfs, const struct tracer_identity *wanted, int fd)
{
	static const char *const folders[] = {DEBUG_FOLDER, "/usr/lib"};
	char name[2 * LIMIT_PATH];

	for (int i = 0; i < 2 && fd < 0 && wanted->build_id_len > 1; i++)
		if (debug_place_of_id(name, sizeof(name), symfs, folders[i], wanted->build_id,
			    wanted->build_id_len, "") == 0)
			fd = try(name, wanted, fd);
	return fd;
}

int player_files_module(
	const char *symfs, const char *path, size_t path_len, const struct tracer_identity *wanted)
{
	char name[2 * LIMIT_PATH + 2];
	int fd = -ENOENT;

	path_len = module_file_name(path, path_len);
	if (!path_len || path[0] != '/' || path_len > LIMIT_PATH)
		return -ENOENT;
	if (symfs && snprintf(name, sizeof(name), "%s%.*s", symfs, (int)path_len, path) <
			     (int)sizeof(name))
		fd = try(name, wanted, fd);
	if (fd < 0) {
		snprintf(name, sizeof(name), "%.*s", (int)path_len, path);
		fd = try(name, wanted, fd);
	}
	if (fd < 0 && symfs)
		fd = by_id(symfs, wanted, fd);
	return fd < 0 ? by_id("", wanted, fd) : fd;
}

/* A place that depends on where a debug file is may lie below symfs or not. */
static int open_place(const char *symfs, const char *place, char *path, size_t room)
{
	char name[LIMIT_PATH + DEBUG_PLACE_MAX];
	struct stat st;
	int fd = -ENOENT;

	if (symfs && snprintf(name, sizeof(name), "%s%s", symfs, place) < (int)sizeof(name))
		fd = open_regular(name, &st);
	if (fd < 0)
		fd = open_regular(place, &st);
	if (fd >= 0)
		snprintf(path, room, "%s", place);
	return fd;
}

int player_files_extra(const char *symfs, struct debug_question *q, char *path, size_t room)
{
	struct debug_place place;
	int error;

	for (uint32_t n = q->file.candidate; (error = debug_place(q, n, &place)) != -ENOENT; n++) {
		q->file.candidate = n;
		int fd = error ? error : open_place(symfs, place.path, path, room);
		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}
