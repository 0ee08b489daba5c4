/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlocks by two looks, from the tracer's words to the circles: a program whose locks change
 * hands all the time, in both orders, has none in 500 scans (LONG=1: 10 000), where somebody who
 * looks once at each thread, and not at all of them at once, would find some; one that has two
 * shows them in each.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/known_details.h"
#include "agent/tracer/detail.h"

struct scene {
	pid_t child;
	int said, socks[2];
	struct ring ring;
	struct common common;
	struct process process;
	struct known_details known;
	uint32_t waits, circles, torn;
};

static void run(const char *what, int out)
{
	const char *folder = getenv("TARGETS");
	char path[4096];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	snprintf(path, sizeof(path), "%s/deadlock", folder ? folder : "tests/targets");
	execl(path, "deadlock", what, NULL);
	_exit(127);
}

static void await_ready(int fd)
{
	char text[4096] = "";
	size_t n = 0;

	while (!strstr(text, "ready ")) {
		ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);
		if (got <= 0)
			skip(); /* the program was not built */
		n += got;
		text[n] = '\0';
	}
}

static void scene_open(struct scene *s, const char *what)
{
	struct tracer_refused why;
	int out[2];

	*s = (struct scene){0};
	assert_int_equal(pipe(out), 0);
	s->child = fork();
	if (!s->child)
		run(what, out[1]);
	close(out[1]);
	s->said = out[0];
	await_ready(s->said);
	assert_int_equal(wire_pair(s->socks), 0);
	assert_int_equal(ring_open(&s->ring), 0);
	s->common.sock = s->socks[0];
	s->process.common = &s->common;
	assert_int_equal(target_open(&s->process.target, s->child, 1, &why), 0);
	threads_init(&s->process.threads, &s->process.target, &s->process, &s->common.next_serial,
		threads_time());
	assert_int_equal(threads_refresh(&s->process.threads), 0);
}

static void scene_close(struct scene *s)
{
	known_details_fini(&s->known);
	threads_fini(&s->process.threads);
	target_close(&s->process.target);
	ring_close(&s->ring);
	close(s->socks[0]);
	close(s->socks[1]);
	close(s->said);
	kill(s->child, SIGKILL);
	waitpid(s->child, NULL, 0);
}

static void take_words(struct scene *s)
{
	static struct wire_message m;

	while (wire_recv(s->socks[1], &m, 0) == 1) {
		assert_int_equal(m.type, TRACER_DETAIL);
		const struct tracer_detail *t = wire_payload(&m, sizeof(*t));
		assert_int_equal(known_details_tell(&s->known, &m, t->thread + 1, 1), 0);
	}
}

/* As a snapshot does it, without the stacks. */
static void look(struct scene *s, uint32_t number)
{
	static struct details d;
	struct threads *threads = &s->process.threads;

	details_begin(&d, &s->ring, number);
	for (uint32_t i = 0; i < threads->n; i++) {
		struct before before;
		int state = thread_state(&threads->v[i], NULL);
		assert_true(state > 0);
		assert_int_equal(detail_begin(&d, &threads->v[i], state, &before), 0);
		detail_tell(&d, &threads->v[i], &before);
		take_words(s);
	}
	details_again(&d, threads);
	details_end(&d);
	take_words(s);
}

/* Whether there is one, if some look had come to the first i threads when the first one did, and to
 * the others when the second one did, or the other way round. */
static int has_torn_circle(
	const struct deadlock_edge *first, const struct deadlock_edge *second, uint32_t n)
{
	static struct deadlock_edge torn[64];
	struct deadlocks found;
	int any = 0;

	for (uint32_t i = 1; i < 2 * n; i++) {
		for (uint32_t k = 0; k < n; k++)
			torn[k] = i <= k || k + n < i ? second[k] : first[k];
		assert_int_equal(deadlocks_find(torn, n, torn, n, &found), 0);
		any |= found.n > 0;
		deadlocks_fini(&found);
	}
	return any;
}

static void find_circles(struct scene *s)
{
	static struct deadlock_edge first[64], second[64];
	struct deadlocks found;
	uint32_t n = 0;

	assert_true(s->process.threads.n <= 64);
	for (uint32_t i = 0; i < s->process.threads.n; i++) {
		const struct thread *th = &s->process.threads.v[i];
		n += known_details_edges(known_details_find(&s->known, th->serial + 1), th->tid,
			&first[n], &second[n]);
	}
	assert_int_equal(deadlocks_find(first, n, second, n, &found), 0);
	s->waits += n;
	s->circles += found.n;
	deadlocks_fini(&found);
	s->torn += has_torn_circle(first, second, n);
}

static void scan(struct scene *s, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		look(s, i);
		find_circles(s);
	}
	print_message("%u scans: %u waits for a holder, %u circles, torn looks find some in %u\n",
		times, s->waits, s->circles, s->torn);
}

static void busy_locks_are_no_deadlock(void **state)
{
	static struct scene s;
	(void)state;
	scene_open(&s, "busy");
	/* Torn circles come once in a hundred scans: more of them, should there be none. */
	for (int i = 0; i < 20 && !s.torn; i++)
		scan(&s, getenv("LONG") ? 10000 : 500);
	scene_close(&s);
	assert_int_equal(s.circles, 0);
	assert_true(s.waits > 0);
	assert_true(s.torn > 0);
}

static void each_scan_finds_both(void **state)
{
	static struct scene s;
	(void)state;
	scene_open(&s, "circles");
	scan(&s, 20);
	scene_close(&s);
	assert_int_equal(s.circles, 2 * 20);
	assert_int_equal(s.waits, 8 * 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_locks_are_no_deadlock),
		cmocka_unit_test(each_scan_finds_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
