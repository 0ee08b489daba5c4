/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/: what every role relies on. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "base/log.h"
#include "base/outbox.h"
#include "base/path.h"
#include "base/ring.h"
#include "base/wire.h"

static void buf_refuses_past_its_ceiling(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10);
	assert_int_equal(buf_string(&b, "12345"), 0);
	assert_int_equal(buf_string(&b, "678901"), -E2BIG);
	assert_int_equal(b.len, 5);
	assert_int_equal(buf_printf(&b, "%d", 67890), 0);
	assert_int_equal(b.failed, -E2BIG);
	assert_string_equal(buf_text(&b), "1234567890");
	buf_fini(&b);
}

static void log_escape_makes_bytes_harmless(void **state)
{
	(void)state;
	char out[64];
	assert_string_equal(log_escape(out, sizeof(out), "a\033[2J\n\177"), "a\\x1b[2J\\x0a\\x7f");
	assert_string_equal(
		log_escape(out, sizeof(out), "\xc3\xa9\xe2\x82\xac"), "\xc3\xa9\xe2\x82\xac");
	assert_string_equal(
		log_escape(out, sizeof(out), "\xc2\x9b\xc0\xaf\xff"), "\\xc2\\x9b\\xc0\\xaf\\xff");
	assert_string_equal(log_escape(out, 8, "abcdefghijkl"), "abcd");
}

static void hash_bytes_sees_every_byte(void **state)
{
	(void)state;
	unsigned char bytes[23] = {0};
	uint64_t zero = hash_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = 1;
		assert_true(hash_bytes(bytes, sizeof(bytes)) != zero);
		bytes[i] = 0;
	}
	assert_true(hash_bytes(bytes, 22) != zero);
}

static void wire_carries_payload_and_descriptor(void **state)
{
	(void)state;
	static struct wire_message m;
	int s[2], p[2];
	assert_int_equal(wire_pair(s), 0);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(wire_recv(s[1], &m, 0), 0);
	assert_int_equal(wire_send2(s[0], 7, "head", 4, "tail", 4, p[1]), 0);
	assert_int_equal(wire_recv(s[1], &m, 1), 1);
	assert_int_equal(m.type, 7);
	assert_int_equal(m.size, 8);
	assert_memory_equal(m.payload, "headtail", 8);
	assert_null(wire_payload(&m, 9));
	assert_non_null(wire_payload(&m, 8));
	assert_int_equal(write(m.fd, "x", 1), 1);
	char c;
	assert_int_equal(read(p[0], &c, 1), 1);
	close(m.fd);
	close(p[0]);
	close(p[1]);
	assert_int_equal(wire_send(s[0], 7, m.payload, LIMIT_MESSAGE + 1, -1), -EMSGSIZE);
	close(s[0]);
	assert_int_equal(wire_recv(s[1], &m, 1), -EPIPE);
	assert_int_equal(wire_send(s[1], 1, NULL, 0, -1), -EPIPE);
	close(s[1]);
}

static void wire_refuses_a_false_length(void **state)
{
	(void)state;
	static struct wire_message m;
	uint32_t lie[3] = {1, 400, 0};
	int s[2];
	assert_int_equal(wire_pair(s), 0);
	assert_int_equal(write(s[0], lie, sizeof(lie)), sizeof(lie));
	assert_int_equal(wire_recv(s[1], &m, 1), -EPROTO);
	close(s[0]);
	close(s[1]);
}

/* Many laps with sizes that do not divide the ring: each record comes out whole and in order. */
static void ring_keeps_order_over_many_laps(void **state)
{
	(void)state;
	static unsigned char out[300 * KIB];
	struct ring r;
	uint64_t in = 0, got = 0;
	assert_int_equal(ring_open(&r), 0);
	while (got < 2000) {
		size_t size = 9 + in * 7919 % (200 * KIB);
		unsigned char *p = ring_reserve(&r, 256 * KIB);
		if (p && in < 2000) {
			memset(p, in & 0xff, size);
			memcpy(p, &in, sizeof(in));
			ring_commit(&r, size);
			in++;
			continue;
		}
		uint64_t id;
		long n = ring_pop(&r, out, sizeof(out));
		assert_int_equal(n, 9 + got * 7919 % (200 * KIB));
		memcpy(&id, out, sizeof(id));
		assert_int_equal(id, got);
		assert_int_equal(out[n - 1], got & 0xff);
		got++;
	}
	assert_int_equal(ring_pop(&r, out, sizeof(out)), 0);
	assert_int_equal(r.page->pushed, 2000);
	assert_int_equal(r.page->popped, 2000);
	ring_close(&r);
}

/* The consumer is asked to look when a quarter is in use, also where the end of the ring, which is
 * left out, makes it a quarter. */
static void ring_wakes_at_a_quarter(void **state)
{
	static unsigned char out[300 * KIB];
	struct ring r;
	uint64_t count;

	(void)state;
	assert_int_equal(ring_open(&r), 0);
	for (int i = 0; i < 13; i++) {
		assert_non_null(ring_reserve(&r, sizeof(out)));
		ring_commit(&r, sizeof(out));
		if (i < 10)
			assert_int_equal(ring_pop(&r, out, sizeof(out)), sizeof(out));
	}
	assert_true(read(r.wake, &count, sizeof(count)) < 0);
	assert_non_null(ring_reserve(&r, sizeof(out)));
	ring_commit(&r, sizeof(out));
	assert_int_equal(read(r.wake, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 1);
	ring_close(&r);
}

/* A producer that never came back from a read leaves word of it to the next. */
static void ring_knows_where_a_producer_ended(void **state)
{
	struct ring r;

	(void)state;
	assert_int_equal(ring_open(&r), 0);
	ring_produce(&r);
	assert_int_equal(ring_begin_read(&r, 11), 0);
	ring_end_read(&r);
	ring_produce(&r);
	assert_int_equal(ring_begin_read(&r, 11), 0);
	ring_produce(&r);
	assert_int_equal(ring_begin_read(&r, 11), 1);
	assert_int_equal(ring_begin_read(&r, 12), 0);
	for (uint32_t i = 0; i < 2 * LIMIT_RESTARTS; i++) {
		ring_begin_read(&r, 1000 + i);
		ring_produce(&r);
	}
	assert_int_equal(ring_begin_read(&r, 11), 1);
	assert_int_equal(atomic_load(&r.page->n_trapped), LIMIT_RESTARTS);
	ring_close(&r);
}

static void ring_survives_a_lying_partner(void **state)
{
	(void)state;
	static unsigned char out[4096];
	struct ring r;
	assert_int_equal(ring_open(&r), 0);
	assert_non_null(ring_reserve(&r, 100));
	ring_commit(&r, 100);
	atomic_store(&r.page->tail, ~0ull - 7);
	assert_null(ring_reserve(&r, LIMIT_RING_BYTES - 1));
	atomic_store(&r.page->tail, 0);
	((uint32_t *)r.data)[1] = 0xfffffff0; /* a record larger than the ring */
	assert_int_equal(ring_pop(&r, out, sizeof(out)), -EPROTO);
	atomic_store(&r.page->head, LIMIT_RING_BYTES * 3);
	assert_int_equal(ring_pop(&r, out, sizeof(out)), -EPROTO);
	ring_close(&r);
}

/* The ring grows when its consumer has fallen behind and caught up again, and never with records in
 * it. */
static void ring_grows_while_empty(void **state)
{
	(void)state;
	static unsigned char out[256 * KIB];
	struct ring r;
	uint64_t first, in = 0, got = 0;
	assert_int_equal(ring_open(&r), 0);
	first = atomic_load(&r.page->span);
	assert_true(first < LIMIT_RING_BYTES);
	for (int round = 0; round < 8; round++) {
		unsigned char *p;
		uint64_t before = atomic_load(&r.page->span), pushed = in;
		while ((p = ring_reserve(&r, 200 * KIB))) {
			memcpy(p, &in, sizeof(in));
			ring_commit(&r, 200 * KIB);
			in++;
		}
		uint64_t span = atomic_load(&r.page->span);
		assert_true(in - pushed >= span / (201 * KIB) - 2);
		assert_true(span == (round && before < LIMIT_RING_BYTES ? 2 * before : before));
		while (got < in) {
			assert_int_equal(ring_pop(&r, out, sizeof(out)), 200 * KIB);
			assert_memory_equal(out, &got, sizeof(got));
			got++;
		}
		assert_int_equal(ring_pop(&r, out, sizeof(out)), 0);
	}
	assert_int_equal(atomic_load(&r.page->span), LIMIT_RING_BYTES);
	/* What a lying producer says of the room is not believed. */
	assert_non_null(ring_reserve(&r, 100));
	ring_commit(&r, 100);
	for (uint64_t lie = 1; lie; lie *= 2) {
		atomic_store(&r.page->span, lie * 3);
		assert_int_equal(ring_pop(&r, out, sizeof(out)), -EPROTO);
	}
	atomic_store(&r.page->span, LIMIT_RING_BYTES * 2);
	assert_int_equal(ring_pop(&r, out, sizeof(out)), -EPROTO);
	ring_close(&r);
}

/* What a partner writes over the published position never moves where the producer writes. */
static void ring_producer_keeps_its_own_position(void **state)
{
	(void)state;
	struct ring r;
	assert_int_equal(ring_open(&r), 0);
	for (int i = 0; i < 1000; i++) {
		unsigned char *p = ring_reserve(&r, 100 * KIB);
		assert_true(p >= r.data && p + 100 * KIB <= r.data + LIMIT_RING_BYTES);
		memset(p, 0xee, 100 * KIB);
		atomic_store(&r.page->head, LIMIT_RING_BYTES - 8);
		ring_commit(&r, 100 * KIB);
		atomic_store(&r.page->tail, atomic_load(&r.page->head));
	}
	/* Another producer begins at a record's place, wherever the last one was said to end. */
	atomic_store(&r.page->head, LIMIT_RING_BYTES - 8);
	ring_produce(&r);
	atomic_store(&r.page->tail, r.head);
	unsigned char *p = ring_reserve(&r, 100);
	assert_true(p >= r.data && p + 100 <= r.data + LIMIT_RING_BYTES);
	ring_close(&r);
}

/* Nobody reads; then all comes in order, with its descriptors. */
static void outbox_never_waits(void **state)
{
	(void)state;
	enum { MESSAGES = 3000 };
	static struct wire_message m;
	struct outbox box = {0};
	int s[2], null = open("/dev/null", O_RDONLY);
	assert_int_equal(wire_pair(s), 0);
	for (uint32_t i = 0; i < MESSAGES; i++)
		assert_int_equal(
			outbox_send2(&box, s[0], i, &i, sizeof(i), "tail", 4, i % 100 ? -1 : null),
			0);
	assert_non_null(box.first);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		assert_int_equal(outbox_flush(&box, s[0]), 0);
		assert_int_equal(wire_recv(s[1], &m, 0), 1);
		assert_int_equal(m.type, i);
		assert_int_equal(m.size, sizeof(i) + 4);
		assert_memory_equal(m.payload, &i, sizeof(i));
		assert_memory_equal(m.payload + sizeof(i), "tail", 4);
		assert_int_equal(m.fd >= 0, i % 100 == 0);
		if (m.fd >= 0)
			close(m.fd);
	}
	assert_null(box.first);
	assert_int_equal(wire_recv(s[1], &m, 0), 0);
	close(s[1]);
	assert_int_equal(outbox_send2(&box, s[0], 1, NULL, 0, NULL, 0, -1), -EPIPE);
	assert_null(box.first);
	outbox_clear(&box);
	close(s[0]);
	close(null);
}

static void hex_has_two_digits_a_byte(void **state)
{
	char room[2 * 4 + 1];

	(void)state;
	assert_string_equal(
		hex_text(room, (const unsigned char *)"\x00\x0f\xa5\xff", 4), "000fa5ff");
	assert_string_equal(hex_text(room, NULL, 0), "");
}

/* RFC 4648, section 10, and every byte there is. */
static void base64_is_the_standard_one(void **state)
{
	static const char *const known[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "+/+/"}};
	unsigned char bytes[2000];
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		buf_clear(&b);
		assert_int_equal(base64_append(&b, known[i][0], strlen(known[i][0])), 0);
		assert_string_equal(buf_text(&b), known[i][1]);
	}
	/* Longer than a piece of its own: what 1999 bytes of 0x4d, "M", are. */
	memset(bytes, 'M', sizeof(bytes));
	buf_clear(&b);
	assert_int_equal(base64_append(&b, bytes, 1999), 0);
	assert_int_equal(b.len, 2668);
	for (size_t i = 0; i + 4 < b.len; i += 4)
		assert_memory_equal(b.data + i, "TU1N", 4);
	assert_memory_equal(b.data + 2664, "TQ==", 4);
	b.ceiling = b.len + 100;
	assert_int_equal(base64_append(&b, bytes, 1999), -E2BIG);
	buf_fini(&b);
}

static void utf8_is_kept_or_repaired(void **state)
{
	struct buf b;

	(void)state;
	assert_true(utf8_is_valid(""));
	assert_true(utf8_is_valid("\xc3\xa4 \xf0\x9f\x98\x80"));
	assert_false(utf8_is_valid("a\xc3"));
	assert_false(utf8_is_valid("\xed\xa0\x80"));
	buf_init(&b, 100);
	assert_int_equal(utf8_repair("a\xff\xc3\xa4\xc3", &b), 0);
	assert_string_equal(buf_text(&b), "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd");
	buf_fini(&b);
}

static void json_is_what_it_says(void **state)
{
	struct buf b;
	struct json j = {.out = &b};

	(void)state;
	buf_init(&b, 1000);
	json_object(&j, NULL);
	json_string(&j, "a\"b", "\\ \n\x7f \xc3\xa4 \xff\xc0\xaf");
	json_array(&j, "v");
	json_number(&j, NULL, UINT64_MAX);
	json_object(&j, NULL);
	json_end_object(&j);
	json_end_array(&j);
	json_base64(&j, "b", "fo", 2);
	json_real(&j, "x", 0.25);
	json_real(&j, "none", 1 / 0.0);
	json_end_object(&j);
	assert_string_equal(buf_text(&b),
		"{\"a\\\"b\":\"\\\\ \\u000a\\u007f \xc3\xa4 \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
		"\"v\":[18446744073709551615,{}],\"b\":\"Zm8=\",\"x\":0.25,\"none\":null}");
	buf_fini(&b);
}

static void a_path_has_a_folder_and_a_base(void **state)
{
	(void)state;
	assert_string_equal(path_base("/usr/lib/libc.so.6"), "libc.so.6");
	assert_string_equal(path_base("app"), "app");
	assert_string_equal(path_base("/"), "/");
	assert_string_equal(path_base("a/b/"), "a/b/");
	assert_string_equal(path_base(""), "");
	assert_int_equal(path_folder("/usr/lib/libc.so.6"), 9);
	assert_int_equal(path_folder("a/b/"), 4);
	assert_int_equal(path_folder("app"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_refuses_past_its_ceiling),
		cmocka_unit_test(hex_has_two_digits_a_byte),
		cmocka_unit_test(base64_is_the_standard_one),
		cmocka_unit_test(utf8_is_kept_or_repaired),
		cmocka_unit_test(json_is_what_it_says),
		cmocka_unit_test(log_escape_makes_bytes_harmless),
		cmocka_unit_test(hash_bytes_sees_every_byte),
		cmocka_unit_test(wire_carries_payload_and_descriptor),
		cmocka_unit_test(wire_refuses_a_false_length),
		cmocka_unit_test(ring_keeps_order_over_many_laps),
		cmocka_unit_test(ring_wakes_at_a_quarter),
		cmocka_unit_test(ring_knows_where_a_producer_ended),
		cmocka_unit_test(ring_survives_a_lying_partner),
		cmocka_unit_test(ring_grows_while_empty),
		cmocka_unit_test(ring_producer_keeps_its_own_position),
		cmocka_unit_test(outbox_never_waits),
		cmocka_unit_test(a_path_has_a_folder_and_a_base),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
