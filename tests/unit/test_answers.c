/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the worker packs is what session finds: stacks and names, over as many messages as they
 * need. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/wire.h"
#include "unwind/answers.h"

static int pair[2];
static struct answers answers;
static struct wire_message message;

static int begin(void **state)
{
	(void)state;
	answers_init(&answers, -1);
	if (wire_pair(pair) != 0)
		return -1;
	answers.sock = pair[0];
	return 0;
}

static int end(void **state)
{
	(void)state;
	answers_fini(&answers);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

/* --- stacks ------------------------------------------------------------------------------- */

static struct stack stack;
static uint32_t found; /* stacks taken from messages so far */

static void send_stack(uint32_t number, uint32_t frames)
{
	struct capture c = {
		.kinds = 1 + number % 2, .thread = number, .state = 'S', .missing = MISSING_LATE};

	stack.n = frames;
	stack.end = number % STACK_ENDS;
	for (uint32_t i = 0; i < frames; i++)
		stack.v[i] = (struct frame){number * 1000ull + i, i % 7, FRAME_RETURN};
	assert_int_equal(answers_stack(&answers, &c, &stack), 0);
}

static void take_stacks(void)
{
	while (wire_recv(pair[1], &message, 0) == 1) {
		size_t at = 0;
		assert_int_equal(message.type, WORKER_STACKS);
		while (at < message.size) {
			const struct worker_stack *w = (const void *)(message.payload + at);
			const struct frame *f = (const void *)(w + 1);
			assert_int_equal(w->thread, found);
			assert_int_equal(w->kinds, 1 + found % 2);
			assert_int_equal(w->state, 'S');
			assert_int_equal(w->missing, MISSING_LATE);
			assert_int_equal(w->end, found % STACK_ENDS);
			for (uint32_t i = 0; i < w->n; i++) {
				assert_int_equal(f[i].offset, found * 1000ull + i);
				assert_int_equal(f[i].module, i % 7);
			}
			at += sizeof(*w) + w->n * sizeof(*f);
			found++;
		}
		assert_int_equal(at, message.size);
	}
}

static void stacks_arrive_whole_and_in_order(void **state)
{
	(void)state;
	found = 0;
	for (uint32_t i = 0; i < 401; i++) {
		send_stack(i, i % 50 == 49 ? LIMIT_FRAMES : i % 50);
		take_stacks();
	}
	assert_true(found > 0 && found < 401); /* several stacks share a message */
	assert_int_equal(answers_flush_stacks(&answers), 0);
	take_stacks();
	assert_int_equal(found, 401);
	/* Nothing is sent when there is nothing. */
	assert_int_equal(answers_flush_stacks(&answers), 0);
	assert_int_equal(wire_recv(pair[1], &message, 0), 0);
}

static void a_lost_session_is_an_error(void **state)
{
	(void)state;
	close(pair[1]);
	send_stack(0, 3);
	assert_int_equal(answers_flush_stacks(&answers), -EPIPE);
	pair[1] = dup(0);
}

/* --- names -------------------------------------------------------------------------------- */

static char long_name[LIMIT_NAME + 500];

static void lines_of(uint64_t offset, struct symbol *lines, uint32_t n, char (*room)[40])
{
	for (uint32_t i = 0; i < n; i++) {
		snprintf(room[i], sizeof(room[i]), "f%d_%u", (int)offset, i);
		lines[i] = (struct symbol){room[i], "_Zsystem", "dir/file.c", offset + i, i};
	}
}

static uint64_t next_offset;
static int last_seen;

static const char *text(const unsigned char **p, uint32_t n)
{
	static char out[3][LIMIT_PATH + 1];
	static int which;
	char *to = out[which++ % 3];

	assert_true(n <= LIMIT_PATH);
	memcpy(to, *p, n);
	to[n] = '\0';
	*p += n;
	return to;
}

static void take_symbols(void)
{
	struct symbol lines[LIMIT_INLINE_DEPTH];
	char room[LIMIT_INLINE_DEPTH][40];

	while (wire_recv(pair[1], &message, 0) == 1) {
		const struct worker_symbols *head = (const void *)message.payload;
		const unsigned char *p = (const unsigned char *)(head + 1);
		assert_int_equal(message.type, WORKER_SYMBOLS);
		assert_int_equal(head->module, 5);
		assert_false(last_seen);
		last_seen = head->last;
		for (uint32_t i = 0; i < head->addresses; i++) {
			struct worker_address a;
			memcpy(&a, p, sizeof(a));
			p += sizeof(a);
			assert_int_equal(a.offset, next_offset);
			assert_int_equal(a.lines, next_offset % 5);
			lines_of(a.offset, lines, a.lines, room);
			for (uint32_t k = 0; k < a.lines; k++) {
				struct worker_line l;
				memcpy(&l, p, sizeof(l));
				p += sizeof(l);
				assert_int_equal(l.line, lines[k].line);
				assert_int_equal(l.start_line, lines[k].start_line);
				assert_string_equal(text(&p, l.name_len), lines[k].name);
				assert_string_equal(text(&p, l.system_name_len), "_Zsystem");
				assert_string_equal(text(&p, l.file_len), "dir/file.c");
			}
			next_offset++;
		}
		assert_ptr_equal(p, message.payload + message.size);
	}
}

static void names_arrive_in_as_many_messages_as_they_need(void **state)
{
	struct symbol lines[LIMIT_INLINE_DEPTH];
	char room[LIMIT_INLINE_DEPTH][40];

	(void)state;
	next_offset = 0;
	last_seen = 0;
	answers_begin_symbols(&answers, 5);
	for (uint64_t offset = 0; offset < 3000; offset++) {
		lines_of(offset, lines, offset % 5, room);
		assert_int_equal(answers_address(&answers, offset, lines, offset % 5), 0);
		take_symbols();
	}
	assert_true(next_offset > 0 && next_offset < 3000);
	assert_int_equal(answers_end_symbols(&answers), 0);
	take_symbols();
	assert_int_equal(next_offset, 3000);
	assert_true(last_seen);
}

static void long_names_are_cut_and_the_function_itself_stays(void **state)
{
	struct symbol lines[LIMIT_INLINE_DEPTH + 1];
	struct worker_address a;
	struct worker_line l;

	(void)state;
	memset(long_name, 'n', sizeof(long_name) - 1);
	for (uint32_t i = 0; i <= LIMIT_INLINE_DEPTH; i++)
		lines[i] = (struct symbol){long_name, long_name, "f", i, 0};
	answers_begin_symbols(&answers, 5);
	assert_int_equal(answers_address(&answers, 9, lines, LIMIT_INLINE_DEPTH + 1), 0);
	assert_int_equal(answers_end_symbols(&answers), 0);
	assert_int_equal(wire_recv(pair[1], &message, 0), 1);
	const unsigned char *p = message.payload + sizeof(struct worker_symbols);
	memcpy(&a, p, sizeof(a));
	p += sizeof(a);
	assert_true(a.lines > 10 && a.lines < LIMIT_INLINE_DEPTH + 1);
	for (uint32_t i = 0; i < a.lines; i++) {
		memcpy(&l, p, sizeof(l));
		assert_int_equal(l.name_len, LIMIT_NAME);
		p += sizeof(l) + l.name_len + l.system_name_len + l.file_len;
	}
	assert_int_equal(l.line, LIMIT_INLINE_DEPTH);
}

/* Linkage names of templates are longer than what is shown for them. */
static void linkage_names_have_room_of_their_own(void **state)
{
	static char linkage[2 * LIMIT_LINKAGE_NAME];
	struct symbol line = {"shown", linkage, "f", 1, 0};
	struct worker_line l;

	(void)state;
	memset(linkage, 'l', LIMIT_LINKAGE_NAME - 1);
	for (int i = 0; i < 2; i++) {
		answers_begin_symbols(&answers, 5);
		assert_int_equal(answers_address(&answers, 9, &line, 1), 0);
		assert_int_equal(answers_end_symbols(&answers), 0);
		assert_int_equal(wire_recv(pair[1], &message, 0), 1);
		memcpy(&l,
			message.payload + sizeof(struct worker_symbols) +
				sizeof(struct worker_address),
			sizeof(l));
		assert_int_equal(l.system_name_len, LIMIT_LINKAGE_NAME - 1 + i);
		memset(linkage, 'l', sizeof(linkage) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stacks_arrive_whole_and_in_order, begin, end),
		cmocka_unit_test_setup_teardown(a_lost_session_is_an_error, begin, end),
		cmocka_unit_test_setup_teardown(
			names_arrive_in_as_many_messages_as_they_need, begin, end),
		cmocka_unit_test_setup_teardown(
			long_names_are_cut_and_the_function_itself_stays, begin, end),
		cmocka_unit_test_setup_teardown(linkage_names_have_room_of_their_own, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
