/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe where a module goes, or another comes in its place, where code is in no file, and where
 * the process has hooks of its own.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/probe/probe_parts.h"
#include "tests/unit/probe_process.h"

/* --- a module that goes while its functions are taken over --- */

#define MODULE 4096

static uint8_t *module; /* at the same place in the process */

static void unloads(void)
{
	munmap(module, MODULE);
}

static void unloads_and_reuses(void)
{
	munmap(module, MODULE);
	if (mmap(module, MODULE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == module)
		memset(module, 'A', MODULE);
}

/* With a function of that module. */
static const struct probe_plan *plan_with_module(void)
{
	static struct probe_place all[17];
	static struct probe_plan of;

	memcpy(all, functions, n_functions * sizeof(*all));
	all[n_functions] = (struct probe_place){.function = 0,
		.size = 32,
		.address = (uintptr_t)module,
		.low = (uintptr_t)module,
		.high = (uintptr_t)module + MODULE,
		.set = 1,
		.is_leaf = 1};
	of = (struct probe_plan){.v = all, .n = n_functions + 1, .mean = 4096};
	return &of;
}

static void make_module(void)
{
	static const uint8_t function[] = {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf8, 0x48, 0x89, 0xf8,
		0xc3}; /* mov %rdi, %rax; ret */

	module = mmap(NULL, MODULE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	assert_true(module != MAP_FAILED);
	memcpy(module, function, sizeof(function));
}

/* What is at the beginning of it there. */
static void read_module(pid_t pid, uint8_t *bytes)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	int memory = open(path, O_RDONLY);
	assert_int_equal(pread(memory, bytes, 16, (uintptr_t)module), 16);
	close(memory);
}

static void what_came_in_its_place_is_left_alone(void **arg)
{
	static char before[TEXT], now[TEXT];
	struct probe_refused why;
	uint8_t bytes[16];

	(void)arg;
	make_module();
	for (int reuses = 0; reuses < 2; reuses++) {
		pid_t pid = begin(NULL);
		uint64_t sum = text_sum(pid);
		if (probe_arm(&probe, pid, plan_with_module(), &why) < 0)
			fail_msg("cause %u, function %u, detail %d", why.cause, why.function,
				why.detail);
		assert_int_equal(probe_read(&probe, (uintptr_t)module, bytes, 16), 0);
		assert_int_equal(bytes[0], 0xe9);
		ask(reuses ? unloads_and_reuses : unloads);
		maps_text(pid, before);
		assert_int_equal(probe_disarm(&probe), 0);
		probe_forget(&probe);
		assert_true(text_sum(pid) == sum);
		if (reuses) {
			read_module(pid, bytes);
			assert_memory_equal(bytes, "AAAAAAAAAAAAAAAA", 16);
		}
		assert_null(strstr(maps_text(pid, now), PLACE_NAME));
		end(pid);
	}
	munmap(module, MODULE);
}

/* Code that is in no file, as that of programs which move their text to huge pages: what a run that
 * was killed has written down is all that is known of it. */
static void code_without_a_file_is_given_back(void **arg)
{
	struct probe_refused why;
	struct probe_found found;
	uint8_t bytes[16];
	int status;

	(void)arg;
	make_module();
	pid_t pid = begin(NULL);
	uint64_t sum = text_sum(pid);
	pid_t run = fork();
	if (!run)
		_exit(probe_arm(&probe, pid, plan_with_module(), &why) != 0);
	assert_int_equal(waitpid(run, &status, 0), run);
	assert_int_equal(status, 0);
	read_module(pid, bytes);
	assert_int_equal(bytes[0], 0xe9);
	if (probe_clean(&probe, pid, &found, &why) < 0)
		fail_msg("cause %u, detail %d", why.cause, why.detail);
	assert_int_equal(found.out, 1);
	read_module(pid, bytes);
	assert_memory_equal(bytes, module, sizeof(bytes));
	assert_true(text_sum(pid) == sum);
	end(pid);
	munmap(module, MODULE);
}

static const uint8_t foreign[] = {0xe9, 0x3b, 0, 0, 0}; /* to module + 64 */

static void hooks_it(void)
{
	memcpy(module, foreign, sizeof(foreign));
}

/* The process has put a jump of its own over ours, and what ours was may lead to us for ever. */
static void where_another_hooks_it_the_memory_stays(void **arg)
{
	static char now[TEXT];
	struct probe_refused why;
	uint8_t bytes[16];

	(void)arg;
	make_module();
	pid_t pid = begin(NULL);
	uint64_t sum = text_sum(pid);
	assert_int_equal(probe_arm(&probe, pid, plan_with_module(), &why), 0);
	ask(hooks_it);
	assert_int_equal(probe_disarm(&probe), 1);
	probe_forget(&probe);
	read_module(pid, bytes);
	assert_memory_equal(bytes, foreign, sizeof(foreign));
	assert_non_null(strstr(maps_text(pid, now), PLACE_NAME));
	assert_true(text_sum(pid) == sum);
	end(pid);
	munmap(module, MODULE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_in_its_place_is_left_alone),
		cmocka_unit_test(code_without_a_file_is_given_back),
		cmocka_unit_test(where_another_hooks_it_the_memory_stays),
	};

	return cmocka_run_group_tests(tests, process_set_up, NULL);
}
