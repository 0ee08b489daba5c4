/* SPDX-License-Identifier: GPL-2.0-or-later */
/* symbolize/otel_context: payloads written by hand from the specification, cut, and damaged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/limits.h"
#include "symbolize/otel_context.h"

/* ProcessContext{resource{attributes: host.id="h", service.name="checkout", n=7},
 * attributes: x="y"} */
static const char context[] = "\x0a\x35"
			      "\x0a\x0e\x0a\x07host.id\x12\x03\x0a\x01h"
			      "\x0a\x1a\x0a\x0cservice.name\x12\x0a\x0a\x08"
			      "checkout"
			      "\x0a\x07\x0a\x01n\x12\x02\x18\x07"
			      "\x12\x08\x0a\x01x\x12\x03\x0a\x01y";
#define CONTEXT	 (sizeof(context) - 1)
#define RESOURCE 2 /* where it begins, and how long it is */
#define LENGTH	 0x35

static int service(const void *payload, size_t n, char *out, size_t room)
{
	/* Exactly so long: what reads behind it is found by the sanitizer. */
	unsigned char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, payload, n);
	int result = otel_service_name(copy, n, out, room);
	free(copy);
	return result;
}

static void a_service_is_found(void **state)
{
	char name[64];

	(void)state;
	/* The lengths above are right: the parts are as long as they say. */
	assert_int_equal(CONTEXT, 2 + LENGTH + 10);
	assert_int_equal(service(context, CONTEXT, name, sizeof(name)), 0);
	assert_string_equal(name, "checkout");
	assert_int_equal(service(context, CONTEXT, name, 6), 0);
	assert_string_equal(name, "check");
	assert_int_equal(service(context + RESOURCE, LENGTH, name, sizeof(name)), 0);
	assert_string_equal(name, "checkout");
}

static void none_is_told_from_garbage(void **state)
{
	static const char other[] = "\x0a\x10\x0a\x0e\x0a\x07host.id\x12\x03\x0a\x01h",
			  empty[] = "\x0a\x12\x0a\x10\x0a\x0cservice.name\x12\x00",
			  number[] = "\x0a\x14\x0a\x12\x0a\x0cservice.name\x12\x02\x18\x07",
			  bare[] = "\x0a\x10\x0a\x0e\x0a\x0cservice.name";
	char name[64];

	(void)state;
	assert_int_equal(service("", 0, name, sizeof(name)), -ENOENT);
	assert_int_equal(service(other, sizeof(other) - 1, name, sizeof(name)), -ENOENT);
	assert_int_equal(service(empty, sizeof(empty) - 1, name, sizeof(name)), -ENOENT);
	assert_int_equal(service(number, sizeof(number) - 1, name, sizeof(name)), -ENOENT);
	assert_int_equal(service(bare, sizeof(bare) - 1, name, sizeof(name)), -ENOENT);
	assert_int_equal(service("\x0a\x7f", 2, name, sizeof(name)), -EPROTO);
	assert_int_equal(service("\xff\xff\xff", 3, name, sizeof(name)), -EPROTO);
}

/* No part of it has the name, unless all of the name's attribute is there; none reads too far. */
static void what_is_cut_is_no_harm(void **state)
{
	char name[64];

	(void)state;
	for (size_t n = 0; n < CONTEXT; n++) {
		int result = service(context, n, name, sizeof(name));
		assert_true(result == -ENOENT || result == -EPROTO || n >= 2 + LENGTH);
	}
}

static void what_is_damaged_is_no_harm(void **state)
{
	char damaged[CONTEXT], name[16];
	uint32_t seed = 1, found = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		memcpy(damaged, context, CONTEXT);
		for (int k = 0; k < 1 + i % 4; k++) {
			seed = seed * 1664525 + 1013904223;
			damaged[(seed >> 8) % CONTEXT] = seed >> 24;
		}
		memset(name, 'x', sizeof(name));
		int result = service(damaged, CONTEXT, name, sizeof(name));
		assert_true(result == 0 || result == -ENOENT || result == -EPROTO);
		if (result == 0)
			assert_non_null(memchr(name, '\0', sizeof(name)));
		found += result == 0;
	}
	/* Most damage is elsewhere, or breaks it. */
	assert_true(found > 100 && found < 9900);
}

static void too_large_is_refused(void **state)
{
	static char large[LIMIT_OTEL_PAYLOAD + 1];
	char name[16];

	(void)state;
	assert_int_equal(service(large, sizeof(large), name, sizeof(name)), -EPROTO);
	/* As many attributes as there is room for. */
	for (size_t i = 0; i + 1 < LIMIT_OTEL_PAYLOAD; i += 2)
		memcpy(large + i, "\x0a\x00", 2);
	assert_int_equal(service(large, LIMIT_OTEL_PAYLOAD, name, sizeof(name)), -ENOENT);
}

/* --- the header ---------------------------------------------------------------------------- */

static unsigned char header[OTEL_HEADER];

static void put_header(
	const char *signature, uint32_t version, uint32_t size, uint64_t at, uint64_t payload)
{
	memcpy(header, signature, 8);
	memcpy(header + 8, &version, 4);
	memcpy(header + 12, &size, 4);
	memcpy(header + 16, &at, 8);
	memcpy(header + 24, &payload, 8);
}

static int read_header(size_t n, uint64_t *address, uint32_t *size)
{
	return otel_header(header, n, address, size);
}

static void headers(void **state)
{
	uint64_t address = 0;
	uint32_t size = 0;

	(void)state;
	put_header("OTEL_CTX", 2, 100, 5, 0x7f0000001000);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), 0);
	assert_true(address == 0x7f0000001000 && size == 100);
	for (size_t n = 0; n < OTEL_HEADER; n++)
		assert_int_equal(read_header(n, &address, &size), -ENOENT);
	put_header("OTEL_CTY", 2, 100, 5, 0x1000);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), -ENOENT);
	put_header("OTEL_CTX", 1, 100, 5, 0x1000);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), -ENOENT);
	put_header("OTEL_CTX", 2, 100, 0, 0x1000);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), -EAGAIN);
	put_header("OTEL_CTX", 2, 0, 5, 0x1000);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), -EPROTO);
	put_header("OTEL_CTX", 2, LIMIT_OTEL_PAYLOAD, 5, 0x1000);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), 0);
	put_header("OTEL_CTX", 2, LIMIT_OTEL_PAYLOAD + 1, 5, 0x1000);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), -EPROTO);
	put_header("OTEL_CTX", 2, 100, 5, 0);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), -EPROTO);
	put_header("OTEL_CTX", 2, 100, 5, UINT64_MAX - 99);
	assert_int_equal(read_header(OTEL_HEADER, &address, &size), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_found),
		cmocka_unit_test(none_is_told_from_garbage),
		cmocka_unit_test(what_is_cut_is_no_harm),
		cmocka_unit_test(what_is_damaged_is_no_harm),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
