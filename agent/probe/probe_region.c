/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The region of the probe in the process: its calls, made by one of its threads. At each point what
 * is there can be found and taken out by another one of us, should we die.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/probe/blob.h"
#include "agent/probe/owner.h"
#include "agent/probe/probe_parts.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define ALL (PROT_READ | PROT_WRITE)

/* A file of another name may lie there by now: any thread of the process may have put it there, and
 * we may write what it may not. Only what the call makes is opened: empty, and nowhere in a folder.
 * A descriptor, or -errno. */
static int open_new(const struct probe *p, int number)
{
	char path[48], name[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", p->pid, number);
	int found = open(path, O_PATH | O_CLOEXEC);
	if (found < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	ssize_t n = readlink(path, name, sizeof(name));
	int is_new = n == sizeof(PLACE_LINK) - 1 && !memcmp(name, PLACE_LINK, n) &&
		     fstat(found, &st) == 0 && S_ISREG(st.st_mode) && !st.st_nlink && !st.st_size;
	int fd = is_new ? open(path, O_RDWR | O_CLOEXEC) : -1;
	int error = is_new ? -errno : -EBADF;
	close(found);
	return fd < 0 ? error : fd;
}

/* It keeps its size from now on: what we have mapped of it must not go. 0 or -errno. */
static int set_size(int fd)
{
	struct stat st;

	if (ftruncate(fd, PROBE_SIZE) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
		fstat(fd, &st) < 0)
		return -errno;
	return st.st_size == PROBE_SIZE ? 0 : -EBADF;
}

/* The memory file of the process, mapped here. 0 or -errno. */
static int map_here(struct probe *p, int number)
{
	int fd = open_new(p, number);

	if (fd < 0)
		return fd;
	int error = set_size(fd);
	void *shared =
		error ? MAP_FAILED : mmap(NULL, SHARED_SIZE, ALL, MAP_SHARED, fd, PROBE_SHARED);
	if (!error && shared == MAP_FAILED)
		error = -errno;
	close(fd);
	if (!error) {
		records_init(&p->records, shared);
		((struct probe_shared *)shared)->next_id = p->first_id;
		owner_write(shared);
		probe_beat(p);
	}
	return error;
}

/* The wanted address is taken as a hint by kernels before 4.17. 0 or -errno. */
static int map_there(struct probe *p, int fd)
{
	long at = probe_call(p, SYS_mmap, p->base, PROBE_SIZE, ALL,
		MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd);

	if (at < 0 || (uint64_t)at == p->base)
		return at < 0 ? at : 0;
	probe_call(p, SYS_munmap, at, PROBE_SIZE, 0, 0, 0);
	return -EEXIST;
}

/* What was mapped there may be another file, put in its place only now. 0 or -errno. */
static int check_there(const struct probe *p)
{
	uint64_t magic = 0;

	if (probe_read(p, p->base + PROBE_SHARED, &magic, sizeof(magic)) || magic != PROBE_MAGIC)
		return -EBADF;
	return 0;
}

/* 0 or -errno; *is_mapped: whether something is to be unmapped. */
static int map_file(struct probe *p, int *is_mapped)
{
	long fd =
		probe_call_named(p, SYS_memfd_create, PLACE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return fd;
	int error = map_here(p, fd);
	if (!error)
		error = map_there(p, fd);
	*is_mapped = !error;
	if (!error)
		error = check_there(p);
	long closed = probe_call(p, SYS_close, fd, 0, 0, 0, 0);
	return error || closed >= 0 ? error : closed;
}

static int map_private(struct probe *p)
{
	long at = probe_call(p, SYS_mmap, p->base, PROBE_SHARED, ALL,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1);

	if (at < 0)
		return at;
	return probe_call(p, SYS_madvise, p->base + PROBE_STATE, PROBE_SHARED - PROBE_STATE,
		MADV_WIPEONFORK, 0, 0);
}

static int write_text(struct probe *p)
{
	int error = probe_write(p, p->base, blob_code, blob_size);

	if (!error)
		error = probe_write(p, p->base + PROBE_THUNKS, p->thunks, sizeof(p->thunks));
	if (!error)
		error = probe_write(p, p->base + PROBE_TRAITS, p->traits, sizeof(p->traits));
	return error;
}

int probe_map(struct probe *p, struct probe_refused *why)
{
	int is_mapped = 0, error = map_file(p, &is_mapped);

	if (!error)
		error = map_private(p);
	if (!error)
		error = write_text(p);
	if (!error)
		error = probe_call(
			p, SYS_mprotect, p->base, PROBE_STATE, PROT_READ | PROT_EXEC, 0, 0);
	if (!error)
		return 0;
	if (is_mapped)
		probe_call(p, SYS_munmap, p->base, PROBE_SIZE, 0, 0, 0);
	if (error == -ENOEXEC)
		return probe_refuse(why, PROBE_CAUSE_SECCOMP, 0);
	return probe_refuse(why, PROBE_CAUSE_CALL, -error);
}

int probe_map_code(struct probe *p, uint64_t address, const void *bytes, size_t n)
{
	long at = probe_call(p, SYS_mmap, address, n, ALL,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);

	if (at < 0)
		return at;
	int error = (uint64_t)at == address ? probe_write(p, at, bytes, n) : -EEXIST;
	if (!error)
		error = probe_call(p, SYS_mprotect, at, n, PROT_READ | PROT_EXEC, 0, 0);
	if (error)
		probe_call(p, SYS_munmap, at, n, 0, 0, 0);
	return error;
}
