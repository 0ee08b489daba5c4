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
