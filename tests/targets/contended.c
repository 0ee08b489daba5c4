/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * contended [SECONDS]: three threads wait for one mutex that hold_70 and hold_30 have in turn for
 * 70 and 30 % of the contended time, the one computing, the other asleep. Truth: ns waited for each
 * of the two, ns waited in all, waits that had to wait, ns that the whole took.
 */
#include "target.h"

enum { waiters = 3, most = 200000 };

struct span {
	uint64_t from, to;
};

static struct waiter {
	pthread_t thread;
	struct span waits[most];
	int n;
} all[waiters];

static pthread_mutex_t stock_lock = PTHREAD_MUTEX_INITIALIZER;
static struct span held[2][most];
static int n_held[2];

static FRAME void take_from_stock(struct waiter *w)
{
	struct span s = {.from = clock_ns(CLOCK_MONOTONIC)};

	pthread_mutex_lock(&stock_lock);
	s.to = clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&stock_lock);
	if (w->n < most)
		w->waits[w->n++] = s;
}

static void *run(void *arg)
{
	struct waiter *w = arg;
	uint32_t seed = 77 + (uint32_t)(w - all);

	while (target_running()) {
		take_from_stock(w);
		target_sleep_us(next_random(&seed) % 2000);
	}
	return NULL;
}

/* Until a point in time: a share of the time, whatever the machine is busy with. */
static FRAME void hold_70(uint64_t until)
{
	while (clock_ns(CLOCK_MONOTONIC) < until)
		SPIN(target.per_us);
	KEEP_FRAME();
}

static FRAME void hold_30(uint64_t until)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (until > now)
		target_sleep_us((until - now) / 1000);
	KEEP_FRAME();
}

static FRAME void hold(int which, uint64_t ms)
{
	pthread_mutex_lock(&stock_lock);
	struct span s = {.from = clock_ns(CLOCK_MONOTONIC)};
	(which ? hold_30 : hold_70)(s.from + ms * 1000000);
	s.to = clock_ns(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&stock_lock);
	if (n_held[which] < most)
		held[which][n_held[which]++] = s;
}

/* Both lists are in order. */
static uint64_t overlap(const struct waiter *w, const struct span *h, int n)
{
	uint64_t sum = 0;

	for (int i = 0, j = 0; i < w->n && j < n;) {
		uint64_t from = w->waits[i].from > h[j].from ? w->waits[i].from : h[j].from;
		uint64_t to = w->waits[i].to < h[j].to ? w->waits[i].to : h[j].to;
		sum += to > from ? to - from : 0;
		if (w->waits[i].to < h[j].to)
			i++;
		else
			j++;
	}
	return sum;
}

static void tell(uint64_t took)
{
	uint64_t waited = 0, by[2] = {0, 0}, contended = 0;

	for (struct waiter *w = all; w < all + waiters; w++) {
		for (int i = 0; i < w->n; i++) {
			uint64_t ns = w->waits[i].to - w->waits[i].from;
			waited += ns;
			contended += ns > 1000000;
		}
		for (int which = 0; which < 2; which++)
			by[which] += overlap(w, held[which], n_held[which]);
	}
	truth("hold_70", by[0]);
	truth("hold_30", by[1]);
	truth("waited", waited);
	truth("contended", contended);
	truth("took", took);
}

int main(int argc, char **argv)
{
	target_init(arg_number(argc, argv, 1, 0));
	for (struct waiter *w = all; w < all + waiters; w++)
		w->thread = target_thread("waiter", run, w);
	uint64_t began = clock_ns(CLOCK_MONOTONIC);
	target_ready();
	while (target_running()) {
		hold(0, 28);
		target_sleep_us(2500);
		hold(1, 12);
		target_sleep_us(2500);
	}
	for (struct waiter *w = all; w < all + waiters; w++)
		pthread_join(w->thread, NULL);
	tell(clock_ns(CLOCK_MONOTONIC) - began);
	return 0;
}
