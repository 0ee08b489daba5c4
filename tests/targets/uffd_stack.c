/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uffd_stack [SECONDS [ROUNDS]]: a busy thread whose stack has a page that nobody can read: it
 * belongs to a userfaultfd that never answers. It creates a thread every ROUNDS ms (0: none).
 * Another thread is like any other. Says "denied" and ends with 77 where there is no userfaultfd.
 */
#include "target.h"

#include <alloca.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { page = 4096, pages = 64, hidden = 60 }; /* of the pages, counted from below */

static char *stack;
static volatile int done;
static volatile uint64_t trapped_rounds, free_rounds;
static uint64_t rounds, created;
static uint64_t trapped_cpu, free_cpu;

/* The page above, where the frames of our callers are: so we never return. */
static void hide_page(int fd)
{
	char *at = stack + hidden * page;
	struct uffdio_register area = {
		.range = {(uintptr_t)at, page}, .mode = UFFDIO_REGISTER_MODE_MISSING};

	if (ioctl(fd, UFFDIO_REGISTER, &area) || madvise(at, page, MADV_DONTNEED)) {
		perror("userfaultfd");
		_exit(1);
	}
}

static FRAME void trapped_work(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

static FRAME void free_work(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

static void *nothing(void *arg)
{
	return arg;
}

static FRAME void creates_one(void)
{
	pthread_join(target_thread("one", nothing, NULL), NULL);
	created++;
}

static FRAME void below_page(int fd)
{
	hide_page(fd);
	target_ready();
	while (!done) {
		trapped_work();
		trapped_rounds++;
		if (rounds && trapped_rounds % rounds == 0)
			creates_one();
	}
	trapped_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	done = 2;
	for (;;)
		pause();
}

/* Steps down to a page below the hidden one. */
static FRAME void *descend(void *arg)
{
	char *here = __builtin_frame_address(0);
	volatile char *room = alloca((size_t)(here - (stack + (hidden - 1) * page)));

	room[0] = 0;
	below_page((int)(intptr_t)arg);
	return NULL;
}

static void *free_thread(void *arg)
{
	while (!done) {
		free_work();
		free_rounds++;
	}
	free_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return arg;
}

static int open_uffd(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0)
		return fd;
	printf("denied %s\n", strerror(errno));
	exit(77);
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t trapped, other;
	int fd;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	rounds = arg_number(argc, argv, 2, 0);
	fd = open_uffd();
	stack = mmap(
		NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, stack, pages * page);
	pthread_create(&trapped, &attr, descend, (void *)(intptr_t)fd);
	other = target_thread("free", free_thread, NULL);
	target_wait(0);
	done = 1;
	pthread_join(other, NULL);
	for (int i = 0; i < 5000 && done != 2; i++)
		target_sleep_us(1000);
	truth("hung", done != 2);
	truth("trapped_rounds", trapped_rounds);
	truth("free_rounds", free_rounds);
	truth("created", created);
	truth("trapped_cpu", trapped_cpu);
	truth("free_cpu", free_cpu);
	fflush(stdout);
	_exit(done != 2);
}
