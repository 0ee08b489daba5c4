/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings: what goes in comes out, in an order that can be played; whatever else is in such a
 * file is an error or makes sense, byte by byte.
 */
#include "agent/raw_check.h"
#include "agent/raw_reader.h"
#include "base/hash.h"
#include "base/log.h"
#include "tests/unit/raw_fixture.h"

/* --- reading it back ----------------------------------------------------------------------- */

static struct raw_reader reader;
static struct raw_record record_read;

static int open_reader(int fd)
{
	struct raw_header header;

	raw_reader_init(&reader);
	int error = raw_reader_open(&reader, fd, &header);
	return error ? error : raw_check_run(&header.run);
}

static void expect(uint32_t type, size_t size)
{
	assert_int_equal(raw_reader_next(&reader, &record_read), 1);
	assert_int_equal(record_read.type, type);
	assert_int_equal(record_read.size, size);
}

static void what_was_said_comes_out_in_order(void **state)
{
	(void)state;
	record(LIMIT_STACK_MAX);
	int fd = open(path, O_RDONLY);
	struct raw_header header;
	raw_reader_init(&reader);
	assert_int_equal(raw_reader_open(&reader, fd, &header), 0);
	assert_int_equal(header.run.kinds, 3);
	assert_int_equal(header.run.hz, 99);
	assert_int_equal(header.run.wall_began, 12345);
	expect(TRACER_ATTACHED, sizeof(struct tracer_attached));
	assert_string_equal(((struct tracer_attached *)reader.payload)->comm, "recorded");
	expect(TRACER_READY, sizeof(struct tracer_ready));
	expect(TRACER_THREADS, sizeof(struct tracer_thread));
	expect(RAW_IMAGE, 64);
	assert_memory_equal(reader.payload, "vvvv", 4);
	expect(TRACER_IDENTITY, sizeof(struct tracer_identity));
	const struct tracer_identity *i = (void *)reader.payload;
	assert_int_equal(i->build_id_len, 20);
	assert_memory_equal(i->build_id, build_id, 20);
	expect(TRACER_MODULE, sizeof(struct tracer_module) + 11);
	expect(TRACER_MAPS, sizeof(struct maps_part) + sizeof(struct mapping));
	expect(RAW_CAPTURE, sizeof(struct capture) + LIMIT_STACK_MAX);
	const struct capture *c = (void *)reader.payload;
	for (size_t k = 0; k < LIMIT_STACK_MAX; k++)
		assert_int_equal(c->stack[k], (unsigned char)(k * 7));
	expect(TRACER_PROCESSES, sizeof(struct tracer_process));
	expect(TRACER_SNAPSHOT_DONE, 0);
	expect(RAW_LAST_SAID, 5);
	assert_memory_equal(reader.payload, "later", 5);
	expect(TRACER_DONE, sizeof(struct tracer_done));
	expect(RAW_CAPTURE, sizeof(struct capture) + LIMIT_STACK_MAX);
	expect(TRACER_STATS, sizeof(struct tracer_stats));
	expect(TRACER_RECORDED, sizeof(struct tracer_recorded));
	const struct tracer_recorded *end = (void *)reader.payload;
	assert_int_equal(end->wall_began, 23456);
	assert_int_equal(end->duration, 1000);
	assert_int_equal(end->captures, 2);
	assert_int_equal(end->lost, 3);
	assert_int_equal(raw_reader_end(&reader), 0);
	raw_reader_fini(&reader);
	close(fd);
}

/* The worker that should tell the build id never does. */
static void a_build_id_that_does_not_come_holds_nothing_for_ever(void **state)
{
	(void)state;
	begin();
	say_attached();
	say_thread(0);
	say_module(1, 0, -1);
	say_maps(1, 1);
	size_t n = LIMIT_RAW_HELD / LIMIT_STACK_MAX + 2;
	for (size_t i = 0; i < n; i++)
		say_capture(0, 1, LIMIT_STACK_MAX);
	assert_true(raw.held.len < LIMIT_STACK_MAX * 3);
	finish();
	int fd = open(path, O_RDONLY), got = 0, modules = 0;
	assert_int_equal(open_reader(fd), 0);
	while (raw_reader_next(&reader, &record_read) == 1 && record_read.type != TRACER_RECORDED) {
		modules += record_read.type == TRACER_MODULE;
		got += record_read.type == RAW_CAPTURE;
		assert_true(record_read.type != RAW_CAPTURE || modules == 1);
	}
	assert_int_equal(got, n);
	raw_reader_fini(&reader);
	close(fd);
}

static void parts_that_do_not_fit_together(void **state)
{
	(void)state;
	static const struct worker_capture bad[] = {
		{1u << 30, 0}, {8, 9}, {100, 50}, {4, 0}, {UINT32_MAX, UINT32_MAX - 4}};

	begin();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		put(WORKER_CAPTURE, &bad[i], sizeof(bad[i]));
		message.size += 8;
		assert_int_equal(raw_capture(&raw, &message), -EPROTO);
	}
	put(WORKER_CAPTURE, "abc", 3);
	assert_int_equal(raw_capture(&raw, &message), -EPROTO);
	assert_int_equal(raw.end.captures, 0);
	raw_abort(&raw);
	raw_abort(&raw);
	collection_fini(&data);
}

static void a_full_disk_is_told_and_ends_the_recording_only(void **state)
{
	(void)state;
	const struct options o = {.save_raw = "/dev/full", .kinds = 1, .hz = 1};

	log_set_level(LOG_QUIET);
	assert_int_equal(collection_init(&data), 0);
	int saved = dup(2), memory = memfd_create("said", MFD_CLOEXEC);
	dup2(memory, 2);
	int error = raw_open(&raw, &o, 0, &data);
	if (!error) {
		say_attached();
		say_thread(0);
		raw_finish(&raw, 0, 0, 0);
		raw_finish(&raw, 0, 0, 0);
	}
	dup2(saved, 2);
	close(saved);
	char said[512] = "";
	ssize_t n = pread(memory, said, sizeof(said) - 1, 0);
	close(memory);
	assert_true(n > 0);
	assert_int_equal(raw.failed, 1);
	assert_non_null(strstr(said, "/dev/full: No space"));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	collection_fini(&data);
}

/* --- damage -------------------------------------------------------------------------------- */

static unsigned char file[64 * 1024], plain[64 * 1024];
static size_t file_size, plain_size;

static void load(size_t stack)
{
	record(stack);
	int fd = open(path, O_RDONLY);
	file_size = read(fd, file, sizeof(file));
	close(fd);
	assert_true(file_size > 100 && file_size < sizeof(file));
	z_stream z = {.next_in = file, .avail_in = file_size, .next_out = plain};
	z.avail_out = sizeof(plain);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	plain_size = z.total_out;
	inflateEnd(&z);
}

static int in_memory(const void *bytes, size_t n)
{
	int fd = memfd_create("raw", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* A gzip stream of these bytes, stored. */
static int in_gzip(const unsigned char *bytes, size_t n)
{
	static unsigned char out[sizeof(plain) + 1024];
	z_stream z = {.next_in = (void *)bytes, .avail_in = n, .next_out = out};

	z.avail_out = sizeof(out);
	assert_int_equal(deflateInit2(&z, 0, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return in_memory(out, z.total_out);
}

/* Session's part: whatever passes must not hurt it. */
static void feed_collection(void)
{
	const struct maps *g;
	int is_new;

	if (record_read.size > LIMIT_MESSAGE)
		return;
	put(record_read.type, reader.payload, record_read.size);
	switch (record_read.type) {
	case TRACER_ATTACHED:
		collection_attached(&data, (void *)message.payload);
		break;
	case TRACER_PROCESSES:
		collection_processes(&data, &message);
		break;
	case TRACER_MODULE:
		collection_module(&data, &message, &is_new);
		break;
	case TRACER_MAPS:
		collection_maps(&data, &message, &g);
		break;
	case TRACER_THREADS:
		collection_threads(&data, &message);
		break;
	case TRACER_STATS:
		collection_stats(&data, &message);
		break;
	default:
		break;
	}
}

static uint64_t contents; /* of the file read last, as a number */

/* 0 the whole file makes sense, else the cause. Takes fd. */
static enum damage read_all(int fd)
{
	struct raw_check check = {0};
	int error = open_reader(fd), got = 1;
	enum damage cause = 0;

	contents = 0;
	assert_int_equal(collection_init(&data), 0);
	while (!error && (got = raw_reader_next(&reader, &record_read)) == 1) {
		contents = hash_pair(contents, record_read.type);
		for (uint32_t i = 0; i < record_read.size; i++)
			contents = hash_pair(contents, reader.payload[i]);
		error = raw_check(&check, &record_read, reader.payload);
		if (!error && record_read.type == TRACER_RECORDED)
			break;
		if (!error)
			feed_collection();
	}
	if (error == -EPROTO)
		cause = DAMAGE_BROKEN;
	else if (error || got != 1 || raw_reader_end(&reader) < 0)
		cause = reader.why.cause;
	raw_reader_fini(&reader);
	collection_fini(&data);
	close(fd);
	return cause;
}

static void every_shorter_file_is_truncated(void **state)
{
	(void)state;
	load(200);
	assert_int_equal(read_all(in_memory(file, file_size)), 0);
	for (size_t n = 0; n < file_size; n++)
		assert_int_equal(read_all(in_memory(file, n)), DAMAGE_TRUNCATED);
	assert_int_equal(read_all(in_gzip(plain, plain_size)), 0);
	for (size_t n = 0; n < plain_size; n++)
		assert_int_equal(read_all(in_gzip(plain, n)), DAMAGE_TRUNCATED);
	assert_int_equal(read_all(in_gzip(plain, plain_size + 1)), DAMAGE_BROKEN);
}

/* The packed file has a sum: what is not refused says the same in another way. */
static void flipped_bits_of_the_file_show(void **state)
{
	unsigned refused = 0;

	(void)state;
	load(200);
	assert_int_equal(read_all(in_memory(file, file_size)), 0);
	uint64_t right = contents;
	for (size_t i = 0; i < file_size; i++)
		for (int bit = 0; bit < 8; bit++) {
			file[i] ^= 1 << bit;
			if (read_all(in_memory(file, file_size)))
				refused++;
			else
				assert_int_equal(contents, right);
			file[i] ^= 1 << bit;
		}
	assert_true(refused > file_size * 4);
}

/* Behind a right sum anything can stand: an error, or a recording. */
static void flipped_bytes_of_the_contents_do_no_harm(void **state)
{
	(void)state;
	static const unsigned char flips[] = {0x01, 0x80, 0xff, 0x7f, 0x10};
	size_t accepted = 0, refused = 0;

	load(200);
	for (size_t i = 0; i < plain_size; i++)
		for (size_t k = 0; k < sizeof(flips); k++) {
			plain[i] ^= flips[k];
			if (read_all(in_gzip(plain, plain_size)))
				refused++;
			else
				accepted++;
			plain[i] ^= flips[k];
		}
	assert_true(accepted > 100 && refused > 100);
}

/* 0 or -EPROTO, after those before it. */
static int checked(struct raw_check *check, uint32_t type, const void *payload, uint32_t size)
{
	const struct raw_record r = {type, size};

	return raw_check(check, &r, payload);
}

#define CHECKED(c, type, p) checked(c, type, p, sizeof(*(p)))

static void processes_must_have_been_told_of(void **state)
{
	struct raw_check c = {0};
	struct tracer_attached a = {.pid = 7, .number = 3};
	const struct tracer_ready ready = {.n = 1};
	struct tracer_process p = {.number = 3};
	struct tracer_thread t = {.process = 3};
	struct maps_part maps = {.generation = 1, .process = 3, .last = 1};
	struct capture cap = {.process = 3, .generation = 1, .weight = WEIGHT_ONE, .kinds = 1};
	const struct tracer_recorded end = {0};

	(void)state;
	assert_int_equal(CHECKED(&c, TRACER_READY, &ready), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_PROCESSES, &p), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_THREADS, &t), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_MAPS, &maps), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_ATTACHED, &a), 0);
	assert_int_equal(CHECKED(&c, TRACER_RECORDED, &end), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_READY, &ready), 0);
	assert_int_equal(CHECKED(&c, TRACER_PROCESSES, &p), 0);
	assert_int_equal(CHECKED(&c, TRACER_THREADS, &t), 0);
	assert_int_equal(CHECKED(&c, TRACER_MAPS, &maps), 0);
	assert_int_equal(CHECKED(&c, RAW_CAPTURE, &cap), 0);
	assert_int_equal(CHECKED(&c, TRACER_RECORDED, &end), 0);
	p.number = t.process = maps.process = cap.process = 4;
	maps.generation = 2;
	assert_int_equal(CHECKED(&c, TRACER_PROCESSES, &p), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_THREADS, &t), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_MAPS, &maps), -EPROTO);
	assert_int_equal(CHECKED(&c, RAW_CAPTURE, &cap), -EPROTO);
	a.number = UINT32_MAX;
	assert_int_equal(CHECKED(&c, TRACER_ATTACHED, &a), -EPROTO);
}

static void a_recording_is_one_interval(void **state)
{
	struct raw_check c = {.n_processes = 1, .n_serials = 1, .is_ready = 1};
	struct capture cap = {.kinds = 1, .weight = WEIGHT_ONE};
	const struct tracer_mark mark = {0};

	(void)state;
	assert_int_equal(CHECKED(&c, RAW_CAPTURE, &cap), 0);
	cap.interval = 1;
	assert_int_equal(CHECKED(&c, RAW_CAPTURE, &cap), -EPROTO);
	assert_int_equal(CHECKED(&c, TRACER_MARK, &mark), -EPROTO);
}

static void perf_maps_make_sense(void **state)
{
	struct raw_check c = {.n_modules = 2};
	struct {
		struct raw_perf_map head;
		char bytes[16];
	} part = {{8}, ""};
	struct tracer_perf_map m = {.module = 2, .pid = 1, .has_map = 1};

	(void)state;
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), -EPROTO); /* none came before */
	assert_int_equal(CHECKED(&c, RAW_PERF_MAP, &part), -EPROTO); /* no begin */
	part.head.at = 0;
	assert_int_equal(checked(&c, RAW_PERF_MAP, &part, 7), -EPROTO);
	assert_int_equal(checked(&c, RAW_PERF_MAP, &part, 8), 0);
	assert_int_equal(CHECKED(&c, RAW_PERF_MAP, &part), 0);
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), 0);
	part.head.at = 16;
	assert_int_equal(CHECKED(&c, RAW_PERF_MAP, &part), 0);
	assert_int_equal(CHECKED(&c, RAW_PERF_MAP, &part), -EPROTO);
	part.head.at = c.perf_map = LIMIT_PERF_MAP - 15;
	assert_int_equal(CHECKED(&c, RAW_PERF_MAP, &part), -EPROTO);
	part.head.at = c.perf_map = UINT64_MAX - 4;
	assert_int_equal(CHECKED(&c, RAW_PERF_MAP, &part), -EPROTO);
	assert_int_equal(checked(&c, TRACER_PERF_MAP, &m, sizeof(m) - 1), -EPROTO);
	m.has_map = 2;
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), -EPROTO);
	m.has_map = 0;
	m.module = 3;
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), -EPROTO);
	m.module = 0;
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), -EPROTO);
	m.module = 1;
	m.error = 5;
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), -EPROTO);
	m.error = -5;
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), 0);
	m.pid = 0;
	assert_int_equal(CHECKED(&c, TRACER_PERF_MAP, &m), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_said_comes_out_in_order),
		cmocka_unit_test(a_build_id_that_does_not_come_holds_nothing_for_ever),
		cmocka_unit_test(parts_that_do_not_fit_together),
		cmocka_unit_test(a_full_disk_is_told_and_ends_the_recording_only),
		cmocka_unit_test(processes_must_have_been_told_of),
		cmocka_unit_test(a_recording_is_one_interval),
		cmocka_unit_test(perf_maps_make_sense),
		cmocka_unit_test(every_shorter_file_is_truncated),
		cmocka_unit_test(flipped_bits_of_the_file_show),
		cmocka_unit_test(flipped_bytes_of_the_contents_do_no_harm),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
