/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that allocate in known places by all functions, and say how much: SIGUSR1 lets them
 * begin, and at their end each place is printed with the objects and bytes that it has allocated,
 * those that are alive, and its smallest size.
 *
 * allocs [THREADS [SLEEPERS]]   SLEEPERS threads besides, which nothing ever wakes: it aborts if
 * something does
 *
 * SIGUSR2: it begins anew, as another program would (exec).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define KEPT   300u /* of each place that keeps some, in each thread */
#define ROUNDS 400u

enum place {
	PLACE_MALLOC_KEPT,
	PLACE_MALLOC_FREED,
	PLACE_CALLOC_KEPT,
	PLACE_CALLOC_FREED,
	PLACE_REALLOC_GROWN,
	PLACE_REALLOC_FREED,
	PLACE_ALIGNED_KEPT,
	PLACE_ALIGNED_FREED,
	PLACE_LARGE_FREED,
	PLACE_OTHERS_FREED, /* by another thread */
	PLACE_ARRAY_FREED,
	PLACE_PAGES_FREED,
	PLACES
};

static const char *const names[PLACES] = {"malloc_kept", "malloc_freed", "calloc_kept",
	"calloc_freed", "realloc_grown", "realloc_freed", "aligned_kept", "aligned_freed",
	"large_freed", "others_freed", "array_freed", "pages_freed"};

static const unsigned smallest[PLACES] = {
	2000, 700, 3000, 5000, 1000, 2500, 4096, 6000, 300000, 9000, 2000, 5000};

static _Atomic uint64_t objects[PLACES], bytes[PLACES], live_objects[PLACES], live_bytes[PLACES];
static _Atomic int begun, done;
static void *_Atomic passed[64];
static int epoll, nothing[2]; /* where nothing ever comes */

static void add(enum place place, uint64_t n, uint64_t size, int is_alive)
{
	objects[place] += n;
	bytes[place] += n * size;
	live_objects[place] += is_alive ? n : 0;
	live_bytes[place] += is_alive ? n * size : 0;
}

#define PLACE(name) __attribute__((noinline, noipa)) static void *name

/* The call is not the last thing, and so not a jump. */
static inline void *seen(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

PLACE(malloc_kept)(void)
{
	return seen(malloc(2000));
}
PLACE(malloc_freed)(void)
{
	return seen(malloc(700));
}
PLACE(calloc_kept)(void)
{
	return seen(calloc(30, 100));
}
PLACE(calloc_freed)(void)
{
	return seen(calloc(5, 1000));
}
PLACE(realloc_grown)(void *p, size_t n)
{
	return seen(realloc(p, n));
}
PLACE(realloc_freed)(void *p, size_t n)
{
	return seen(realloc(p, n));
}
PLACE(aligned_kept)(void)
{
	return seen(aligned_alloc(64, 4096));
}
PLACE(large_freed)(void)
{
	return seen(malloc(300000));
}
PLACE(others_freed)(void)
{
	return seen(malloc(9000));
}

PLACE(aligned_freed)(int which)
{
	void *p = NULL;

	if (which == 0)
		p = memalign(256, 6000);
	else if (which == 1)
		p = valloc(6000);
	else if (which == 2)
		p = aligned_alloc(32, 6016);
	else if (posix_memalign(&p, 16, 6000)) /* what malloc does as well */
		p = NULL;
	return seen(p);
}

/* By realloc, which it ends in. */
PLACE(array_freed)(void *p, size_t n)
{
	return seen(reallocarray(p, n, 40));
}
PLACE(pages_freed)(void)
{
	return seen(pvalloc(5000));
}

/* Other names of free: of the next C standard, and of programs that are older than this C library.
 */
extern __attribute__((weak)) void free_sized(void *p, size_t n);
extern __attribute__((weak)) void free_aligned_sized(void *p, size_t alignment, size_t n);
static void (*cfree_of_old)(void *);

static void free_by_other_names(unsigned k)
{
	void *pages = pages_freed(), *array = array_freed(array_freed(NULL, 50), 100);

	add(PLACE_PAGES_FREED, 1, 5000, 0);
	add(PLACE_ARRAY_FREED, 1, 2000, 0);
	add(PLACE_ARRAY_FREED, 1, 4000, 0);
	if (k % 2 && free_sized)
		free_sized(array, 4000);
	else if (cfree_of_old)
		cfree_of_old(array);
	else
		free(array);
	free(pages);
}

static void free_aligned(void *p, int which)
{
	if (which == 2 && free_aligned_sized)
		free_aligned_sized(p, 32, 6016);
	else
		free(p);
}

static void keep(void)
{
	void *p = realloc_grown(NULL, 1000);

	malloc_kept();
	add(PLACE_MALLOC_KEPT, 1, 2000, 1);
	calloc_kept();
	add(PLACE_CALLOC_KEPT, 1, 3000, 1);
	aligned_kept();
	add(PLACE_ALIGNED_KEPT, 1, 4096, 1);
	seen(realloc_grown(p, 5000));
	add(PLACE_REALLOC_GROWN, 1, 1000, 0);
	add(PLACE_REALLOC_GROWN, 1, 5000, 1);
}

static void turn(unsigned k)
{
	free(malloc_freed());
	add(PLACE_MALLOC_FREED, 1, 700, 0);
	free(calloc_freed());
	add(PLACE_CALLOC_FREED, 1, 5000, 0);
	free(realloc_freed(realloc_freed(NULL, 2500), 7500));
	add(PLACE_REALLOC_FREED, 1, 2500, 0);
	add(PLACE_REALLOC_FREED, 1, 7500, 0);
	free_aligned(aligned_freed(k % 4), k % 4);
	add(PLACE_ALIGNED_FREED, 1, k % 4 == 2 ? 6016 : 6000, 0);
	free(large_freed());
	add(PLACE_LARGE_FREED, 1, 300000, 0);
	free(atomic_exchange(&passed[k % 64], others_freed()));
	add(PLACE_OTHERS_FREED, 1, 9000, 0);
	free_by_other_names(k);
}

static void *works(void *arg)
{
	while (!begun)
		usleep(1000);
	for (unsigned k = 0; k < ROUNDS; k++) {
		if (k < KEPT)
			keep();
		turn(k);
		usleep(4000);
	}
	done++;
	for (;;)
		pause();
	return arg;
}

/* In calls that a stop ends early, of all kinds: those that begin again by themselves, go on with
 * what is left of their time, or would fail. */
static void *sleeps(void *arg)
{
	const struct timespec long_time = {100000, 0};
	sigset_t none;
	char byte;

	sigemptyset(&none);
	switch ((uintptr_t)arg % 5) {
	case 0:
		pause();
		break;
	case 1:
		nanosleep(&long_time, NULL);
		break;
	case 2:
		epoll_wait(epoll, &(struct epoll_event){0}, 1, -1);
		break;
	case 3:
		sigtimedwait(&none, NULL, &long_time);
		break;
	default:
		(void)!read(nothing[0], &byte, 1);
	}
	abort();
}

static void start_sleepers(unsigned n)
{
	pthread_attr_t small;
	pthread_t t;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || pipe2(nothing, O_CLOEXEC))
		abort();
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	for (uintptr_t i = 0; i < n; i++)
		if (pthread_create(&t, &small, sleeps, (void *)i))
			abort();
}

static void on_another(int signal)
{
	(void)signal;
	execl("/proc/self/exe", "allocs", "1", NULL);
	abort();
}

static void on_go(int signal)
{
	(void)signal;
	begun = 1;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 4;
	pthread_t t;

	cfree_of_old = dlvsym(RTLD_DEFAULT, "cfree", "GLIBC_2.2.5");
	signal(SIGUSR1, on_go);
	signal(SIGUSR2, on_another);
	start_sleepers(argc > 2 ? atoi(argv[2]) : 0);
	for (int i = 0; i < n && i < 16; i++)
		pthread_create(&t, NULL, works, NULL);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (done < n && done < 16)
		usleep(1000);
	for (int i = 0; i < 64; i++)
		free(atomic_exchange(&passed[i], NULL));
	for (int i = 0; i < PLACES; i++)
		printf("truth %s %lu %lu %lu %lu %u\n", names[i], objects[i], bytes[i],
			live_objects[i], live_bytes[i], smallest[i]);
	printf("truth done 1\n");
	fflush(stdout);
	for (;;)
		pause();
}
