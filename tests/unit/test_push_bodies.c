/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/push: what is sent, read back by protobuf-c and as JSON of one spelling. */
#include <ctype.h>
#include <errno.h>

#include "agent/push/push.pb-c.h"
#include "agent/push/store.h"
#include "base/base64.h"
#include "output/pprof.h"
#include "tests/unit/profile_fixture.h"

static struct push_options options;
static struct parcel *parcel;
static struct buf body, expected;

static int begin_parcel(void **state)
{
	memset(&options, 0, sizeof(options));
	buf_init(&body, 1 << 20);
	buf_init(&expected, 1 << 20);
	return begin(state);
}

static int end_parcel(void **state)
{
	parcel_release(parcel);
	parcel = NULL;
	buf_fini(&body);
	buf_fini(&expected);
	return end(state);
}

static void label(const char *text)
{
	options.labels[options.n_labels++] = (struct push_label){text, strcspn(text, "=")};
}

/* The window's parcel: one profile of each of these kinds. */
static void pack(const enum profile_kind *kinds, uint32_t n, const struct labels_program *program)
{
	struct profile *v[PROFILE_KINDS];
	struct labels labels;

	ADD(0, 'S', 3, {0x10, EXE, 0});
	for (uint32_t i = 0; i < n; i++) {
		in.kind = kinds[i];
		assert_int_equal(profile_build(&in, &v[i]), 0);
	}
	assert_int_equal(labels_make(&labels, &options, program), 0);
	assert_int_equal(parcel_make(&parcel, (const struct profile *const *)v, n, &labels), 0);
	buf_clear(&expected);
	assert_int_equal(pprof_bytes(v[0], &expected), 0);
	for (uint32_t i = 0; i < n; i++)
		profile_free(v[i]);
}

static const struct labels_program app = {.comm = "app", .host = "node1", .pid = 42};
static const enum profile_kind cpu_only[] = {PROFILE_CPU};

/* RFC 9562: 8-4-4-4-12 digits in lower case, version 4, variant 10. */
static void assert_uuid4(const char *id)
{
	assert_int_equal(strlen(id), 36);
	for (int i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(id[i], '-');
		else
			assert_true(
				isdigit((unsigned char)id[i]) || (id[i] >= 'a' && id[i] <= 'f'));
	assert_int_equal(id[14], '4');
	assert_non_null(strchr("89ab", id[19]));
}

static void assert_pair(
	const Push__V1__RawProfileSeries *s, size_t i, const char *name, const char *value)
{
	assert_true(i < s->n_labels);
	assert_string_equal(s->labels[i]->name, name);
	assert_string_equal(s->labels[i]->value, value);
}

static void pyroscope_gets_a_series_for_each_profile(void **state)
{
	static const enum profile_kind kinds[] = {PROFILE_CPU, PROFILE_THREADS};

	(void)state;
	label("env=x=y");
	pack(kinds, 2, &app);
	assert_int_equal(stores[STORE_PYROSCOPE].body(parcel, &body), 0);
	Push__V1__PushRequest *r =
		push__v1__push_request__unpack(NULL, body.len, (uint8_t *)body.data);
	assert_non_null(r);
	assert_int_equal(r->n_series, 2);
	for (int i = 0; i < 2; i++) {
		const Push__V1__RawProfileSeries *s = r->series[i];
		assert_int_equal(s->n_labels, 6);
		assert_pair(s, 0, "__delta__", "false");
		assert_pair(s, 1, "__name__", i ? "thread" : "process_cpu");
		assert_pair(s, 2, "env", "x=y");
		assert_pair(s, 3, "instance", "node1:42");
		assert_pair(s, 4, "pyroscope_spy", "cpprof-attach");
		assert_pair(s, 5, "service_name", "app");
		assert_int_equal(s->n_samples, 1);
		assert_uuid4(s->samples[0]->id);
	}
	assert_string_not_equal(r->series[0]->samples[0]->id, r->series[1]->samples[0]->id);
	assert_int_equal(r->series[0]->samples[0]->raw_profile.len, expected.len);
	assert_memory_equal(
		r->series[0]->samples[0]->raw_profile.data, expected.data, expected.len);
	push__v1__push_request__free_unpacked(r, NULL);
}

static void parca_gets_json(void **state)
{
	struct buf text;

	(void)state;
	label("env=a\"b");
	pack(cpu_only, 1, &app);
	assert_int_equal(stores[STORE_PARCA].body(parcel, &body), 0);
	buf_init(&text, 1 << 20);
	buf_string(&text, "{\"series\":[{\"labels\":{\"labels\":["
			  "{\"name\":\"__name__\",\"value\":\"process_cpu\"},"
			  "{\"name\":\"env\",\"value\":\"a\\\"b\"},"
			  "{\"name\":\"instance\",\"value\":\"node1:42\"},"
			  "{\"name\":\"job\",\"value\":\"app\"},"
			  "{\"name\":\"service_name\",\"value\":\"app\"}]},"
			  "\"samples\":[{\"rawProfile\":\"");
	base64_append(&text, expected.data, expected.len);
	buf_string(&text, "\"}]}]}");
	assert_string_equal(buf_text(&body), buf_text(&text));
	buf_fini(&text);
}

static void assert_labels(
	const struct labels_program *program, const char *service, const char *instance)
{
	struct labels l;

	assert_int_equal(labels_make(&l, &options, program), 0);
	assert_string_equal(labels_value(&l, "service_name"), service);
	assert_string_equal(labels_value(&l, "instance"), instance);
	labels_fini(&l);
}

static void a_service_has_its_own_name_before_comm(void **state)
{
	struct labels_program program = app;

	(void)state;
	program.service = "checkout";
	assert_labels(&program, "checkout", "node1:42");
	program.service = "";
	program.host = NULL;
	assert_labels(&program, "app", "42");
	program.comm = "a\xff";
	assert_labels(&program, "a\xef\xbf\xbd", "42");
	program.comm = "";
	assert_labels(&program, "unknown", "42");
	label("service_name=mine");
	label("instance=here");
	program.service = "checkout";
	assert_labels(&program, "mine", "here");
}

static void what_the_user_says_of_a_store_counts(void **state)
{
	(void)state;
	label("job=batch");
	label("pyroscope_spy=other");
	pack(cpu_only, 1, &app);
	assert_int_equal(stores[STORE_PARCA].body(parcel, &body), 0);
	assert_non_null(strstr(buf_text(&body), "\"job\",\"value\":\"batch\""));
	assert_null(strstr(buf_text(&body), "\"job\",\"value\":\"app\""));
	buf_clear(&body);
	assert_int_equal(stores[STORE_PYROSCOPE].body(parcel, &body), 0);
	Push__V1__PushRequest *r =
		push__v1__push_request__unpack(NULL, body.len, (uint8_t *)body.data);
	assert_non_null(r);
	assert_int_equal(r->series[0]->n_labels, 6);
	assert_pair(r->series[0], 4, "pyroscope_spy", "other");
	push__v1__push_request__free_unpacked(r, NULL);
}

static void a_long_name_is_cut_between_characters(void **state)
{
	static char name_of[3000];
	const struct labels_program program = {.service = name_of, .pid = 1};
	struct labels l;

	(void)state;
	name_of[0] = 'x';
	for (int i = 1; i + 2 < (int)sizeof(name_of); i += 2)
		memcpy(name_of + i, "\xc3\xa4", 2);
	assert_int_equal(labels_make(&l, &options, &program), 0);
	assert_int_equal(strlen(labels_value(&l, "service_name")), 2047);
	labels_fini(&l);
}

/* As many as are allowed, and all of ours: what Pyroscope takes, less what samples may add. */
static void all_labels_fit(void **state)
{
	static char names[PUSH_LABELS][16];

	(void)state;
	for (uint32_t i = 0; i < PUSH_LABELS; i++) {
		snprintf(names[i], sizeof(names[i]), "l%u=v", i);
		label(names[i]);
	}
	pack(cpu_only, 1, &app);
	assert_int_equal(stores[STORE_PYROSCOPE].body(parcel, &body), 0);
	Push__V1__PushRequest *r =
		push__v1__push_request__unpack(NULL, body.len, (uint8_t *)body.data);
	assert_non_null(r);
	assert_int_equal(r->series[0]->n_labels, 27);
	push__v1__push_request__free_unpacked(r, NULL);
	assert_int_equal(stores[STORE_PARCA].body(parcel, &body), 0);
}

static void no_room_is_told(void **state)
{
	struct buf small;

	(void)state;
	pack(cpu_only, 1, &app);
	for (int store = 0; store < STORES; store++) {
		buf_init(&small, 50);
		assert_int_equal(stores[store].body(parcel, &small), -E2BIG);
		buf_fini(&small);
	}
}

#define P(function) cmocka_unit_test_setup_teardown(function, begin_parcel, end_parcel)

int main(void)
{
	const struct CMUnitTest tests[] = {
		P(pyroscope_gets_a_series_for_each_profile),
		P(parca_gets_json),
		P(a_service_has_its_own_name_before_comm),
		P(what_the_user_says_of_a_store_counts),
		P(a_long_name_is_cut_between_characters),
		P(all_labels_fit),
		P(no_room_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
