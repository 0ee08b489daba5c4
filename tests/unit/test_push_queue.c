/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/push/queue: what is tried when, in which order, and what is lost; no time passes here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/push/queue.h"

#define MS 1000000ull
#define S  1000000000ull

static struct queue q;
static uint32_t lost[1000], n_lost; /* numbers of parcels */

static void on_lost(void *arg, struct parcel *p)
{
	assert_ptr_equal(arg, &q);
	lost[n_lost++] = p->pid;
}

static int begin(void **state)
{
	(void)state;
	queue_init(&q, 500 * MS, 300 * S, 42);
	q.lost = on_lost;
	q.arg = &q;
	n_lost = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	queue_fini(&q);
	return 0;
}

/* Of one profile; its number is in pid. */
static uint32_t add(uint32_t number, size_t bytes)
{
	struct parcel *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->references = 1;
	p->n = 1;
	p->pid = number;
	p->bytes = bytes;
	uint32_t dropped = queue_add(&q, p);
	parcel_release(p);
	return dropped;
}

static const struct answer ok = {.status = 200}, away = {.error = 7}, busy = {.status = 503},
			   bad = {.status = 400}, fails = {.status = 500};

/* The number of what is sent now; 0: nothing is. */
static int sent(uint64_t now)
{
	const struct parcel *p = queue_send(&q, now);

	return p ? p->pid : 0;
}

static void answers_have_their_meanings(void **state)
{
	static const struct {
		struct answer answer;
		enum answer_meaning meaning;
	} v[] = {{{.status = 200}, ANSWER_TAKEN}, {{.status = 204}, ANSWER_TAKEN},
		{{.status = 301}, ANSWER_REFUSED}, {{.status = 308}, ANSWER_REFUSED},
		{{.status = 400}, ANSWER_REFUSED}, {{.status = 401}, ANSWER_REFUSED},
		{{.status = 413}, ANSWER_REFUSED}, {{.status = 422}, ANSWER_REFUSED},
		{{.status = 408}, ANSWER_AWAY}, {{.status = 429}, ANSWER_AWAY},
		{{.status = 502}, ANSWER_AWAY}, {{.status = 503}, ANSWER_AWAY},
		{{.status = 504}, ANSWER_AWAY}, {{.status = 500}, ANSWER_FAILED},
		{{.status = 599}, ANSWER_FAILED}, {{.error = 7}, ANSWER_AWAY},
		{{.error = ANSWER_HUNG}, ANSWER_AWAY}, {{.error = ANSWER_DIED}, ANSWER_FAILED}};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		assert_int_equal(answer_meaning(&v[i].answer), v[i].meaning);
}

static void one_after_the_other(void **state)
{
	(void)state;
	assert_true(queue_due(&q) == UINT64_MAX);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(add(i, 10), 0);
	for (int i = 1; i <= 3; i++) {
		assert_true(queue_due(&q) == 0);
		assert_int_equal(sent(0), i);
		assert_int_equal(sent(1000 * S), 0); /* one is on its way */
		assert_true(queue_due(&q) == UINT64_MAX);
		assert_false(queue_is_empty(&q));
		assert_int_equal(queue_answer(&q, &ok, 0), QUEUE_TAKEN);
	}
	assert_true(queue_is_empty(&q));
	assert_int_equal(q.counts.sent, 3);
	assert_int_equal(q.counts.sent_bytes, 30);
	assert_int_equal(n_lost, 0);
}

/* Each pause is between the half and all of 0.5 s, 1 s, 2 s and so on, at most 5 minutes. */
static void pauses_double(void **state)
{
	uint64_t now = 1000 * S, whole = 500 * MS, sum = 0, most = 0;

	(void)state;
	add(1, 10);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(sent(now), 1);
		assert_int_equal(queue_answer(&q, i % 2 ? &busy : &away, now), QUEUE_AGAIN);
		uint64_t pause = queue_due(&q) - now;
		assert_true(pause >= whole / 2 && pause <= whole);
		assert_int_equal(sent(queue_due(&q) - 1), 0);
		now = queue_due(&q);
		sum += pause;
		most += whole;
		whole = whole * 2 < 300 * S ? whole * 2 : 300 * S;
	}
	/* Not always the same part of it. */
	assert_true(sum > most * 6 / 10 && sum < most * 9 / 10);
	assert_int_equal(q.counts.retried, 40);
	assert_int_equal(sent(now), 1);
	assert_int_equal(queue_answer(&q, &ok, now), QUEUE_TAKEN);
	/* And short again. */
	add(2, 10);
	assert_int_equal(sent(now), 2);
	queue_answer(&q, &away, now);
	assert_true(queue_due(&q) - now <= 500 * MS);
}

static void a_store_may_ask_for_a_longer_pause(void **state)
{
	struct answer asks = {.status = 429, .retry_after = 20};

	(void)state;
	add(1, 10);
	sent(0);
	queue_answer(&q, &asks, 0);
	assert_true(queue_due(&q) == 20 * S);
	assert_int_equal(sent(20 * S), 1);
	asks.retry_after = 999999; /* but not for any */
	queue_answer(&q, &asks, 20 * S);
	assert_true(queue_due(&q) == 320 * S);
}

/* An hour of no answers: tried again and again, nothing is given up. */
static void a_store_that_is_away_loses_nothing(void **state)
{
	uint64_t now = 0;

	(void)state;
	for (uint32_t i = 1; i <= LIMIT_PUSH_QUEUE; i++)
		assert_int_equal(add(i, 1000), 0);
	for (int i = 0; i < 100; i++) {
		now = queue_due(&q);
		assert_int_equal(sent(now), 1);
		assert_int_equal(queue_answer(&q, &away, now), QUEUE_AGAIN);
	}
	assert_true(now > 3600 * S);
	now = queue_due(&q);
	for (uint32_t i = 1; i <= LIMIT_PUSH_QUEUE; i++) {
		assert_int_equal(sent(now), i);
		queue_answer(&q, &ok, now);
	}
	assert_int_equal(n_lost, 0);
}

static void the_oldest_has_to_go(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= LIMIT_PUSH_QUEUE; i++)
		add(i, 10);
	assert_int_equal(add(LIMIT_PUSH_QUEUE + 1, 10), 1);
	assert_int_equal(n_lost, 1);
	assert_int_equal(lost[0], 1);
	/* 2 is on its way; room was made use of meanwhile, so it cannot come back. */
	assert_int_equal(sent(0), 2);
	assert_int_equal(add(LIMIT_PUSH_QUEUE + 2, 10), 0);
	assert_int_equal(queue_answer(&q, &busy, 0), QUEUE_DROPPED);
	assert_int_equal(lost[1], 2);
	assert_int_equal(q.counts.dropped, 2);
	assert_int_equal(sent(queue_due(&q)), 3);
	/* One that is taken in the end is not lost, whatever came after it. */
	assert_int_equal(add(LIMIT_PUSH_QUEUE + 3, 10), 0);
	assert_int_equal(queue_answer(&q, &ok, 0), QUEUE_TAKEN);
	assert_int_equal(n_lost, 2);
	for (uint32_t i = 4; i <= LIMIT_PUSH_QUEUE + 3; i++) {
		assert_int_equal(sent(UINT64_MAX - 1), i);
		queue_answer(&q, &ok, 0);
	}
	assert_true(queue_is_empty(&q));
	assert_int_equal(q.bytes, 0);
}

static void bytes_have_a_bound_too(void **state)
{
	(void)state;
	add(1, LIMIT_PUSH_BYTES / 2);
	add(2, LIMIT_PUSH_BYTES / 2);
	assert_int_equal(n_lost, 0);
	assert_int_equal(add(3, 1), 1);
	assert_int_equal(lost[0], 1);
	assert_int_equal(add(4, LIMIT_PUSH_BYTES), 2);
	assert_int_equal(lost[2], 3);
	assert_int_equal(add(5, 2 * LIMIT_PUSH_BYTES), 1);
	assert_int_equal(sent(0), 5); /* alone */
}

static void refused_means_never_again(void **state)
{
	(void)state;
	add(1, 10);
	add(2, 10);
	assert_int_equal(sent(0), 1);
	assert_int_equal(queue_answer(&q, &bad, 0), QUEUE_REFUSED);
	assert_int_equal(lost[0], 1);
	assert_int_equal(q.counts.refused, 1);
	assert_int_equal(q.counts.retried, 0);
	assert_int_equal(sent(0), 2); /* without a pause */
}

/* The store fails at 1: ten tries, and the next one has ten of its own. */
static void tries_are_counted_where_the_store_fails(void **state)
{
	(void)state;
	add(1, 10);
	add(2, 10);
	for (int i = 1; i <= 10; i++) {
		assert_int_equal(sent(queue_due(&q)), 1);
		/* That it is away in between is not held against the profile. */
		if (i == 5) {
			assert_int_equal(queue_answer(&q, &busy, 0), QUEUE_AGAIN);
			assert_int_equal(sent(queue_due(&q)), 1);
		}
		assert_int_equal(
			queue_answer(&q, &fails, 0), i < 10 ? QUEUE_AGAIN : QUEUE_GIVEN_UP);
	}
	assert_int_equal(n_lost, 1);
	assert_int_equal(q.counts.given_up, 1);
	for (int i = 1; i <= 9; i++) {
		assert_int_equal(sent(queue_due(&q)), 2);
		assert_int_equal(queue_answer(&q, &fails, 0), QUEUE_AGAIN);
	}
	assert_int_equal(sent(queue_due(&q)), 2);
	assert_int_equal(queue_answer(&q, &ok, 0), QUEUE_TAKEN);
}

/* Tries belong to the first; it is dropped, and its successor begins anew. */
static void tries_go_with_what_is_dropped(void **state)
{
	(void)state;
	add(1, LIMIT_PUSH_BYTES);
	for (int i = 1; i <= 9; i++) {
		sent(queue_due(&q));
		queue_answer(&q, &fails, 0);
	}
	assert_int_equal(add(2, 10), 1);
	for (int i = 1; i <= 9; i++) {
		assert_int_equal(sent(queue_due(&q)), 2);
		assert_int_equal(queue_answer(&q, &fails, 0), QUEUE_AGAIN);
	}
}

static void in_the_end_there_is_no_long_pause(void **state)
{
	(void)state;
	add(1, 10);
	add(2, 10);
	for (int i = 0; i < 20; i++) {
		sent(queue_due(&q));
		queue_answer(&q, &away, 0);
	}
	assert_true(queue_due(&q) > 100 * S);
	queue_hurry(&q, 5);
	assert_true(queue_due(&q) == 5);
	assert_int_equal(sent(5), 1);
	queue_answer(&q, &away, 5);
	assert_true(queue_due(&q) <= 5 + 500 * MS);
	sent(queue_due(&q));
	assert_int_equal(queue_give_up(&q), 2);
	assert_int_equal(n_lost, 2);
	assert_int_equal(q.counts.given_up, 2);
	assert_true(queue_is_empty(&q));
}

#define T(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answers_have_their_meanings),
		T(one_after_the_other),
		T(pauses_double),
		T(a_store_may_ask_for_a_longer_pause),
		T(a_store_that_is_away_loses_nothing),
		T(the_oldest_has_to_go),
		T(bytes_have_a_bound_too),
		T(refused_means_never_again),
		T(tries_are_counted_where_the_store_fails),
		T(tries_go_with_what_is_dropped),
		T(in_the_end_there_is_no_long_pause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
