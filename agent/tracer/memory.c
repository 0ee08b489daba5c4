/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/uio.h>

#include "agent/tracer/memory.h"

long memory_read(pid_t tid, uint64_t address, void *out, size_t size)
{
	struct iovec local = {out, size};
	struct iovec remote = {(void *)(uintptr_t)address, size};
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	if (n < 0)
		return -errno;
	return n ? n : -EFAULT;
}

long memory_read_stack(pid_t tid, uint64_t sp, void *out, size_t size, uint64_t *base)
{
	*base = sp - MEMORY_RED_ZONE;
	long n = memory_read(tid, *base, out, size);
	if (n != -EFAULT)
		return n;
	/* The red zone may lie in a guard page when the stack is at its very bottom. */
	*base = sp;
	return memory_read(tid, *base, out, size);
}

int memory_read_parts(pid_t tid, const struct memory_part *v, size_t n)
{
	struct iovec local[MEMORY_PARTS], remote[MEMORY_PARTS];
	size_t all = 0;

	if (n > MEMORY_PARTS)
		return -E2BIG;
	for (size_t i = 0; i < n; i++) {
		local[i] = (struct iovec){v[i].out, v[i].size};
		remote[i] = (struct iovec){(void *)(uintptr_t)v[i].address, v[i].size};
		all += v[i].size;
	}
	ssize_t got = process_vm_readv(tid, local, n, remote, n, 0);
	if (got < 0)
		return -errno;
	return (size_t)got == all ? 0 : -EFAULT;
}
