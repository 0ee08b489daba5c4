/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole worker in a process of its own, asked over its socket as session asks it. This program
 * is linked so that list_room, the room of all growing tables, can be made to fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/list.h"
#include "base/message.h"
#include "base/wire.h"
#include "symbolize/cu_ranges.h"
#include "symbolize/symtab.h"
#include "unwind/worker_main.h"

#define MODULE 1u
#define ASKED  4000u

/* --- memory that runs out ------------------------------------------------------------------ */

static size_t scarce;	     /* elements of this size have no room; 0: all have */
static unsigned fails_after; /* so many more of them have */

int __real_list_room(
	void *v, uint32_t n, uint32_t more, uint32_t *room, size_t size, uint32_t most);
int __wrap_list_room(
	void *v, uint32_t n, uint32_t more, uint32_t *room, size_t size, uint32_t most);

int __wrap_list_room(void *v, uint32_t n, uint32_t more, uint32_t *room, size_t size, uint32_t most)
{
	if (size == scarce && !fails_after--) {
		fails_after = 0;
		return -ENOMEM;
	}
	return __real_list_room(v, n, more, room, size, most);
}

/* --- a worker and its session -------------------------------------------------------------- */

static struct ring ring;
static int sock;
static pid_t worker;
static struct wire_message message;
static uint64_t code_offset; /* of asked_for in the file */

void asked_for(void);
__attribute__((noinline)) void asked_for(void)
{
	__asm__ volatile("");
}

static void start_worker(void)
{
	int pair[2];
	struct worker_module m = {.module = MODULE};

	assert_int_equal(ring_open(&ring), 0);
	assert_int_equal(wire_pair(pair), 0);
	worker = fork();
	assert_true(worker >= 0);
	if (!worker) {
		close(pair[0]);
		_exit(worker_main(pair[1], &ring, 0));
	}
	close(pair[1]);
	sock = pair[0];
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_int_equal(wire_send(sock, TO_WORKER_MODULE, &m, sizeof(m), self), 0);
	close(self);
	assert_int_equal(wire_recv(sock, &message, 1), 1);
	assert_int_equal(message.type, WORKER_MODULE);
}

static int end_worker(void **state)
{
	int status;

	(void)state;
	scarce = 0;
	close(sock);
	assert_int_equal(waitpid(worker, &status, 0), worker);
	ring_close(&ring);
	return status;
}

/* more: there are further parts. */
static void ask_part(uint32_t level, uint32_t more)
{
	struct worker_symbolize head = {MODULE, ASKED, level, DEMANGLE_TEMPLATES, more, 0};
	uint64_t offsets[ASKED];

	for (uint32_t i = 0; i < ASKED; i++)
		offsets[i] = code_offset;
	assert_int_equal(wire_send2(sock, TO_WORKER_SYMBOLIZE, &head, sizeof(head), offsets,
				 sizeof(offsets), -1),
		0);
}

static void ask(uint32_t level)
{
	ask_part(level, 0);
}

struct answered {
	uint32_t addresses, named, with_line;
};

/* Until the last message of the answer. */
static struct answered answer(void)
{
	struct answered sum = {0};
	uint32_t last = 0;

	while (!last) {
		assert_int_equal(wire_recv(sock, &message, 1), 1);
		assert_int_equal(message.type, WORKER_SYMBOLS);
		const struct worker_symbols *head = (const void *)message.payload;
		const unsigned char *p = (const unsigned char *)(head + 1);
		last = head->last;
		for (uint32_t i = 0; i < head->addresses; i++, sum.addresses++) {
			struct worker_address a;
			struct worker_line l;
			memcpy(&a, p, sizeof(a));
			p += sizeof(a);
			assert_int_equal(a.offset, code_offset);
			assert_true(a.lines <= 1);
			if (!a.lines)
				continue;
			memcpy(&l, p, sizeof(l));
			assert_memory_equal(p + sizeof(l), "asked_for", l.name_len);
			p += sizeof(l) + l.name_len + l.system_name_len + l.file_len;
			sum.named++;
			sum.with_line += l.line > 0;
		}
		assert_ptr_equal(p, message.payload + message.size);
	}
	return sum;
}

static void all_is_named(void **state)
{
	(void)state;
	start_worker();
	ask(SYMBOLS_FULL);
	struct answered got = answer();
	assert_int_equal(got.addresses, ASKED);
	assert_int_equal(got.with_line, ASKED);
}

static void parts_are_answered_as_one(void **state)
{
	(void)state;
	start_worker();
	for (int round = 0; round < 2; round++) {
		for (int part = 0; part < 20; part++)
			ask_part(SYMBOLS_FULL, part < 19);
		struct answered got = answer();
		assert_int_equal(got.addresses, 20 * ASKED);
		assert_int_equal(got.with_line, 20 * ASKED);
	}
}

/* Not even the symbol table fits: addresses remain, and the worker lives. */
static void without_memory_addresses_remain(void **state)
{
	(void)state;
	scarce = sizeof(struct symtab_entry);
	fails_after = 0;
	start_worker();
	for (int i = 0; i < 2; i++) {
		ask(SYMBOLS_FULL);
		struct answered got = answer();
		assert_int_equal(got.addresses, ASKED);
		assert_int_equal(got.named, 0);
	}
}

/* Debug information does not fit: names without lines. */
static void without_memory_for_lines_names_remain(void **state)
{
	(void)state;
	scarce = sizeof(struct cu_range);
	fails_after = 0;
	start_worker();
	ask(SYMBOLS_FULL);
	struct answered got = answer();
	assert_int_equal(got.addresses, ASKED);
	assert_int_equal(got.named, ASKED);
	assert_int_equal(got.with_line, 0);
}

/* ------------------------------------------------------------------------------------------- */

extern const char __ehdr_start[];

static int set_up(void **state)
{
	struct module *m;
	int rc;

	(void)state;
	rc = module_open(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), MODULE, 0, &m);
	if (!rc)
		rc = module_vaddr_to_offset(
			m, (uint64_t)asked_for - (uint64_t)__ehdr_start, &code_offset);
	module_close(m);
	asked_for();
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(all_is_named, end_worker),
		cmocka_unit_test_teardown(parts_are_answered_as_one, end_worker),
		cmocka_unit_test_teardown(without_memory_addresses_remain, end_worker),
		cmocka_unit_test_teardown(without_memory_for_lines_names_remain, end_worker),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
