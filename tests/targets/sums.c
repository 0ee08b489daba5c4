/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sums [SECONDS]: four threads do work whose result they know, over and over: a chain of numbers
 * in registers, one of floating point, bytes through a pipe, and waits in epoll that must not
 * fail. "sum N BAD" every 20 ms: rounds done, and results that were wrong.
 */
#include "target.h"

#include <sys/epoll.h>

static volatile int done;
static uint64_t rounds[4], bad;

static void count(int i, int right)
{
	__atomic_fetch_add(&rounds[i], 1, __ATOMIC_RELAXED);
	if (!right)
		__atomic_fetch_add(&bad, 1, __ATOMIC_RELAXED);
}

static FRAME uint64_t chain(void)
{
	uint64_t x = 1;

	for (int i = 0; i < 50000; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	KEEP_FRAME(); /* nor is it called once for all */
	return x;
}

static FRAME double series(void)
{
	double x[4] = {1, 2, 3, 4};

	for (int i = 0; i < 20000; i++)
		for (int k = 0; k < 4; k++)
			x[k] = x[k] * 0.999999 + (double)(i % 7) / (k + 3);
	KEEP_FRAME();
	return x[0] + x[1] + x[2] + x[3];
}

static void *integers(void *arg)
{
	uint64_t right = chain();

	while (!done)
		count(0, chain() == right);
	return arg;
}

static void *floats(void *arg)
{
	double right = series();

	while (!done)
		count(1, series() == right);
	return arg;
}

/* Less than the pipe holds: never cut short. */
static void *bytes(void *arg)
{
	uint8_t out[4096], in[4096];
	int ends[2];

	if (pipe(ends))
		abort();
	for (uint32_t n = 1; !done; n++) {
		for (size_t i = 0; i < sizeof(out); i++)
			out[i] = (uint8_t)(i * n >> 3);
		count(2, write(ends[1], out, sizeof(out)) == sizeof(out) &&
				 read(ends[0], in, sizeof(in)) == sizeof(in) &&
				 !memcmp(in, out, sizeof(in)));
	}
	return arg;
}

static void *waits(void *arg)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event;

	while (!done)
		count(3, epoll_wait(fd, &event, 1, 1) == 0);
	return arg;
}

int main(int argc, char **argv)
{
	void *(*const run[])(void *) = {integers, floats, bytes, waits};
	pthread_t threads[4];
	uint64_t idle = 0;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	for (int i = 0; i < 4; i++)
		threads[i] = target_thread("sums", run[i], NULL);
	target_ready();
	while (target_wait(20000))
		printf("sum %" PRIu64 " %" PRIu64 "\n",
			rounds[0] + rounds[1] + rounds[2] + rounds[3], bad);
	done = 1;
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		idle += !rounds[i];
	}
	truth("rounds", rounds[0] + rounds[1] + rounds[2] + rounds[3]);
	truth("bad", bad);
	truth("idle", idle);
	return bad || idle;
}
