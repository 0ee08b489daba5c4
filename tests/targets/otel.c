/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * otel HOW [NAME [SECONDS]]: publishes its service.name as OTEP 4719 says, by a memfd named
 * OTEL_CTX, and computes now and then. HOW is how well:
 *
 *	good		as it should; "late": after a second
 *	anonymous	in memory without a file that has that name
 *	big, zero	a size that cannot be
 *	unmapped	the payload is nowhere
 *	cut		the mapping ends in the middle of the payload
 *	changes		without an end: it is never the same twice
 *	writing		it never gets ready
 *	version		of another version
 *	garbage		that is no protobuf
 *	hangs		the payload's memory does not answer (userfaultfd)
 */
#include "target.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

struct header {
	char signature[8];
	uint32_t version, size;
	uint64_t published_at, payload;
};

static const char *how;

static int is(const char *what)
{
	return !strcmp(how, what);
}

/* ProcessContext{resource{attributes: service.name = name}} */
static uint32_t write_payload(unsigned char *out, const char *name)
{
	uint32_t n = strlen(name);
	const unsigned char head[] = {0x0a, n + 20, 0x0a, n + 18, 0x0a, 12};
	const unsigned char value[] = {0x12, n + 2, 0x0a, n};
	unsigned char *p = out;

	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	memcpy(p, "service.name", 12);
	p += 12;
	memcpy(p, value, sizeof(value));
	p += sizeof(value);
	memcpy(p, name, n);
	return p + n - out;
}

static void *map(size_t size)
{
	int fd = is("anonymous") ? -1 : memfd_create("OTEL_CTX", MFD_CLOEXEC);
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
		fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (at == MAP_FAILED || (fd >= 0 && ftruncate(fd, size) < 0)) {
		perror("map");
		exit(1);
	}
	if (fd < 0)
		prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, size, "OTEL_CTX");
	return at;
}

/* Memory whose first reader waits for ever. */
static void *map_hanging(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register range = {
		.range = {(uintptr_t)at, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 || ioctl(fd, UFFDIO_REGISTER, &range) < 0) {
		puts("no userfaultfd");
		exit(77);
	}
	return at;
}

static void publish(struct header *h, const char *name)
{
	unsigned char *payload = (unsigned char *)h + 4096 - 40;
	struct header ready = {.version = 2, .published_at = clock_ns(CLOCK_REALTIME)};

	if (!is("cut"))
		payload = mmap(
			NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ready.size = write_payload(payload, name);
	ready.payload = (uintptr_t)payload;
	if (is("hangs"))
		ready.payload = (uintptr_t)map_hanging();
	if (is("big"))
		ready.size = UINT32_MAX;
	if (is("zero"))
		ready.size = 0;
	if (is("cut"))
		ready.size = 8000;
	if (is("unmapped"))
		munmap(payload, 4096);
	if (is("writing"))
		ready.published_at = 0;
	if (is("version"))
		ready.version = 3;
	if (is("garbage"))
		memset(payload, 0xff, ready.size);
	*h = ready;
	memcpy(h->signature, "OTEL_CTX", 8);
}

int main(int argc, char **argv)
{
	how = argc > 1 ? argv[1] : "good";
	target_init(arg_number(argc, argv, 3, 0));
	struct header *h = map(4096);

	if (!is("late"))
		publish(h, argc > 2 ? argv[2] : "a service");
	target_ready();
	for (uint64_t began = clock_ns(CLOCK_MONOTONIC); target_running();) {
		if (is("changes")) {
			for (int i = 0; i < 100000; i++)
				((volatile struct header *)h)->published_at++;
			continue;
		}
		SPIN(target.per_us * 1000);
		target_sleep_us(9000);
		if (is("late") && !h->version && clock_ns(CLOCK_MONOTONIC) - began > 1000000000)
			publish(h, argc > 2 ? argv[2] : "a service");
	}
	return 0;
}
