/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/tracer/tune.h"

/* struct sched_attr of include/uapi/linux/sched/types.h, first version. */
struct slice {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Since 6.12 a thread that wakes preempts one with a longer slice at once (fair.c, PREEMPT_SHORT).
 * Without that a tick on the target's CPU waits until the target's own slice is used up or a call
 * of it enters the scheduler: the first millisecond of each burst would hardly be seen. */
static void ask_for_short_slice(void)
{
	struct slice s = {
		.size = sizeof(s),
		.nice = getpriority(PRIO_PROCESS, 0),
		.runtime = 100000, /* the least */
	};

	syscall(SYS_sched_setattr, 0, &s, 0);
}

static void on_alarm(int signal)
{
	(void)signal; /* only ends a wait */
}

/* What only helps: precise sleeps, and not to lose the CPU while a thread of the
 * target is stopped. Refusals are accepted. */
void tune_tracer(void)
{
	prctl(PR_SET_TIMERSLACK, 1000ul);
	setpriority(PRIO_PROCESS, 0, -20);
	ask_for_short_slice();
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
}
