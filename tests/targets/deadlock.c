/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deadlock WHAT [SECONDS]: threads that wait for each other's locks.
 *
 *   circles  two threads in a circle, three in another; others wait for members of a circle, or for
 *            a lock whose holder sleeps
 *   busy     threads that take three locks in turn for short times, always in the same order; and
 *            threads that take two of them in any order, as C++'s std::lock does: whoever finds the
 *            second one taken gives back the first, and waits for the second with empty hands. So
 *            who holds and who waits changes all the time, and nobody waits for ever
 *
 * Prints "truth circle.TID N" for the members of circle N, "truth waits.TID HOLDER" for all that
 * wait for a lock.
 */
#include "target.h"

#define THREADS 16

struct worker {
	pthread_mutex_t *own, *wanted;
	struct worker *holder; /* of wanted */
	const char *name;
	int circle;
	pid_t tid;
};

static pthread_mutex_t stock_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t red_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t green_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t blue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lazy_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_have_their_own;
static volatile int done;

static struct worker workers[] = {
	{&stock_lock, &order_lock, &workers[1], "stock", 1, 0},
	{&order_lock, &stock_lock, &workers[0], "order", 1, 0},
	{&red_lock, &green_lock, &workers[3], "red", 2, 0},
	{&green_lock, &blue_lock, &workers[4], "green", 2, 0},
	{&blue_lock, &red_lock, &workers[2], "blue", 2, 0},
	{NULL, &stock_lock, &workers[0], "innocent", 0, 0},
	{NULL, &blue_lock, &workers[4], "innocent", 0, 0},
	{&lazy_lock, NULL, NULL, "lazy", 0, 0},
	{NULL, &lazy_lock, &workers[7], "patient", 0, 0},
};

#define WORKERS (sizeof(workers) / sizeof(*workers))

static FRAME void hold_and_sleep(void)
{
	target_sleep_us(1000000000);
	KEEP_FRAME();
}

static FRAME void want(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	KEEP_FRAME();
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->tid = syscall(SYS_gettid);
	if (w->own)
		pthread_mutex_lock(w->own);
	pthread_barrier_wait(&all_have_their_own);
	if (w->wanted)
		want(w->wanted);
	else
		hold_and_sleep();
	return NULL;
}

static void circles(void)
{
	pthread_barrier_init(&all_have_their_own, NULL, WORKERS + 1);
	for (size_t i = 0; i < WORKERS; i++)
		target_thread(workers[i].name, work, &workers[i]);
	pthread_barrier_wait(&all_have_their_own);
	target_sleep_us(200000); /* until all have come to their lock */
	for (size_t i = 0; i < WORKERS; i++) {
		const struct worker *w = &workers[i];
		if (w->circle)
			printf("truth circle.%d %d\n", w->tid, w->circle);
		if (w->holder)
			printf("truth waits.%d %d\n", w->tid, w->holder->tid);
	}
}

static void *take_turns(void *arg)
{
	pthread_mutex_t *locks[] = {&red_lock, &green_lock, &blue_lock};
	uint32_t seed = (uint32_t)(uintptr_t)arg + 1;

	while (!done) {
		for (int i = 0; i < 3; i++) {
			pthread_mutex_lock(locks[i]);
			SPIN(next_random(&seed) % 200);
		}
		/* In any order. */
		for (int i = 0, first = next_random(&seed) % 3; i < 3; i++)
			pthread_mutex_unlock(locks[(first + i) % 3]);
	}
	return NULL;
}

static void take_two(pthread_mutex_t *one, pthread_mutex_t *other, uint32_t *seed)
{
	pthread_mutex_lock(one);
	target_sleep_us(next_random(seed) % 400);
	while (pthread_mutex_trylock(other)) {
		pthread_mutex_t *held = one;
		pthread_mutex_unlock(held);
		one = other;
		other = held;
		pthread_mutex_lock(one);
	}
	target_sleep_us(next_random(seed) % 400);
	pthread_mutex_unlock(one);
	pthread_mutex_unlock(other);
	/* Else who gives them back takes them again, and the others wait on. */
	target_sleep_us(1);
}

static void *back_off(void *arg)
{
	pthread_mutex_t *locks[] = {&red_lock, &green_lock, &blue_lock};
	uint32_t seed = (uint32_t)(uintptr_t)arg + 1;

	while (!done) {
		uint32_t at = next_random(&seed) % 3, step = 1 + next_random(&seed) % 2;
		take_two(locks[at], locks[(at + step) % 3], &seed);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int is_busy = argc > 1 && !strcmp(argv[1], "busy");
	pthread_t threads[THREADS];

	target_block_term();
	target_init(arg_number(argc, argv, 2, 0));
	for (uintptr_t i = 0; is_busy && i < THREADS; i++)
		threads[i] = target_thread("busy", i % 2 ? take_turns : back_off, (void *)i);
	if (!is_busy)
		circles();
	target_ready();
	target_wait(0);
	done = 1;
	for (int i = 0; is_busy && i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
