/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One place for each function that allocates, of all allocators that are there: SIGUSR1 lets it
 * begin, and at its end each place is printed with the objects and bytes that it has allocated,
 * those that are alive, and its smallest size. From then on it calls what it found through its
 * slots meanwhile, for ever.
 *
 * allocators [taken]   "taken": somebody's jump is at the begin of its valloc
 *
 * With OWN an allocator of its own is in it (je_malloc); with ODD it is a library whose functions
 * nobody can take over at their entries (odd_malloc).
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N    400u
#define SIZE 3000u

#if defined(OWN) || defined(ODD)
static char room[16 << 20];
static size_t used, given;

__attribute__((noinline, noipa)) static void *room_take(size_t n)
{
	size_t at = __atomic_fetch_add(&used, (n + 31) & -16ul, __ATOMIC_RELAXED);

	return at + n < sizeof(room) ? room + at : NULL;
}
#endif

#ifdef ODD
__attribute__((used, noinline, noipa)) void *odd_take(size_t n)
{
	return room_take(n);
}
__attribute__((used, noinline, noipa)) void odd_give(void *p)
{
	if (p)
		__atomic_fetch_add(&given, 1, __ATOMIC_RELAXED);
}
/* Functions that begin with a jump that cannot be moved. */
__asm__(".text\n.globl odd_malloc, odd_free\n.type odd_malloc, @function\n.type odd_free, @function\n"
	"odd_malloc: xor %eax, %eax\n jrcxz 1f\n1: jmp odd_take@plt\n.size odd_malloc, . - odd_malloc\n"
	"odd_free: jrcxz 1f\n1: jmp odd_give@plt\n.size odd_free, . - odd_free\n");
#else

#define WEAK(result, name, ...) extern __attribute__((weak)) result name(__VA_ARGS__);
WEAK(int, mallopt, int, int)
WEAK(void *, _Znwm, size_t)
WEAK(void *, _Znam, size_t)
WEAK(void *, _ZnwmRKSt9nothrow_t, size_t, const void *)
WEAK(void *, _ZnwmSt11align_val_t, size_t, size_t)
WEAK(void, _ZdlPv, void *)
WEAK(void, _ZdaPv, void *)
WEAK(void, _ZdlPvm, void *, size_t)
WEAK(void, _ZdlPvSt11align_val_t, void *, size_t)
WEAK(void *, mallocx, size_t, int)
WEAK(void *, rallocx, void *, size_t, int)
WEAK(size_t, xallocx, void *, size_t, size_t, int)
WEAK(void, dallocx, void *, int)
WEAK(void, sdallocx, void *, size_t, int)
WEAK(void *, tc_malloc, size_t)
WEAK(void, tc_free, void *)
WEAK(void *, tc_new, size_t)
WEAK(void, tc_delete, void *)
WEAK(void *, mi_malloc, size_t)
WEAK(void *, mi_zalloc, size_t)
WEAK(void *, mi_calloc, size_t, size_t)
WEAK(void *, mi_new, size_t)
WEAK(void *, mi_new_n, size_t, size_t)
WEAK(void *, mi_malloc_aligned, size_t, size_t)
WEAK(void *, mi_heap_get_default, void)
WEAK(void *, mi_heap_malloc, void *, size_t)
WEAK(void *, mi_realloc, void *, size_t)
WEAK(void, mi_free, void *)
WEAK(void *, odd_malloc, size_t)
WEAK(void, odd_free, void *)

#ifdef OWN
__attribute__((noinline, noipa)) void *je_malloc(size_t n)
{
	void *p = room_take(n);

	given -= !p;
	return p;
}
__attribute__((noinline, noipa)) void je_free(void *p)
{
	if (p)
		__atomic_fetch_add(&given, 1, __ATOMIC_RELAXED);
}
#else
WEAK(void *, je_malloc, size_t)
WEAK(void, je_free, void *)
#endif

/* The call is not the last thing, and so not a jump. */
static inline void *seen(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

#define PLACE(name, what)                                                                          \
	__attribute__((noinline, noipa)) static void *name(void)                                   \
	{                                                                                          \
		return seen(what);                                                                 \
	}
#define GIVE(name, what)                                                                           \
	static void name(void *p)                                                                  \
	{                                                                                          \
		what;                                                                              \
	}

static char nothrow;

static inline void *posix(size_t alignment)
{
	void *p = NULL;

	return posix_memalign(&p, alignment, SIZE) ? NULL : p;
}

PLACE(at_malloc, malloc(SIZE))
PLACE(at_calloc, calloc(3, 1000))
PLACE(at_aligned, aligned_alloc(64, SIZE))
PLACE(at_large, malloc(5000))
PLACE(at_posix, posix(16)) /* malloc is good enough for that */
PLACE(at_new, _Znwm(SIZE))
PLACE(at_new_array, _Znam(SIZE))
PLACE(at_new_nothrow, _ZnwmRKSt9nothrow_t(SIZE, &nothrow))
PLACE(at_new_aligned, _ZnwmSt11align_val_t(SIZE, 64))
PLACE(at_mallocx, mallocx(SIZE, 0))
PLACE(at_rallocx, rallocx(mallocx(SIZE, 0), 2 * SIZE, 0))
PLACE(at_tc_malloc, tc_malloc(SIZE))
PLACE(at_tc_new, tc_new(SIZE))
PLACE(at_mi_malloc, mi_malloc(SIZE))
PLACE(at_mi_zalloc, mi_zalloc(SIZE))
PLACE(at_mi_calloc, mi_calloc(3, 1000))
PLACE(at_mi_new, mi_new(SIZE))
PLACE(at_mi_new_n, mi_new_n(3, 1000))
PLACE(at_mi_aligned, mi_malloc_aligned(SIZE, 64))
PLACE(at_mi_heap, mi_heap_malloc(mi_heap_get_default(), SIZE))
PLACE(at_mi_realloc, mi_realloc(mi_malloc(SIZE), 2 * SIZE))
PLACE(at_own, je_malloc(SIZE))
PLACE(at_odd, odd_malloc(SIZE))
PLACE(at_mmap, mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))

__attribute__((noinline, noipa)) static void *at_xallocx(void)
{
	void *p = mallocx(SIZE, 0);

	/* It is as large already: in place. */
	return xallocx(p, SIZE, 0, 0) >= SIZE ? seen(p) : NULL;
}

GIVE(do_free, free(p))
GIVE(do_delete, _ZdlPv(p))
GIVE(do_delete_array, _ZdaPv(p))
GIVE(do_delete_sized, _ZdlPvm(p, SIZE))
GIVE(do_delete_aligned, _ZdlPvSt11align_val_t(p, 64))
GIVE(do_dallocx, dallocx(p, 0))
GIVE(do_sdallocx, sdallocx(p, 2 * SIZE, 0))
GIVE(do_tc_free, tc_free(p))
GIVE(do_tc_delete, tc_delete(p))
GIVE(do_mi_free, mi_free(p))
GIVE(do_own_free, je_free(p))
GIVE(do_odd_free, odd_free(p))
GIVE(do_munmap, munmap(p, 3 * 4096))

static struct place {
	const char *name;
	void *(*take)(void);
	void (*give)(void *p);
	const void *needs;  /* NULL: it is not there */
	unsigned n;	    /* allocations in one call */
	unsigned all, last; /* bytes of these, and of the last one */
	unsigned size;	    /* of the smallest */
} places[] = {
	{"at_malloc", at_malloc, do_free, "", 1, SIZE, SIZE, SIZE},
	{"at_calloc", at_calloc, do_free, "", 1, SIZE, SIZE, SIZE},
	{"at_aligned", at_aligned, do_free, "", 1, SIZE, SIZE, SIZE},
	{"at_large", at_large, do_free, "", 1, 5000, 5000, 5000},
	{"at_posix", at_posix, do_free, "", 1, SIZE, SIZE, SIZE},
	{"at_new", at_new, do_delete, _Znwm, 1, SIZE, SIZE, SIZE},
	{"at_new_array", at_new_array, do_delete_array, _Znwm, 1, SIZE, SIZE, SIZE},
	{"at_new_nothrow", at_new_nothrow, do_delete_sized, _Znwm, 1, SIZE, SIZE, SIZE},
	{"at_new_aligned", at_new_aligned, do_delete_aligned, _ZnwmSt11align_val_t, 1, SIZE, SIZE,
		SIZE},
	{"at_mallocx", at_mallocx, do_dallocx, mallocx, 1, SIZE, SIZE, SIZE},
	{"at_rallocx", at_rallocx, do_sdallocx, rallocx, 2, 3 * SIZE, 2 * SIZE, SIZE},
	{"at_xallocx", at_xallocx, do_dallocx, xallocx, 2, 2 * SIZE, SIZE, SIZE},
	{"at_tc_malloc", at_tc_malloc, do_tc_free, tc_malloc, 1, SIZE, SIZE, SIZE},
	{"at_tc_new", at_tc_new, do_tc_delete, tc_new, 1, SIZE, SIZE, SIZE},
	{"at_mi_malloc", at_mi_malloc, do_mi_free, mi_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mi_zalloc", at_mi_zalloc, do_mi_free, mi_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mi_calloc", at_mi_calloc, do_mi_free, mi_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mi_new", at_mi_new, do_mi_free, mi_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mi_new_n", at_mi_new_n, do_mi_free, mi_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mi_aligned", at_mi_aligned, do_mi_free, mi_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mi_heap", at_mi_heap, do_mi_free, mi_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mi_realloc", at_mi_realloc, do_mi_free, mi_malloc, 2, 3 * SIZE, 2 * SIZE, SIZE},
	{"at_own", at_own, do_own_free, je_malloc, 1, SIZE, SIZE, SIZE},
	{"at_odd", at_odd, do_odd_free, odd_malloc, 1, SIZE, SIZE, SIZE},
	{"at_mmap", at_mmap, do_munmap, "", 1, 3 * 4096, 3 * 4096, 3 * 4096},
};

static volatile int begun;

static void on_go(int signal)
{
	(void)signal;
	begun = 1;
}

static void run(const struct place *p)
{
	for (unsigned i = 0; i < N; i++) {
		void *at = p->take();
		if (!at)
			abort();
		*(volatile char *)at = 1;
		if (i % 4)
			p->give(at);
		if (i % 50 == 49)
			usleep(2000);
	}
	printf("truth %s %u %lu %u %lu %u\n", p->name, N * p->n, (unsigned long)N * p->all, N / 4,
		(unsigned long)N / 4 * p->last, p->size);
}

/* As a hook of another profiler: to some memory of its own. */
static void take_over(void *function)
{
	uintptr_t at = (uintptr_t)function, page = at & -4096ul;
	char *to = mmap((void *)(page + (512ul << 20)), 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int32_t distance = (uintptr_t)to - (at + 5);

	if (to == MAP_FAILED || mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		abort();
	*(char *)at = (char)0xe9;
	memcpy((char *)at + 1, &distance, sizeof(distance));
}

/* The address of odd_malloc as the program reads it now. */
__attribute__((noinline, noipa)) static void *(*in_slot(void))(size_t)
{
	return odd_malloc;
}

int main(int argc, char **argv)
{
	void *(*first)(size_t) = in_slot(), *(*take)(size_t);

	if (argc > 1 && !strcmp(argv[1], "taken"))
		take_over(valloc);
	/* What is large is always mapped: M_MMAP_THRESHOLD, which glibc would raise by itself. */
	if (mallopt)
		mallopt(-3, 4096);
	setvbuf(stdout, NULL, _IOLBF, 4096);
	signal(SIGUSR1, on_go);
	printf("ready %d\n", getpid());
	while (!begun)
		usleep(1000);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (places[i].needs)
			run(&places[i]);
	take = in_slot();
	printf("truth differs %d\ntruth done 1\n", take != first);
	for (int was_restored = 0;; usleep(5000)) {
		if (take)
			take(1);
		if (!was_restored && take != first && in_slot() == first)
			was_restored = printf("truth restored 1\n");
	}
}
#endif
