/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include "agent/tracer/memory.h"
#include "agent/tracer/time_left.h"

#define SECOND	      1000000000ll
#define LONGEST	      (INT64_MAX / SECOND / 2) /* seconds; more is for ever */
#define IS_ABSOLUTE   1u
#define IN_MS	      2u /* the argument itself, an int, negative: for ever */
#define IN_US	      4u /* struct timeval */
#define CLOCK_IN_ARG0 8u /* and in argument 1 whether it is absolute */

/* Which argument says how long, and how it says it. */
static const struct row {
	uint16_t nr;
	uint8_t argument, flags;
} rows[] = {
	{SYS_nanosleep, 0, 0},
	{SYS_clock_nanosleep, 2, CLOCK_IN_ARG0},
	{SYS_poll, 2, IN_MS},
	{SYS_ppoll, 2, 0},
	{SYS_select, 4, IN_US},
	{SYS_pselect6, 4, 0},
	{SYS_epoll_wait, 3, IN_MS},
	{SYS_epoll_pwait, 3, IN_MS},
	{441 /* epoll_pwait2 */, 3, 0},
	{SYS_rt_sigtimedwait, 2, 0},
	{SYS_semtimedop, 3, 0},
	{SYS_mq_timedsend, 4, IS_ABSOLUTE},
	{SYS_mq_timedreceive, 4, IS_ABSOLUTE},
	{SYS_io_getevents, 4, 0},
};

static int64_t from_now(int64_t deadline, clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return TIME_UNKNOWN;
	int64_t left = deadline - (now.tv_sec * SECOND + now.tv_nsec);
	return left > 0 ? left : 0;
}

static int64_t since(int64_t whole, int64_t idle)
{
	if (idle < 0)
		return TIME_UNKNOWN;
	return whole > idle ? whole - idle : 0;
}

/* What a struct timespec says, or with unit 1000 a struct timeval; TIME_UNKNOWN. */
static int64_t read_time(pid_t tid, uint64_t address, int64_t unit)
{
	int64_t words[2];

	if (memory_read(tid, address, words, sizeof(words)) != (long)sizeof(words) ||
		words[0] < 0 || words[1] < 0 || words[1] >= SECOND)
		return TIME_UNKNOWN;
	return words[0] > LONGEST ? TIME_FOR_EVER : words[0] * SECOND + words[1] * unit;
}

static int64_t of_pointer(
	pid_t tid, uint64_t address, int64_t unit, int absolute, clockid_t clock, int64_t idle)
{
	int64_t said = address ? read_time(tid, address, unit) : TIME_FOR_EVER;

	if (said < 0)
		return said;
	return absolute ? from_now(said, clock) : since(said, idle);
}

static int64_t of_futex(pid_t tid, const struct call_now *call, int64_t idle)
{
	int op = call->args[1] & FUTEX_CMD_MASK;
	int is_realtime = op == FUTEX_LOCK_PI || call->args[1] & FUTEX_CLOCK_REALTIME;

	return of_pointer(tid, call->args[3], 1, op != FUTEX_WAIT,
		is_realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, idle);
}

static int64_t of_row(pid_t tid, const struct call_now *call, const struct row *r, int64_t idle)
{
	uint64_t a = call->args[r->argument];
	clockid_t clock = CLOCK_REALTIME;
	int absolute = r->flags & IS_ABSOLUTE;

	if (r->flags & IN_MS)
		return (int32_t)a < 0 ? TIME_FOR_EVER : since((int32_t)a * 1000000ll, idle);
	if (r->flags & CLOCK_IN_ARG0) {
		clock = call->args[0];
		absolute = call->args[1] & TIMER_ABSTIME;
		/* CPU clocks are the target's own. */
		if (absolute && (clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID ||
					clock == CLOCK_THREAD_CPUTIME_ID))
			return TIME_UNKNOWN;
	}
	return of_pointer(tid, a, r->flags & IN_US ? 1000 : 1, absolute, clock, idle);
}

int64_t time_left(pid_t tid, const struct call_now *call, int64_t idle)
{
	if (call->nr == SYS_futex)
		return of_futex(tid, call, idle);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (call->nr == rows[i].nr)
			return of_row(tid, call, &rows[i], idle);
	return TIME_FOR_EVER;
}
