/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded reads of the target's memory by process_vm_readv(2), through any live thread's id.
 * The call may block for ever on a page that userfaultfd or FUSE never delivers; only a SIGKILL
 * ends that, which is why the tracer may be killed at any time.
 */
#ifndef TRACER_MEMORY_H
#define TRACER_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes read, fewer than size where the mapping ends; -errno if there is nothing to read. */
long memory_read(pid_t tid, uint64_t address, void *out, size_t size);

struct memory_part {
	uint64_t address;
	void *out;
	size_t size;
};

#define MEMORY_PARTS 64u

/* At most so many parts, in that order. 0; -EFAULT: not all of them are there; -errno. */
int memory_read_parts(pid_t tid, const struct memory_part *v, size_t n);

#define MEMORY_RED_ZONE 128u /* below the stack pointer, System V ABI 3.2.2 */

/* The stack from its red zone up; *base is the address of the first byte. As memory_read. */
long memory_read_stack(pid_t tid, uint64_t sp, void *out, size_t size, uint64_t *base);

#endif
