/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The region of the probe in the process: its calls, made by one of its threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/probe/blob.h"
#include "agent/probe/probe_parts.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* The memory file of the process, mapped here. 0 or -errno. */
static int map_here(struct probe *p, int number)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", p->pid, number);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int error = ftruncate(fd, SHARED_SIZE) < 0 ? -errno : 0;
	void *shared = error ? MAP_FAILED
			     : mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!error && shared == MAP_FAILED)
		error = -errno;
	close(fd);
	if (!error) {
		records_init(&p->records, shared);
		((struct probe_shared *)shared)->next_id = p->first_id;
	}
	return error;
}

static int map_shared(struct probe *p)
{
	const uint64_t state = p->base + PROBE_STATE;
	int error = probe_write(p, state, PLACE_NAME, sizeof(PLACE_NAME));

	if (error)
		return error;
	long fd = probe_call(p, SYS_memfd_create, state, MFD_CLOEXEC, 0, 0, 0);
	if (fd < 0)
		return fd;
	error = map_here(p, fd);
	if (!error) {
		long at = probe_call(p, SYS_mmap, p->base + PROBE_SHARED, SHARED_SIZE,
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd);
		error = at < 0 ? at : 0;
	}
	long closed = probe_call(p, SYS_close, fd, 0, 0, 0, 0);
	if (error || closed < 0)
		return error ? error : closed;
	static const uint8_t zeros[sizeof(PLACE_NAME)];
	return probe_write(p, state, zeros, sizeof(zeros));
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

/* The region is all there, or nothing of it. */
int probe_map(struct probe *p, struct probe_refused *why)
{
	/* The wanted address is taken as a hint by kernels before 4.17. */
	long at = probe_call(p, SYS_mmap, p->base, PROBE_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1);

	if (at < 0)
		return probe_refuse(why, PROBE_CAUSE_CALL, -at);
	/* Now it can be found, should we die before all is there. */
	long error =
		(uint64_t)at == p->base ? probe_write(p, at, blob_code, sizeof(uint64_t)) : -EEXIST;
	if (!error)
		error = probe_call(p, SYS_madvise, p->base + PROBE_STATE,
			PROBE_SHARED - PROBE_STATE, MADV_WIPEONFORK, 0, 0);
	if (!error)
		error = map_shared(p);
	if (!error)
		error = write_text(p);
	if (!error)
		error = probe_call(
			p, SYS_mprotect, p->base, PROBE_STATE, PROT_READ | PROT_EXEC, 0, 0);
	if (!error)
		return 0;
	probe_call(p, SYS_munmap, at, PROBE_SIZE, 0, 0, 0);
	return probe_refuse(why, PROBE_CAUSE_CALL, -error);
}
