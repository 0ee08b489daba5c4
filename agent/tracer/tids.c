/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/proc_status.h"
#include "agent/tracer/tids.h"
#include "base/list.h"
#include "base/now.h"

#define DEPTH_MAX 33 /* MAX_PID_NS_LEVEL of the kernel, and the first */

void tids_fini(struct tids *t)
{
	free(t->v);
	*t = (struct tids){0};
}

/* The innermost id in NSpid, and how many there are; or -errno. */
static pid_t read_theirs(const struct target *target, pid_t tid, int *depth)
{
	struct proc_status status;
	int error = proc_status_take(target_open_file(target, tid, "status"), &status);
	const char *at = error ? NULL : proc_status_value(&status, "NSpid");
	long id = 0;

	*depth = 0;
	while (at && *depth < DEPTH_MAX) {
		char *end;
		id = strtol(at, &end, 10);
		at = *end == '	' ? end + 1 : NULL;
		++*depth;
	}
	return error ? error : id;
}

/* Also where it is the main thread that has ended before the others: it holds nothing up any more
 * that it could give back. */
static int is_alive(const struct target *target, pid_t tid)
{
	struct proc_stat stat;
	char path[32];

	snprintf(path, sizeof(path), "task/%d", tid);
	if (faccessat(target->proc, path, F_OK, 0) < 0)
		return 0;
	return tid != target->pid ||
	       proc_stat_take(target_open_file(target, tid, "stat"), &stat) < 0 ||
	       (stat.state != 'Z' && stat.state != 'X');
}

static int by_theirs(const void *a, const void *b)
{
	const struct tid_pair *x = a, *y = b;

	return (x->theirs > y->theirs) - (x->theirs < y->theirs);
}

/* 0, or -EAGAIN where it is too early. */
static int ask_all(struct tids *t, const struct threads *threads)
{
	uint64_t began = clock_now();
	int depth;

	if (began < t->next_listing)
		return -EAGAIN;
	t->n = 0;
	if (list_room(&t->v, 0, threads->n, &t->room, sizeof(*t->v), LIMIT_THREADS) < 0)
		return -EAGAIN;
	for (uint32_t i = 0; i < threads->n; i++) {
		const struct thread *th = &threads->v[i];
		pid_t theirs = th->ended ? 0 : read_theirs(threads->target, th->tid, &depth);
		if (theirs > 0)
			t->v[t->n++] = (struct tid_pair){theirs, th->tid};
	}
	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_theirs);
	uint64_t now = clock_now();
	t->next_listing = now + 20 * (now - began);
	return 0;
}

/* Of another namespace, as listed last; 0: it is not, or no longer, that thread. */
static pid_t look_up(const struct tids *t, const struct target *target, pid_t theirs)
{
	struct tid_pair key = {.theirs = theirs};
	const struct tid_pair *found =
		t->n ? bsearch(&key, t->v, t->n, sizeof(key), by_theirs) : NULL;
	int depth;

	if (!found || read_theirs(target, found->ours, &depth) != theirs)
		return 0;
	return is_alive(target, found->ours) ? found->ours : 0;
}

/* Any live thread tells how deep its namespace is. */
static void find_depth(struct tids *t, const struct threads *threads)
{
	for (uint32_t i = 0; i < threads->n && t->depth <= 0; i++)
		if (read_theirs(threads->target, threads->v[i].tid, &t->depth) < 0)
			t->depth = 0;
}

pid_t tids_find(struct tids *t, const struct threads *threads, pid_t theirs)
{
	if (theirs <= 0 || theirs > TIDS_MOST)
		return 0;
	if (!t->depth)
		find_depth(t, threads);
	if (!t->depth)
		return -EAGAIN;
	if (t->depth == 1)
		return is_alive(threads->target, theirs) ? theirs : 0;
	pid_t found = look_up(t, threads->target, theirs);
	int error = found ? 0 : ask_all(t, threads);
	if (found || error)
		return found ? found : error;
	return look_up(t, threads->target, theirs);
}

pid_t tids_find_anywhere(struct tids *t, const struct threads *threads, pid_t theirs)
{
	pid_t found = tids_find(t, threads, theirs);
	char path[32];

	if (found || theirs <= 0 || theirs > TIDS_MOST)
		return found;
	if (t->depth > 1)
		return -EAGAIN;
	/* A thread's id has its folder there too, though it is not listed. */
	snprintf(path, sizeof(path), "/proc/%d/task", theirs);
	return faccessat(AT_FDCWD, path, F_OK, 0) == 0 ? theirs : 0;
}
