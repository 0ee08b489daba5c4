/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#include "agent/probe/owner.h"
#include "agent/tracer/proc_stat.h"

/* Of the PID namespace that we are in; 0: not known. */
static uint64_t our_space(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) < 0 ? 0 : st.st_ino;
}

/* When that process began, in the kernel's ticks; 0: there is none, or only what is left of it. */
static uint64_t began(uint64_t pid)
{
	struct proc_stat stat;

	if (proc_stat_of(pid, &stat) < 0 || stat.state == 'Z' || stat.state == 'X')
		return 0;
	return stat.start_time;
}

void owner_write(struct probe_shared *shared)
{
	shared->owner_space = our_space();
	shared->owner = getpid();
	shared->owner_began = began(getpid());
}

int owner_is_alive(const struct probe_shared *shared, uint64_t most)
{
	uint64_t now = __rdtsc();

	if (shared->deadline <= now || shared->deadline - now > most)
		return 0;
	if (!shared->owner_space || shared->owner_space != our_space())
		return 1;
	return shared->owner_began == 0 || began(shared->owner) == shared->owner_began;
}

void owner_clear(struct probe_shared *shared)
{
	__atomic_store_n(&shared->deadline, 0, __ATOMIC_RELAXED);
}
