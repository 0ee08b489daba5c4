/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of -dump from its data: groups, holders, circles, and texts that steer no terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "output/dump.h"
#include "output/symbols.h"

static struct dump d;
static struct symbols *symbols;
static struct buf out;
static struct module_info modules[] = {
	{.path = "/usr/bin/shop", .flags = MODULE_IS_EXE},
	{.path = "/lib/libc.so.6"},
};

enum { EXE = 1, LIBC };

static int set_up(void **state)
{
	(void)state;
	symbols = symbols_new();
	buf_init(&out, 1 << 20);
	return symbols ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	dump_fini(&d);
	symbols_free(symbols);
	buf_fini(&out);
	return 0;
}

static void name(uint32_t module, uint64_t offset, const char *function, const char *file, int line)
{
	struct symbol s = {function, function, file, line, 0};

	assert_int_equal(symbols_add(symbols, module, offset, &s, 1), 0);
}

static struct dump_thread *add(int32_t tid, const char *comm, uint32_t state, uint64_t place)
{
	const struct frame frames[] = {{0x10, LIBC, 0}, {place, EXE, FRAME_RETURN}};
	const struct dump_thread t = {
		.pid = 100,
		.tid = tid,
		.name = comm,
		.state = state,
		.cpu = 2000000,
		.runs = 7,
		.idle_ns = 65 * 1000000000ll,
		.wait = {.call = -1},
		.left_ns = -1,
		.fd = -1,
		.fd_text = "",
		.kernel = "",
	};

	assert_int_equal(dump_add_thread(&d, &t, frames, 2), 0);
	return &d.threads[d.n_threads - 1];
}

static void finish(void)
{
	assert_int_equal(dump_add_process(&d, 100, "shop"), 0);
	assert_int_equal(dump_finish(&d, symbols, modules, 2), 0);
}

static const char *text(void)
{
	buf_clear(&out);
	assert_int_equal(dump_text(&d, &out), 0);
	return buf_text(&out);
}

static const char *json(void)
{
	buf_clear(&out);
	assert_int_equal(dump_json(&d, &out), 0);
	return buf_text(&out);
}

static void has(const char *page, const char *part)
{
	if (!strstr(page, part))
		fail_msg("\"%s\" is not in:\n%s", part, page);
}

static void has_not(const char *page, const char *part)
{
	if (strstr(page, part))
		fail_msg("\"%s\" is in:\n%s", part, page);
}

static void mutex(struct dump_thread *t, uint64_t lock, const char *lock_name, int32_t holder)
{
	t->wait = (struct wait){
		.lock = lock, .kind = WAIT_MUTEX, .holder = holder, .call = SYS_futex};
	t->lock = lock_name;
}

static void equal_stacks_are_one_group(void **state)
{
	(void)state;
	name(LIBC, 0x10, "poll", "", 0);
	name(EXE, 0x20, "wait_for_work", "/src/shop/work.c", 12);
	name(EXE, 0x30, "serve", "/src/shop/serve.c", 40);
	for (int tid = 101; tid <= 140; tid++)
		add(tid, "worker", 'S', 0x20);
	add(150, "worker", 'S', 0x20);
	add(151, "server", 'S', 0x30);
	add(152, "worker", 'R', 0x20);
	finish();
	assert_int_equal(d.n_groups, 3);
	assert_int_equal(d.groups[0].n_members, 41);
	has(text(), "process 100 \"shop\", 43 threads: 1 running, 42 sleeping\n");
	has(text(), "41 threads \"worker\", sleeping, not run for 1m5s, CPU 0.002s in 7 runs\n"
		    "    tids 101-140 150\n"
		    "    #0  poll [libc.so.6]\n"
		    "    #1  wait_for_work shop/work.c:12 [shop]\n");
	has(text(), "thread 151 \"server\", sleeping");
	has(text(), "thread 152 \"worker\", running, CPU");
}

static void a_holder_is_named_with_its_place(void **state)
{
	(void)state;
	name(EXE, 0x30, "flush_all", "", 0);
	mutex(add(101, "worker", 'S', 0x20), 0x5000, "stock_lock", 102);
	add(102, "flusher", 'S', 0x30);
	mutex(add(103, "worker", 'S', 0x20), 0x6000, NULL, 999);
	d.threads[2].wait.flags = WAIT_HOLDER_GONE;
	finish();
	has(text(), "1 x futex(mutex stock_lock) held by 102 \"flusher\" in flush_all\n");
	has(text(), "1 x futex(mutex 0x6000) held by 999, a thread that has ended\n");
	has(json(), "\"wait\":{\"kind\":\"mutex\",\"lock\":\"0x5000\",\"lock_name\":\"stock_lock\","
		    "\"holder\":102}");
	has(json(), "\"locks\":[{\"pid\":100,\"address\":\"0x5000\",\"name\":\"stock_lock\","
		    "\"kind\":\"mutex\",\"holder\":102,\"threads\":[101]},");
}

static void a_circle_comes_first(void **state)
{
	(void)state;
	mutex(add(101, "one", 'S', 0x20), 0x5000, "a_lock", 102);
	mutex(add(102, "two", 'S', 0x20), 0x6000, "b_lock", 101);
	mutex(add(103, "innocent", 'S', 0x20), 0x5000, "a_lock", 102);
	add(104, "busy", 'R', 0x20);
	finish();
	assert_int_equal(dump_add_cycle(&d, 0, 2), 0);
	has(text(),
		"deadlock: thread 101 \"one\" waits for mutex a_lock held by thread 102 \"two\",\n"
		"          thread 102 \"two\" waits for mutex b_lock held by thread 101 \"one\";\n"
		"          1 other thread waits for them\n");
	assert_true(strstr(text(), "deadlock") < strstr(text(), "innocent"));
	has(json(), "\"deadlocks\":[{\"threads\":[101,102]}]");
}

static void a_thread_may_wait_for_itself(void **state)
{
	(void)state;
	mutex(add(101, "one", 'S', 0x20), 0x5000, NULL, 101);
	finish();
	assert_int_equal(dump_add_cycle(&d, 0, 1), 0);
	has(text(),
		"thread 101 \"one\" waits for mutex 0x5000 held by thread 101 \"one\" itself\n");
}

static void others_wait_for_a_circle(void **state)
{
	(void)state;
	/* Two ways into a circle of three, and a way that ends. */
	mutex(add(1, "a", 'S', 0x20), 0x100, NULL, 2);
	mutex(add(2, "a", 'S', 0x20), 0x200, NULL, 3);
	mutex(add(3, "a", 'S', 0x20), 0x300, NULL, 4);
	mutex(add(4, "a", 'S', 0x20), 0x400, NULL, 2);
	mutex(add(5, "a", 'S', 0x20), 0x400, NULL, 3);
	mutex(add(6, "a", 'S', 0x20), 0x500, NULL, 7);
	add(7, "a", 'S', 0x20);
	finish();
	assert_int_equal(dump_add_cycle(&d, 1, 3), 0);
	has(json(), "\"deadlocks\":[{\"threads\":[2,3,4]}]");
	has(text(), "2 other threads wait for them");
}

static void calls_and_descriptors(void **state)
{
	(void)state;
	struct dump_thread *t = add(101, "a", 'S', 0x20);
	t->wait.call = SYS_epoll_wait;
	t->fd = 5;
	t->fd_text = "epoll of 3";
	t->left_ns = 4200000000ll;
	t = add(102, "b", 'D', 0x20);
	t->kernel = "rpc_wait_bit_killable\nnfs4_proc_getattr";
	t = add(103, "c", 'S', 0x30);
	t->wait.call = 9999;
	finish();
	has(text(), "epoll_wait(fd 5 epoll of 3), at most 4.2s left\n");
	has(text(), "uninterruptible (D), not run");
	has(text(), "in the kernel: rpc_wait_bit_killable < nfs4_proc_getattr\n");
	has(text(), "system call 9999\n");
	has(json(), "\"left_ns\":4200000000");
	has(json(), "\"kernel\":[\"rpc_wait_bit_killable\",\"nfs4_proc_getattr\"]");
}

static void a_later_page_tells_who_has_not_moved(void **state)
{
	(void)state;
	add(101, "a", 'S', 0x20)->unmoved_ns = 10000000000ull;
	add(102, "a", 'S', 0x20);
	d.number = 1;
	d.since_ns = 5000000000ull;
	finish();
	const char *page = text();
	const char *first =
		"dump 2, 5.0s after the one before: 1 of 2 threads have not run since\n";
	assert_memory_equal(page, first, strlen(first));
	has(text(), "    not moved for 10.0s: 1 of them\n");
}

static void inlined_guessed_and_cut(void **state)
{
	const struct frame frames[] = {{0x40, EXE, 0}, {0x50, EXE, FRAME_RETURN | FRAME_GUESSED},
		{PSEUDO_END + STACK_UNREADABLE, 0, 0}};
	const struct symbol lines[] = {{"small", "small", "", 0, 0}, {"large", "large", "", 0, 0}};
	(void)state;
	assert_int_equal(symbols_add(symbols, EXE, 0x40, lines, 2), 0);
	struct dump_thread t = *add(101, "a", 'S', 0x20);
	assert_int_equal(dump_set_thread(&d, 0, &t, frames, 3), 0);
	finish();
	has(text(), "    #0  small [shop] (inlined)\n"
		    "    #1  large [shop]\n"
		    "    #2  ?? [shop+0x50] (guessed)\n"
		    "    --  [stack copy too short]\n");
	has(json(), "{\"ends\":\"[stack copy too short]\"}");
}

static void nothing_steers_the_terminal(void **state)
{
	(void)state;
	name(EXE, 0x20, "f\033[2J", "x\033.c", 1);
	struct dump_thread *t = add(101, "\033]0;owned\a\xff", 'S', 0x20);
	t->wait.call = SYS_read;
	t->fd = 3;
	t->fd_text = "/tmp/\033[31m\n";
	t->kernel = "";
	finish();
	has_not(text(), "\033");
	has_not(text(), "\a");
	has(text(), "\\x1b]0;owned\\x07\\xff");
	has_not(json(), "\033");
	has_not(json(), "\xff");
	buf_clear(&out);
	assert_int_equal(dump_goroutine(&d, &out), 0);
	has_not(buf_text(&out), "\033");
}

static void the_layout_of_go(void **state)
{
	(void)state;
	name(LIBC, 0x10, "poll", "../sysdeps/poll.c", 29);
	name(EXE, 0x20, "main", "", 0);
	mutex(add(101, "worker", 'S', 0x20), 0x5000, NULL, 0);
	add(102, "other", 'R', 0x20);
	finish();
	buf_clear(&out);
	assert_int_equal(dump_goroutine(&d, &out), 0);
	assert_string_equal(buf_text(&out),
		"thread 101 \"worker\" [sleeping, futex mutex, 1 minute]:\n"
		"poll(...)\n\t../sysdeps/poll.c:29 +0x10\n"
		"main(...)\n\tshop:0 +0x20\n"
		"\n"
		"thread 102 \"other\" [running]:\n"
		"poll(...)\n\t../sysdeps/poll.c:29 +0x10\n"
		"main(...)\n\tshop:0 +0x20\n");
}

static void processes_are_told_apart(void **state)
{
	(void)state;
	add(101, "a", 'S', 0x20);
	add(201, "a", 'S', 0x20)->pid = 200;
	assert_int_equal(dump_add_process(&d, 200, "other"), 0);
	finish();
	assert_int_equal(d.n_groups, 2);
	has(text(), "\nprocess 200 \"other\", 1 thread: 1 sleeping\n\nthread 201");
	has(text(), "\nprocess 100 \"shop\", 1 thread: 1 sleeping\n\nthread 101");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(equal_stacks_are_one_group),
		TEST(a_holder_is_named_with_its_place),
		TEST(a_circle_comes_first),
		TEST(a_thread_may_wait_for_itself),
		TEST(others_wait_for_a_circle),
		TEST(calls_and_descriptors),
		TEST(a_later_page_tells_who_has_not_moved),
		TEST(inlined_guessed_and_cut),
		TEST(nothing_steers_the_terminal),
		TEST(the_layout_of_go),
		TEST(processes_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
