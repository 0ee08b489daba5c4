/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/kernel_names.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/wire.h"

#define TEXT 8192u /* of the stack: 64 lines of the longest names that kernels have */

void kernel_names_init(struct kernel_names *k, int sock, uint32_t first)
{
	*k = (struct kernel_names){.sock = sock, .first = first};
}

struct wanted {
	const struct kernel_names *k;
	const char *text;
	size_t n;
};

static int is_name(const void *arg, uint32_t position)
{
	const struct wanted *w = arg;
	const struct kernel_name *name = &w->k->v[position];

	return name->n == w->n && !memcmp(name->text, w->text, w->n);
}

/* Its number; -1: there is no room for more. */
static long number_of(struct kernel_names *k, const char *text, size_t n)
{
	struct tracer_kernel told = {.number = k->first + k->n, .is_wchan = k->only_wchan};
	uint64_t hash = hash_bytes(text, n);
	long found = index_find(&k->by_text, hash, is_name, &(struct wanted){k, text, n});

	if (found >= 0)
		return k->first + found;
	if (told.number >= LIMIT_KERNEL_NAMES ||
		list_room(&k->v, k->n, 1, &k->room, sizeof(*k->v), LIMIT_KERNEL_NAMES) < 0 ||
		index_add(&k->by_text, hash, k->n) < 0)
		return -1;
	k->v[k->n].n = n;
	memcpy(k->v[k->n++].text, text, n);
	wire_send2(k->sock, TRACER_KERNEL, &told, sizeof(told), text, n, -1);
	return told.number;
}

/* Lines of stack are "[<0>] futex_wait+0x66/0xa0", in modules with " [nfs]" behind; wchan is a name
 * alone, or 0. */
const char *kernel_names_next(const char **at, size_t *n)
{
	for (;;) {
		const char *line = *at, *end = line + strcspn(line, "\n");
		if (!*line)
			return NULL;
		*at = *end ? end + 1 : end;
		const char *mark = memchr(line, ']', end - line);
		const char *name = *line == '[' && mark ? mark + 1 : line;
		while (name < end && *name == ' ')
			name++;
		*n = strcspn(name, "+ \n");
		/* A digit: no function is where that is, or an address of what is none. */
		if (*n && *n < LIMIT_KERNEL_NAME && (*name < '0' || *name > '9'))
			return name;
	}
}

/* The file's text, of as many lines as fit. 0 or -errno. */
static int read_text(const struct target *target, pid_t tid, const char *file, char *text)
{
	int fd = target_open_file(target, tid, file);

	if (fd < 0)
		return fd;
	ssize_t n = read(fd, text, TEXT - 1);
	int error = n < 0 ? -errno : 0;
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return error;
}

uint32_t kernel_names_read(
	struct kernel_names *k, const struct target *target, pid_t tid, uint32_t *numbers)
{
	char text[TEXT];
	const char *at = text, *name;
	uint32_t count = 0;
	size_t n;

	if (!k->only_wchan) {
		int error = read_text(target, tid, "stack", text);
		k->only_wchan = error == -EACCES || error == -EPERM || error == -ENOENT;
		if (error && !k->only_wchan)
			return 0;
	}
	if (k->only_wchan && read_text(target, tid, "wchan", text) < 0)
		return 0;
	while (count < LIMIT_KERNEL_FRAMES && (name = kernel_names_next(&at, &n))) {
		long number = number_of(k, name, n);
		if (number < 0)
			break;
		numbers[count++] = number;
	}
	return count;
}
