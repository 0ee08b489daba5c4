/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording made by hand, message by message, as session makes it. */
#ifndef RAW_FIXTURE_H
#define RAW_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/raw.h"

static char folder[] = "/tmp/cpprof-test-raw.XXXXXX";
static char path[64];
static struct collection data;
static struct raw raw;
static struct wire_message message;
static const char build_id[] = "0123456789abcdefghij";

/* --- a run that is recorded ---------------------------------------------------------------- */

__attribute__((unused)) static void begin(void)
{
	const struct options o = {.save_raw = path, .kinds = 3, .hz = 99};

	assert_int_equal(collection_init(&data), 0);
	assert_int_equal(raw_open(&raw, &o, 12345, &data), 0);
}

static struct wire_message *put(uint32_t type, const void *payload, size_t size)
{
	message.type = type;
	message.size = size;
	message.fd = -1;
	memcpy(message.payload, payload, size);
	return &message;
}

__attribute__((unused)) static void say(uint32_t type, const void *payload, size_t size)
{
	raw_message(&raw, put(type, payload, size));
}

__attribute__((unused)) static void say_attached(void)
{
	const struct tracer_attached a = {.pid = 77, .n_threads = 1, .comm = "recorded"};

	const struct tracer_ready ready = {.n = 1};

	put(TRACER_ATTACHED, &a, sizeof(a));
	assert_int_equal(collection_attached(&data, &a), 0);
	raw_message(&raw, &message);
	say(TRACER_READY, &ready, sizeof(ready));
}

__attribute__((unused)) static void say_thread(uint32_t serial)
{
	const struct tracer_thread t = {.serial = serial, .tid = 77 + serial, .name = "one"};

	put(TRACER_THREADS, &t, sizeof(t));
	assert_int_equal(collection_threads(&data, &message), 0);
	raw_message(&raw, &message);
}

/* As session does it: the collection first, which takes fd. */
__attribute__((unused)) static int say_module(uint32_t number, uint32_t flags, int fd)
{
	const char name[] = "/some/where";
	struct tracer_module m = {.number = number, .flags = flags, .ino = number, .path_len = 11};
	int is_new;

	memcpy(message.payload, &m, sizeof(m));
	memcpy(message.payload + sizeof(m), name, 11);
	message.type = TRACER_MODULE;
	message.size = sizeof(m) + 11;
	message.fd = fd;
	int id = collection_module(&data, &message, &is_new);
	raw_module(&raw, &message, id, is_new);
	return id;
}

__attribute__((unused)) static void say_build_id(uint32_t id)
{
	struct worker_module_info info = {.module = id, .build_id_len = 20};

	memcpy(info.build_id, build_id, 20);
	assert_int_equal(collection_module_info(&data, &info), 0);
	raw_module_info(&raw, id);
}

__attribute__((unused)) static void say_maps(uint32_t generation, uint32_t module)
{
	struct {
		struct maps_part head;
		struct mapping v;
	} m = {{generation, 0, 1, 1}, {0x1000, 0x2000, 0, module, 0}};

	say(TRACER_MAPS, &m, sizeof(m));
}

/* In parts, as the worker sends it. */
__attribute__((unused)) static void say_capture(uint32_t thread, uint32_t generation, size_t stack)
{
	static union {
		struct capture c;
		unsigned char bytes[sizeof(struct capture) + LIMIT_STACK_MAX];
	} u;
	struct worker_capture part = {.size = sizeof(u.c) + stack};

	u.c = (struct capture){
		.thread = thread, .generation = generation, .weight = WEIGHT_ONE, .kinds = 1};
	u.c.stack_len = stack;
	for (size_t i = 0; i < stack; i++)
		u.bytes[sizeof(u.c) + i] = i * 7;
	do {
		size_t n = part.size - part.at, most = LIMIT_MESSAGE - sizeof(part);
		n = n < most ? n : most;
		memcpy(message.payload, &part, sizeof(part));
		memcpy(message.payload + sizeof(part), u.bytes + part.at, n);
		message.type = WORKER_CAPTURE;
		message.size = sizeof(part) + n;
		assert_int_equal(raw_capture(&raw, &message), 0);
		part.at += n;
	} while (part.at < part.size);
}

__attribute__((unused)) static void finish(void)
{
	const struct tracer_stats stats = {.taken = 5};

	put(TRACER_STATS, &stats, sizeof(stats));
	collection_stats(&data, &message);
	raw_message(&raw, &message);
	raw_finish(&raw, 23456, 1000, 0);
	assert_int_equal(raw.failed, 0);
	collection_fini(&data);
}

__attribute__((unused)) static int make_image(size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(write(fd, "v", 1), 1);
	return fd;
}

/* One of everything; two captures. */
__attribute__((unused)) static void record(size_t stack)
{
	const struct tracer_process process = {.clock = 1000};
	const struct tracer_done done = {0};

	begin();
	say_attached();
	say_thread(0);
	assert_int_equal(say_module(1, MODULE_FROM_MEMORY, make_image(64)), 1);
	say_maps(1, 1);
	say_capture(0, 1, stack); /* while the build id is on its way */
	say_build_id(1);
	say(TRACER_PROCESSES, &process, sizeof(process));
	say(TRACER_SNAPSHOT_DONE, "", 0);
	say(RAW_LAST_SAID, "later", 5);
	say(TRACER_DONE, &done, sizeof(done));
	say_capture(0, 1, stack);
	finish();
}

__attribute__((unused)) static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/x.raw", folder);
	return 0;
}

__attribute__((unused)) static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

#endif
