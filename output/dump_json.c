/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys are documented in the manual page: scripts rely on them. What is not known has no key.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sorted.h"
#include "output/dump.h"
#include "output/pseudo.h"
#include "output/syscalls.h"
#include "output/wait_kind.h"

static void put_hex(struct json *j, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	json_string(j, key, text);
}

static void put_processes(struct json *j, const struct dump *d)
{
	json_array(j, "processes");
	for (uint32_t i = 0; i < d->n_processes; i++) {
		json_object(j, NULL);
		json_number(j, "pid", d->processes[i].pid);
		json_string(j, "name", d->processes[i].comm);
		json_number(j, "threads", d->processes[i].n_threads);
		json_end_object(j);
	}
	json_end_array(j);
}

static void put_kernel(struct json *j, const char *kernel)
{
	char name[LIMIT_NAME];

	if (!*kernel)
		return;
	json_array(j, "kernel");
	while (*kernel) {
		size_t n = strcspn(kernel, "\n");
		snprintf(name, sizeof(name), "%.*s", (int)n, kernel);
		json_string(j, NULL, name);
		kernel += n + (kernel[n] == '\n');
	}
	json_end_array(j);
}

static void put_call(struct json *j, const struct dump_thread *t)
{
	const char *name = syscalls_name(t->wait.call);

	if (t->wait.call < 0)
		return;
	json_object(j, "call");
	json_number(j, "number", t->wait.call);
	if (name)
		json_string(j, "name", name);
	json_array(j, "arguments");
	for (int i = 0; i < 6; i++)
		put_hex(j, NULL, t->args[i]);
	json_end_array(j);
	if (t->fd >= 0)
		json_number(j, "descriptor", t->fd);
	if (*t->fd_text)
		json_string(j, "descriptor_is", t->fd_text);
	if (t->left_ns >= 0)
		json_number(j, "left_ns", t->left_ns);
	json_end_object(j);
}

static void put_wait(struct json *j, const struct dump_thread *t)
{
	const char *word = wait_kind_word(t->wait.kind);

	if (!word)
		return;
	json_object(j, "wait");
	json_string(j, "kind", word);
	if (t->wait.lock)
		put_hex(j, "lock", wait_kind_lock(t->wait.kind, t->wait.lock));
	if (t->lock)
		json_string(j, "lock_name", t->lock);
	if (t->wait.holder)
		json_number(j, "holder", t->wait.holder);
	if (t->wait.flags & WAIT_READERS)
		json_number(j, "held_by_readers", 1);
	if (t->wait.flags & WAIT_HOLDER_GONE)
		json_number(j, "holder_has_ended", 1);
	json_end_object(j);
}

static void put_thread(struct json *j, const struct dump_thread *t)
{
	json_object(j, NULL);
	json_number(j, "tid", t->tid);
	json_number(j, "pid", t->pid);
	json_string(j, "name", t->name);
	json_string(j, "state", pseudo_state(t->state));
	json_number(j, "group", t->group);
	json_number(j, "cpu_ns", t->cpu);
	json_number(j, "runs", t->runs);
	if (t->idle_ns >= 0)
		json_number(j, "not_run_ns", t->idle_ns);
	if (t->unmoved_ns)
		json_number(j, "not_moved_ns", t->unmoved_ns);
	if (t->moved)
		json_number(j, "ran_meanwhile", 1);
	put_call(j, t);
	put_wait(j, t);
	put_kernel(j, t->kernel);
	json_end_object(j);
}

static void put_frame(struct json *j, const struct dump *d, const struct dump_line *l)
{
	json_object(j, NULL);
	if (!l->module) {
		json_string(j, "ends", l->function);
		json_end_object(j);
		return;
	}
	if (*l->function)
		json_string(j, "function", l->function);
	if (*l->file)
		json_string(j, "file", l->file);
	if (l->line)
		json_number(j, "line", l->line);
	json_string(j, "module", d->modules[l->module - 1].path);
	put_hex(j, "offset", l->offset);
	if (l->is_inlined)
		json_number(j, "inlined", 1);
	if (l->is_guessed)
		json_number(j, "guessed", 1);
	json_end_object(j);
}

static void put_tids(struct json *j, const struct dump *d, const uint32_t *threads, uint32_t n)
{
	json_array(j, "threads");
	for (uint32_t i = 0; i < n; i++)
		json_number(j, NULL, d->threads[threads[i]].tid);
	json_end_array(j);
}

static void put_groups(struct json *j, const struct dump *d)
{
	json_array(j, "groups");
	for (uint32_t i = 0; i < d->n_groups; i++) {
		const struct dump_group *g = &d->groups[i];
		json_object(j, NULL);
		json_number(j, "pid", g->pid);
		json_string(j, "state", pseudo_state(g->state));
		put_tids(j, d, d->members + g->first_member, g->n_members);
		json_array(j, "frames");
		for (uint32_t l = 0; l < g->n_lines; l++)
			put_frame(j, d, &d->lines[g->first_line + l]);
		json_end_array(j);
		json_end_object(j);
	}
	json_end_array(j);
}

/* --- locks --------------------------------------------------------------------------------- */

static int by_lock(const void *a, const void *b, void *arg)
{
	const struct dump *d = arg;
	const struct dump_thread *x = &d->threads[*(const uint32_t *)a];
	const struct dump_thread *y = &d->threads[*(const uint32_t *)b];
	int order = sorted_order(x->pid, y->pid);

	return order ? order : sorted_order(x->wait.lock, y->wait.lock);
}

static void put_lock(struct json *j, const struct dump *d, const uint32_t *waiters, uint32_t n)
{
	const struct dump_thread *t = &d->threads[*waiters];

	json_object(j, NULL);
	json_number(j, "pid", t->pid);
	put_hex(j, "address", wait_kind_lock(t->wait.kind, t->wait.lock));
	if (t->lock)
		json_string(j, "name", t->lock);
	json_string(j, "kind", wait_kind_word(t->wait.kind));
	for (uint32_t i = 0; i < n; i++)
		if (d->threads[waiters[i]].wait.holder) {
			json_number(j, "holder", d->threads[waiters[i]].wait.holder);
			break;
		}
	put_tids(j, d, waiters, n);
	json_end_object(j);
}

static int put_locks(struct json *j, const struct dump *d)
{
	uint32_t *waiters = malloc((d->n_threads + 1) * sizeof(*waiters)), n = 0;

	if (!waiters)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->n_threads; i++)
		if (d->threads[i].wait.lock && wait_kind_word(d->threads[i].wait.kind))
			waiters[n++] = i;
	qsort_r(waiters, n, sizeof(*waiters), by_lock, (void *)d);
	json_array(j, "locks");
	for (uint32_t i = 0, same; i < n; i += same) {
		for (same = 1; i + same < n; same++)
			if (by_lock(&waiters[i], &waiters[i + same], (void *)d))
				break;
		put_lock(j, d, waiters + i, same);
	}
	json_end_array(j);
	free(waiters);
	return 0;
}

int dump_json(const struct dump *d, struct buf *out)
{
	struct json j = {.out = out};

	json_object(&j, NULL);
	json_number(&j, "dump", d->number + 1);
	json_number(&j, "time_ns", d->time);
	json_number(&j, "took_ns", d->took_ns);
	if (d->number)
		json_number(&j, "since_ns", d->since_ns);
	json_number(&j, "stops", d->stops);
	json_number(&j, "lost", d->lost);
	put_processes(&j, d);
	json_array(&j, "deadlocks");
	for (uint32_t i = 0; i < d->n_cycles; i++) {
		json_object(&j, NULL);
		put_tids(&j, d, d->in_cycles + d->cycles[i].first, d->cycles[i].n);
		json_end_object(&j);
	}
	json_end_array(&j);
	int error = put_locks(&j, d);
	put_groups(&j, d);
	json_array(&j, "threads");
	for (uint32_t i = 0; i < d->n_threads; i++)
		put_thread(&j, &d->threads[i]);
	json_end_array(&j);
	json_end_object(&j);
	buf_string(out, "\n");
	return error ? error : out->failed;
}
