/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gaps [SECONDS [THREADS [LEAST_US]]]: THREADS (1) threads read the clock without pause and keep
 * every gap of LEAST_US (15) or more: what a profiler's stops look like from the inside.
 */
#include "target.h"

enum { most_gaps = 1 << 20 };

struct watcher {
	uint32_t *gaps_ns;
	uint64_t count, lost_ns, cpu_ns;
};

static uint64_t least_ns;
static volatile int done;

static FRAME void watch_clock(struct watcher *w)
{
	uint64_t last = clock_ns(CLOCK_MONOTONIC);

	while (!done) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		uint64_t gap = now - last;

		last = now;
		if (gap < least_ns || w->count == most_gaps)
			continue;
		w->gaps_ns[w->count++] = gap > UINT32_MAX ? UINT32_MAX : (uint32_t)gap;
		w->lost_ns += gap;
	}
}

static void *run(void *arg)
{
	struct watcher *w = arg;

	watch_clock(w);
	w->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	enum { most = 16 };
	uint64_t threads = arg_number(argc, argv, 2, 1);
	struct watcher *w = calloc(most, sizeof(*w)), all = {0};
	pthread_t ids[most];
	uint64_t started;

	threads = threads < most ? threads : most;
	least_ns = arg_number(argc, argv, 3, 15) * 1000;
	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	all.gaps_ns = malloc(threads * most_gaps * sizeof(uint32_t));
	started = clock_ns(CLOCK_MONOTONIC);
	for (uint64_t i = 0; i < threads; i++) {
		w[i].gaps_ns = calloc(most_gaps, sizeof(uint32_t));
		ids[i] = target_thread("watch", run, &w[i]);
	}
	target_ready();
	target_wait(0);
	done = 1;
	for (uint64_t i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		memcpy(all.gaps_ns + all.count, w[i].gaps_ns, w[i].count * sizeof(uint32_t));
		all.count += w[i].count;
		all.lost_ns += w[i].lost_ns;
		all.cpu_ns += w[i].cpu_ns;
	}
	qsort(all.gaps_ns, all.count, sizeof(uint32_t), ascending);
	truth("gaps", all.count);
	truth("lost_us", all.lost_ns / 1000);
	truth("wall_us", (clock_ns(CLOCK_MONOTONIC) - started) / 1000);
	truth("cpu_us", all.cpu_ns / 1000);
	if (all.count) {
		truth("gap_p50_ns", all.gaps_ns[all.count / 2]);
		truth("gap_p99_ns", all.gaps_ns[all.count * 99 / 100]);
		truth("gap_max_ns", all.gaps_ns[all.count - 1]);
	}
	return 0;
}
