/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of locks: how session asks for them (agent/locks), how the worker finds them
 * (symbolize/data_names) in this very program. */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/session.h"
#include "output/table.h"
#include "symbolize/data_names.h"

/* --- session ---------------------------------------------------------------------------------- */

enum { PIDS = 3 };

static struct session session;
static struct options options;
static struct interval interval;
static struct thread_info threads[PIDS];
static struct process_info processes[PIDS + 1];
static struct wire_message message;
static int worker;

static int begin(void **state)
{
	int pair[2];

	(void)state;
	if (wire_pair(pair) != 0)
		return -1;
	worker = pair[1];
	options = (struct options){.symbols = SYMBOLS_FULL, .demangle = DEMANGLE_SIMPLE};
	session = (struct session){.options = &options, .worker = {.sock = pair[0]}};
	interval = (struct interval){.threads = threads, .n_threads = PIDS};
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		interval.tables[kind] = table_new();
	session.written = &interval;
	session.data.processes = processes;
	session.data.n_processes = PIDS + 1;
	for (uint32_t i = 0; i <= PIDS; i++)
		processes[i] = (struct process_info){.number = 10 + i, .pid = 100 + i % PIDS};
	for (uint32_t i = 0; i < PIDS; i++)
		threads[i] = (struct thread_info){.pid = 100 + i};
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		table_free(interval.tables[kind]);
	locks_fini(&session.locks);
	close(worker);
	close(session.worker.sock);
	return 0;
}

static void met(enum profile_kind kind, uint32_t thread, uint64_t lock)
{
	static const struct stack stack = {.n = 1, .end = STACK_DONE, .v = {{0x10, 1, 0}}};
	const struct table_entry e = {
		.count = 1, .thread = thread, .wait = WAIT_FUTEX, .lock = lock};

	assert_int_equal(table_add_entry(interval.tables[kind], &stack, &e), 0);
}

/* The question that was asked; its addresses follow it. */
static const struct worker_data *asked(uint32_t process, uint32_t n)
{
	const struct worker_data *ask = (const void *)message.payload;

	assert_int_equal(wire_recv(worker, &message, 0), 1);
	assert_int_equal(message.type, TO_WORKER_DATA);
	assert_int_equal(ask->process, process);
	assert_int_equal(ask->n, n);
	assert_int_equal(ask->demangle, DEMANGLE_SIMPLE);
	assert_int_equal(message.size, sizeof(*ask) + n * sizeof(uint64_t));
	return ask;
}

static uint64_t address_of(const struct worker_data *ask, uint32_t i)
{
	return ((const uint64_t *)(ask + 1))[i];
}

struct found {
	const char *name;
	uint64_t offset;
};

/* cut: so many bytes less than it should have. */
static int answer(uint32_t process, const struct found *found, uint32_t n, size_t cut)
{
	const struct worker_data head = {.process = process, .n = n};
	unsigned char *p = message.payload + sizeof(head);

	memcpy(message.payload, &head, sizeof(head));
	for (uint32_t i = 0; i < n; i++) {
		struct worker_datum d = {
			.offset = found[i].offset, .name_len = strlen(found[i].name)};
		memcpy(p, &d, sizeof(d));
		memcpy(p + sizeof(d), found[i].name, d.name_len);
		p += sizeof(d) + d.name_len;
	}
	message.size = p - message.payload - cut;
	return locks_on_names(&session, &message);
}

static void check_name(int32_t pid, uint64_t address, const char *name)
{
	const char *found = locks_name(&session.locks, pid, address);

	if (name)
		assert_string_equal(found, name);
	else
		assert_null(found);
}

/* Of pid 100 there were two processes: the latter is meant. */
static void each_is_asked_for_once(void **state)
{
	(void)state;
	met(PROFILE_BLOCK, 1, 0x2000);
	met(PROFILE_MUTEX, 1, 0x2000);
	met(PROFILE_BLOCK, 0, 0x1000);
	met(PROFILE_BLOCK, 1, 0x1000);
	met(PROFILE_BLOCK, 1, 0);
	assert_int_equal(locks_collect(&session), 0);
	assert_int_equal(locks_ask(&session, 0), 1);
	assert_true(address_of(asked(13, 1), 0) == 0x1000);
	assert_int_equal(answer(13, (const struct found[]){{"here", 0}}, 1, 0), 0);
	assert_int_equal(locks_ask(&session, 0), 1);
	const struct worker_data *ask = asked(11, 2);
	assert_true(address_of(ask, 0) == 0x1000 && address_of(ask, 1) == 0x2000);
	assert_int_equal(answer(11, (const struct found[]){{"", 0}, {"table", 0x40}}, 2, 0), 0);
	assert_int_equal(locks_ask(&session, 0), 0);
	check_name(100, 0x1000, "here");
	check_name(101, 0x1000, NULL);
	check_name(101, 0x2000, "table+0x40");
	check_name(102, 0x2000, NULL);
	check_name(101, 0x2004, NULL);
}

/* Where it begins is known when its kind is. */
static void a_barrier_may_begin_before(void **state)
{
	(void)state;
	met(PROFILE_BLOCK, 1, 0x1004);
	assert_int_equal(locks_collect(&session), 0);
	assert_int_equal(locks_ask(&session, 0), 1);
	const struct worker_data *ask = asked(11, 2);
	assert_true(address_of(ask, 0) == 0x1000 && address_of(ask, 1) == 0x1004);
}

static void a_new_worker_is_asked_the_same(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < LIMIT_DATA_ASKED + 10; i++)
		met(PROFILE_BLOCK, 1, 0x1000 + 8 * i);
	assert_int_equal(locks_collect(&session), 0);
	for (int again = 0; again < 3; again++) {
		assert_int_equal(locks_ask(&session, again), 1);
		assert_true(address_of(asked(11, LIMIT_DATA_ASKED), 0) == 0x1000);
	}
	struct found all[LIMIT_DATA_ASKED];
	for (uint32_t i = 0; i < LIMIT_DATA_ASKED; i++)
		all[i] = (struct found){"v", i};
	assert_int_equal(answer(11, all, LIMIT_DATA_ASKED, 0), 0);
	assert_int_equal(locks_ask(&session, 0), 1);
	assert_true(address_of(asked(11, 10), 0) == 0x1000 + 8 * LIMIT_DATA_ASKED);
	assert_int_equal(answer(11, all, 10, 0), 0);
	assert_int_equal(locks_ask(&session, 0), 0);
	assert_int_equal(locks_ask(&session, 1), 0);
}

static void answers_have_to_fit(void **state)
{
	static const struct found one[] = {{"name", 0}, {"other", 0}};

	(void)state;
	assert_int_equal(answer(11, one, 1, 0), -EPROTO);
	met(PROFILE_BLOCK, 1, 0x1000);
	assert_int_equal(locks_collect(&session), 0);
	assert_int_equal(answer(11, one, 1, 0), -EPROTO);
	assert_int_equal(locks_ask(&session, 0), 1);
	assert_int_equal(answer(11, one, 2, 0), -EPROTO);
	assert_int_equal(answer(12, one, 1, 0), -EPROTO);
	for (size_t cut = 1; cut <= sizeof(struct worker_datum) + 4; cut++)
		assert_int_equal(answer(11, one, 1, cut), -EPROTO);
	message.size = 4;
	assert_int_equal(locks_on_names(&session, &message), -EPROTO);
	check_name(101, 0x1000, NULL);
	assert_int_equal(answer(11, one, 1, 0), 0);
	check_name(101, 0x1000, "name");
}

static void there_is_a_ceiling(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 3 * LIMIT_LOCKS; i++)
		met(PROFILE_BLOCK, 1, 0x1000 + 8 * i);
	assert_int_equal(locks_collect(&session), 0);
	assert_int_equal(session.locks.n, LIMIT_LOCKS);
	locks_fini(&session.locks);
	assert_int_equal(locks_collect(&session), 0);
	assert_int_equal(session.locks.n, LIMIT_LOCKS);
}

/* --- worker ----------------------------------------------------------------------------------- */

int a_lock[10] = {1};
static int own_lock;
static struct {
	char before[64];
	int lock;
} in_a_struct;
static __thread int of_a_thread;

static struct modules modules;
static struct data_names names;
static struct mapping code;
static struct maps maps = {.n = 1, .v = &code};
static uint32_t reading, read_last;

static void on_reading(void *arg, uint32_t module)
{
	(void)arg;
	reading = module;
	read_last = module ? module : read_last;
}

/* The program's code, as it is mapped: from whole pages. */
static int find_code(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		uint64_t before = p->p_offset % 4096;
		code = (struct mapping){.start = info->dlpi_addr + p->p_vaddr - before,
			.end = info->dlpi_addr + p->p_vaddr + p->p_memsz,
			.offset = p->p_offset - before,
			.module = 1};
	}
	return 1;
}

static int open_self(void **state)
{
	(void)state;
	dl_iterate_phdr(find_code, NULL);
	modules_init(&modules);
	names = (struct data_names){.reading = on_reading};
	return modules_open(&modules, open("/proc/self/exe", O_RDONLY | O_CLOEXEC), 1, 0);
}

static int close_self(void **state)
{
	(void)state;
	data_names_fini(&names);
	modules_fini(&modules);
	return 0;
}

static void check_variable(const void *address, const char *name, uint64_t at)
{
	uint64_t offset = 0;
	const char *found = data_names_find(
		&names, &modules, &maps, (uintptr_t)address, DEMANGLE_TEMPLATES, &offset);

	if (name)
		assert_string_equal(found, name);
	else
		assert_null(found);
	assert_true(offset == at);
	assert_int_equal(reading, 0);
}

static void variables_have_names(void **state)
{
	int on_stack = of_a_thread;

	(void)state;
	check_variable(a_lock, "a_lock", 0);
	check_variable(&a_lock[9], "a_lock", 36);
	check_variable(&own_lock, "own_lock", 0);
	check_variable(&in_a_struct.lock, "in_a_struct", 64);
	assert_int_equal(read_last, 1);
	check_variable(&on_stack, NULL, 0);
	check_variable(&of_a_thread, NULL, 0);
	check_variable((const void *)(uintptr_t)variables_have_names, NULL, 0);
	check_variable(NULL, NULL, 0);
	check_variable((const void *)UINTPTR_MAX, NULL, 0);
	maps.n = 0;
	check_variable(a_lock, NULL, 0);
	maps.n = 1;
	uint64_t offset;
	assert_null(data_names_find(&names, &modules, NULL, (uintptr_t)a_lock, 0, &offset));
	code.module = 2; /* never heard of */
	check_variable(a_lock, NULL, 0);
	code.module = 1;
	code.offset += 1 << 30;
	check_variable(a_lock, NULL, 0);
	code.offset -= 1 << 30;
	check_variable(a_lock, "a_lock", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_is_asked_for_once, begin, end),
		cmocka_unit_test_setup_teardown(a_barrier_may_begin_before, begin, end),
		cmocka_unit_test_setup_teardown(a_new_worker_is_asked_the_same, begin, end),
		cmocka_unit_test_setup_teardown(answers_have_to_fit, begin, end),
		cmocka_unit_test_setup_teardown(there_is_a_ceiling, begin, end),
		cmocka_unit_test_setup_teardown(variables_have_names, open_self, close_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
