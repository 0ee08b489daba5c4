/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/wire.h"
#include "unwind/answers.h"

/* A message leaves when it holds this much; what may still follow fits behind it. */
#define FULL (48 * KIB)

void answers_init(struct answers *a, int sock)
{
	*a = (struct answers){.sock = sock};
	buf_init(&a->buf, LIMIT_MESSAGE);
}

void answers_fini(struct answers *a)
{
	buf_fini(&a->buf);
}

int answers_flush_stacks(struct answers *a)
{
	int error = a->buf.failed;

	if (!error && a->buf.len)
		error = wire_send(a->sock, WORKER_STACKS, a->buf.data, a->buf.len, -1);
	buf_clear(&a->buf);
	return error;
}

int answers_stack(struct answers *a, const struct capture *capture, const struct stack *stack)
{
	struct worker_stack head = {
		.kinds = capture->kinds,
		.thread = capture->thread,
		.state = capture->state,
		.missing = capture->missing,
		.weight = capture->weight,
		.end = stack->end,
		.n = stack->n,
		.interval = capture->interval,
		.flags = capture->flags,
		.id = capture->id,
		.looks = capture->looks,
		.contentions = capture->contentions,
		.again = capture->again,
		.wait = capture->wait,
		.goroutine = capture->goroutine,
	};

	buf_append(&a->buf, &head, sizeof(head));
	buf_append(&a->buf, stack->v, stack->n * sizeof(stack->v[0]));
	return a->buf.failed || a->buf.len >= FULL ? answers_flush_stacks(a) : 0;
}

void answers_begin_symbols(struct answers *a, uint32_t module)
{
	a->module = module;
	a->addresses = 0;
	a->answered = 0;
	buf_clear(&a->buf);
}

static int send_symbols(struct answers *a, uint32_t last)
{
	struct worker_symbols head = {.module = a->module, .addresses = a->addresses, .last = last};
	int error = a->buf.failed;

	if (!error)
		error = wire_send2(
			a->sock, WORKER_SYMBOLS, &head, sizeof(head), a->buf.data, a->buf.len, -1);
	a->addresses = 0;
	buf_clear(&a->buf);
	return error;
}

static uint32_t length(const char *text, size_t most)
{
	return text ? strnlen(text, most) : 0;
}

static size_t line_size(const struct symbol *s)
{
	return sizeof(struct worker_line) + length(s->name, LIMIT_NAME) +
	       length(s->system_name, LIMIT_LINKAGE_NAME) + length(s->file, LIMIT_PATH);
}

static void put_line(struct buf *b, const struct symbol *s)
{
	struct worker_line line = {
		.line = s->line,
		.start_line = s->start_line,
		.name_len = length(s->name, LIMIT_NAME),
		.system_name_len = length(s->system_name, LIMIT_LINKAGE_NAME),
		.file_len = length(s->file, LIMIT_PATH),
	};

	buf_append(b, &line, sizeof(line));
	buf_append(b, s->name, line.name_len);
	buf_append(b, s->system_name, line.system_name_len);
	buf_append(b, s->file, line.file_len);
}

/* The lines of one address that fit a message; the innermost give way, the function itself stays.
 */
static uint32_t first_that_fits(const struct symbol *lines, uint32_t n)
{
	size_t size = sizeof(struct worker_address);
	uint32_t first = n;

	while (first > 0 && n - first <= LIMIT_INLINE_DEPTH) {
		size += line_size(&lines[first - 1]);
		if (size > FULL)
			break;
		first--;
	}
	return first;
}

int answers_address(void *arg, uint64_t offset, const struct symbol *lines, uint32_t n)
{
	struct answers *a = arg;
	uint32_t first = first_that_fits(lines, n);
	struct worker_address head = {.offset = offset, .lines = n - first};
	size_t size = sizeof(head);
	int error = 0;

	for (uint32_t i = first; i < n; i++)
		size += line_size(&lines[i]);
	if (a->buf.len + size + sizeof(struct worker_symbols) > LIMIT_MESSAGE)
		error = send_symbols(a, 0);
	size_t before = a->buf.len;
	buf_append(&a->buf, &head, sizeof(head));
	for (uint32_t i = first; i < n; i++)
		put_line(&a->buf, &lines[i]);
	if (!error)
		error = a->buf.failed;
	if (error) {
		/* Half an answer is none; those before it are good. */
		a->buf.len = before;
		a->buf.failed = 0;
		return error;
	}
	a->addresses++;
	a->answered++;
	return 0;
}

int answers_nothing(struct answers *a, const uint64_t *offsets, uint32_t n)
{
	int error = 0;

	while (!error && a->answered < n) {
		uint64_t offset = offsets[a->answered];
		error = answers_address(a, offset, NULL, 0);
		/* Without memory for more there is what the buffer has, once it is empty. */
		if (error == -ENOMEM && a->addresses && !(error = send_symbols(a, 0)))
			error = answers_address(a, offset, NULL, 0);
	}
	return error;
}

int answers_end_symbols(struct answers *a)
{
	return send_symbols(a, 1);
}
