/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe and a process that writes, maps and opens what it should not while the probe comes, is
 * in, or goes: no file of another is touched, and its own code is as before.
 */
#include <asm/prctl.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/probe/probe_parts.h"
#include "tests/unit/probe_process.h"

/* --- another file in the place of the probe's --- */

static void *swap(void *arg)
{
	(void)arg;
	for (;;) {
		if (fcntl(report->number, F_GETFD) < 0)
			continue;
		dup2(report->victim, report->number);
		report->swaps++;
		while (fcntl(report->number, F_GETFD) >= 0)
			;
	}
	return NULL;
}

static void swaps(void)
{
	pthread_t thread;

	report->number = dup(report->victim);
	close(report->number);
	pthread_create(&thread, NULL, swap, NULL);
}

static void no_file_of_another_is_written(void **arg)
{
	static char before[TEXT], now[TEXT];
	char path[] = "/tmp/test_probe_XXXXXX", text[16];
	struct probe_refused why;
	struct stat st;
	int refused = 0;

	(void)arg;
	report->victim = mkstemp(path);
	assert_int_equal(write(report->victim, "what it was", 11), 11);
	pid_t pid = begin(swaps);
	uint64_t sum = text_sum(pid);
	maps_text(pid, before);
	for (int i = 0; i < 40 && report->swaps < 5; i++) {
		refused += probe_arm(&probe, pid, plan(4096), &why) < 0;
		assert_int_equal(probe_disarm(&probe), 0);
		probe_forget(&probe);
		assert_true(text_sum(pid) == sum);
		is_as_before(before, maps_text(pid, now), i);
	}
	print_message("%lu times swapped, %d times refused\n", report->swaps, refused);
	assert_int_equal(fstat(report->victim, &st), 0);
	assert_int_equal(st.st_size, 11);
	assert_int_equal(pread(report->victim, text, sizeof(text), 0), 11);
	assert_memory_equal(text, "what it was", 11);
	end(pid);
	unlink(path);
	close(report->victim);
}

/* --- what is written over --- */

#define DAMAGES 6

static void damage(struct probe_shared *s, int how)
{
	uint8_t *bytes = (void *)s;
	unsigned seed = how;

	switch (how) {
	case 0:
		memset(s, 0x5a, sizeof(*s));
		break;
	case 1:
		memset(s, 0, sizeof(*s));
		break;
	case 2:
		s->n_patches = 0;
		s->owner_space = 1;
		s->deadline = UINT64_MAX;
		break;
	case 3:
		for (uint32_t i = 0; i < s->n_patches; i++)
			memset(s->saved[i].bytes, 0xcc, sizeof(s->saved[i].bytes));
		break;
	case 4:
		for (size_t i = 0; i < sizeof(*s); i++)
			bytes[i] = rand_r(&seed) >> 8;
		break;
	default:
		s->n_patches = UINT32_MAX;
	}
}

static void what_is_written_over_is_taken_out_all_the_same(void **arg)
{
	static char before[TEXT], now[TEXT];
	struct probe_refused why;

	(void)arg;
	pid_t pid = begin(NULL);
	uint64_t sum = text_sum(pid);
	maps_text(pid, before);
	for (int how = 0; how < DAMAGES; how++) {
		assert_int_equal(probe_arm(&probe, pid, plan(1 << 20), &why), 0);
		assert_true(text_sum(pid) != sum);
		damage((void *)probe.records.shared, how);
		assert_int_equal(probe_disarm(&probe), 0);
		assert_int_equal(probe.is_gone, 0);
		probe_forget(&probe);
		assert_true(text_sum(pid) == sum);
		is_as_before(before, maps_text(pid, now), how);
	}
	end(pid);
}

static void and_so_is_what_a_killed_run_has_left(void **arg)
{
	static char before[TEXT], now[TEXT];
	struct probe_refused why;
	struct probe_found found;
	int status;

	(void)arg;
	pid_t pid = begin(NULL);
	uint64_t sum = text_sum(pid);
	maps_text(pid, before);
	for (int how = 0; how < DAMAGES; how++) {
		pid_t run = fork();
		if (!run) {
			if (probe_arm(&probe, pid, plan(1 << 20), &why) == 0)
				damage((void *)probe.records.shared, how);
			_exit(0);
		}
		assert_int_equal(waitpid(run, &status, 0), run);
		assert_true(text_sum(pid) != sum);
		if (probe_clean(&probe, pid, &found, &why) < 0)
			fail_msg("damage %d: cause %u, detail %d", how, why.cause, why.detail);
		assert_true(found.out == 1 && !found.in_use && !found.broken);
		assert_int_equal(found.damaged, how == 0 || how == 1 || how > 3);
		assert_true(text_sum(pid) == sum);
		is_as_before(before, maps_text(pid, now), how);
	}
	end(pid);
}

/* It gave up, or its process began another program, of which a child of the first knows nothing. */
static void what_a_run_left_that_lives_on_is_nobodys(void **arg)
{
	struct probe_refused why;

	(void)arg;
	pid_t pid = begin(NULL);
	uint64_t sum = text_sum(pid);
	assert_int_equal(probe_arm(&probe, pid, plan(1 << 20), &why), 0);
	probe_forget(&probe);
	if (probe_arm(&probe, pid, plan(1 << 20), &why) < 0)
		fail_msg("cause %u, detail %d", why.cause, why.detail);
	assert_int_equal(probe_disarm(&probe), 0);
	probe_forget(&probe);
	assert_true(text_sum(pid) == sum);
	end(pid);
}

/* --- a page of stubs that was only begun --- */

static void maps_a_page(void)
{
	uint8_t *at = mmap(NULL, 3 * SLOTS_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(at + SLOTS_PAGE, SLOTS_PAGE, PROT_READ | PROT_WRITE);
	report->page = (uintptr_t)at + SLOTS_PAGE;
}

static void a_page_that_was_begun_is_taken_out(void **arg)
{
	struct probe_refused why;
	struct probe_found found;
	struct space space = {0};
	int status;

	(void)arg;
	pid_t pid = begin(maps_a_page), run = fork();
	if (!run) {
		if (probe_arm(&probe, pid, plan(1 << 20), &why) == 0)
			((struct probe_shared *)probe.records.shared)->stubs = report->page;
		_exit(0);
	}
	assert_int_equal(waitpid(run, &status, 0), run);
	assert_int_equal(probe_clean(&probe, pid, &found, &why), 0);
	assert_int_equal(found.out, 1);
	assert_int_equal(space_read(&space, pid), 0);
	assert_null(space_find(&space, report->page));
	assert_non_null(space_find(&space, report->page - SLOTS_PAGE));
	space_fini(&space);
	end(pid);
}

/* --- no thread pointer --- */

static void has_no_pointer(void)
{
	long result;

	report->turns = 1;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(0)
			 : "rcx", "r11", "memory");
	for (;;)
		__asm__ volatile("pause");
}

static void who_has_no_thread_pointer_is_refused(void **arg)
{
	struct probe_refused why;
	int status;

	(void)arg;
	pid_t pid = begin(has_no_pointer);
	usleep(20000);
	uint64_t sum = text_sum(pid);
	assert_int_equal(probe_arm(&probe, pid, plan(1 << 20), &why), -1);
	assert_int_equal(why.cause, PROBE_CAUSE_POINTER);
	assert_true(text_sum(pid) == sum);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* --- a region that goes while it is looked at --- */

static void *region;

static void maps_one(void)
{
	int fd = memfd_create(PLACE_NAME, MFD_CLOEXEC);

	if (ftruncate(fd, PROBE_SIZE) == 0)
		region = mmap(NULL, PROBE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
}

static void unmaps_it(void)
{
	munmap(region, PROBE_SIZE);
}

static void one_that_is_gone_by_now_is_no_other_run(void **arg)
{
	struct probe_found found;
	char path[32];

	(void)arg;
	pid_t pid = begin(maps_one);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	probe.pid = pid;
	probe.memory = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(space_read(&probe.space, pid), 0);
	ask(unmaps_it);
	assert_int_equal(probe_take_out_old(&probe, &found), 0);
	assert_true(!found.in_use && !found.out && !found.stuck && !found.broken);
	probe_forget(&probe);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_of_another_is_written),
		cmocka_unit_test(what_is_written_over_is_taken_out_all_the_same),
		cmocka_unit_test(and_so_is_what_a_killed_run_has_left),
		cmocka_unit_test(what_a_run_left_that_lives_on_is_nobodys),
		cmocka_unit_test(a_page_that_was_begun_is_taken_out),
		cmocka_unit_test(who_has_no_thread_pointer_is_refused),
		cmocka_unit_test(one_that_is_gone_by_now_is_no_other_run),
	};

	return cmocka_run_group_tests(tests, process_set_up, NULL);
}
