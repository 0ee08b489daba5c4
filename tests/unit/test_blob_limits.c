/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe where there is no room, nobody listens any more, or somebody wrote what he liked over
 * its memory.
 */
#include "tests/unit/blob_fixture.h"

static int begin(void **arg)
{
	int error = set_up(arg);

	/* Of the thread itself there is a record, once. */
	my_free(my_malloc(200000));
	drain(0);
	return error;
}

static void a_full_ring_is_counted(void **arg)
{
	static uint32_t ids[RECORDS_LIVE];
	static void *p[2 * PROBE_RECORDS];

	(void)arg;
	drain(0);
	shared()->dropped = shared()->dropped_bytes = 0;
	for (int i = 0; i < 2 * PROBE_RECORDS; i++)
		p[i] = my_malloc(200000);
	assert_int_equal(shared()->dropped, PROBE_RECORDS);
	assert_int_equal(shared()->dropped_bytes, PROBE_RECORDS * 200000ull);
	assert_int_equal(live(ids), PROBE_RECORDS);
	assert_int_equal(drain(200000).n, PROBE_RECORDS);
	for (int i = 0; i < 2 * PROBE_RECORDS; i++)
		my_free(p[i]);
	assert_int_equal(live(ids), 0);
}

/* A thread that was killed, or a number that was written over. */
static void what_nobody_can_end_is_not_waited_for(void **arg)
{
	(void)arg;
	drain(0);
	uint64_t lost = records.lost;
	shared()->head += 3;
	my_free(my_malloc(200000));
	assert_null(records_next(&records, 1));
	assert_int_equal(records.lost, lost);
	records.is_over = 1;
	for (int i = 0; i < 3; i++)
		assert_null(records_next(&records, 1));
	assert_int_equal(records.lost, lost + 3);
	assert_non_null(records_next(&records, 1));
	assert_null(records_next(&records, 1));
	assert_int_equal(records.tail, shared()->head);
	records.is_over = 0;
	records.lost = lost;
}

/* The program may write anything over it, and goes on all the same. */
static void a_head_that_was_written_over_holds_nobody_up(void **arg)
{
	(void)arg;
	drain(0);
	uint64_t head = shared()->head, dropped = shared()->dropped;
	alarm(20);
	for (int i = 1; i < 5; i++) {
		shared()->head = i < 4 ? head - i : UINT64_MAX / 3;
		my_free(my_malloc(200000));
	}
	alarm(0);
	assert_true(shared()->dropped > dropped);
	shared()->head = head;
	my_free(my_malloc(200000));
	assert_non_null(records_next(&records, 1));
}

/* More is alive than can be known: what there was no room for counts as freed, and frees go on. */
static void a_full_table_is_counted(void **arg)
{
	enum { N = RECORDS_LIVE + RECORDS_LIVE / 4 };
	static uint32_t ids[RECORDS_LIVE];
	static void *p[N];
	uint64_t n = 0, freed = frees;

	(void)arg;
	drain(0);
	shared()->dropped = shared()->table_full = 0;
	for (int i = 0; i < N; i++) {
		p[i] = my_malloc(200000);
		if (i % 256 == 255)
			n += drain(200000).n;
	}
	n += drain(200000).n;
	assert_int_equal(shared()->dropped, 0);
	assert_int_equal(n, N);
	assert_true(shared()->table_full >= N - RECORDS_LIVE);
	assert_int_equal(live(ids) + shared()->table_full, N);
	for (int i = 0; i < N; i++)
		my_free(p[i]);
	assert_int_equal(frees - freed, N);
	assert_int_equal(live(ids), 0);
	p[0] = my_malloc(200000);
	assert_int_equal(live(ids), 1);
	my_free(p[0]);
}

/* Its thread is one too many: what it allocates is not sampled, and nothing else is wrong. */
static void without_a_slot_it_is_counted(void **arg)
{
	static struct probe_slot before[PROBE_N_SLOTS];
	static uint32_t ids[RECORDS_LIVE];
	struct probe_slot *slots = (void *)(region + PROBE_SLOTS);

	(void)arg;
	drain(0);
	memcpy(before, slots, sizeof(before));
	for (uintptr_t i = 0; i < PROBE_N_SLOTS; i++)
		slots[i].thread = 8 * (i + 1);
	shared()->no_slot = 0;
	uint64_t at = next_pointer;
	void *p = my_malloc(200000), *q = my_realloc(NULL, 3000);
	assert_int_equal((uintptr_t)p, at);
	assert_int_equal((uintptr_t)q, at + ((200000 + 31) & -16ul));
	my_free(p);
	my_free(q);
	assert_true(shared()->no_slot >= 2);
	assert_int_equal(live(ids), 0);
	assert_int_equal(drain(200000).n, 0);
	assert_int_equal(state()->inside, 0);
	memcpy(slots, before, sizeof(before));
	p = my_malloc(200000);
	assert_int_equal(live(ids), 1);
	my_free(p);
	assert_int_equal(drain(200000).n, 1);
}

static void without_word_it_goes_off(void **arg)
{
	(void)arg;
	drain(0);
	shared()->deadline = 1;
	my_malloc(200000);
	assert_int_equal(state()->is_on, 0);
	for (int i = 0; i < 1000; i++)
		my_free(my_malloc(200000));
	assert_null(records_next(&records, 1));
}

/* At last: anything may be in there. */
static void nonsense_is_lost_and_counted(void **arg)
{
	static uint32_t ids[RECORDS_LIVE];
	uint64_t seen = 0, *words = (uint64_t *)(region + PROBE_SHARED);
	unsigned seed = 5;

	(void)arg;
	for (int round = 0; round < 200000; round++) {
		struct probe_record *r =
			(void *)(region + PROBE_SHARED + PROBE_RING +
				 (records.tail + rand_r(&seed) % 3) % PROBE_RECORDS * PROBE_RECORD);
		*r = (struct probe_record){.kind = 1, .id = 1, .size = 9, .mean = 9};
		for (int i = rand_r(&seed) % 3; i--;)
			((uint32_t *)r)[rand_r(&seed) % (sizeof(*r) / 4)] = (uint32_t)rand_r(&seed)
									    << rand_r(&seed) % 8;
		r->sequence = records.tail + rand_r(&seed) % 2;
		words[2] = rand_r(&seed); /* head */
		const struct probe_record *got =
			records_next(&records, 1 + round * RECORDS_PATIENCE_NS / 3);
		if (got) {
			seen++;
			assert_true(got->stack_length <= PROBE_STACK_MAX);
			assert_true(got->hook < PROBE_HOOKS && got->slot < PROBE_N_SLOTS);
		}
	}
	assert_true(records.lost > 1000 && seen > 10);
	for (size_t i = 0; i < RECORDS_LIVE * sizeof(struct probe_entry) / 8; i++)
		words[PROBE_TABLE / 8 + i] = i;
	assert_true(records_live(&records, ids, 10) == 10);
	assert_true(records_live(&records, ids, RECORDS_LIVE) <= RECORDS_LIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_ring_is_counted),
		cmocka_unit_test(what_nobody_can_end_is_not_waited_for),
		cmocka_unit_test(a_head_that_was_written_over_holds_nobody_up),
		cmocka_unit_test(a_full_table_is_counted),
		cmocka_unit_test(without_a_slot_it_is_counted),
		cmocka_unit_test(without_word_it_goes_off),
		cmocka_unit_test(nonsense_is_lost_and_counted),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
