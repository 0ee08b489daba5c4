/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/proc_status.h"
#include "agent/tracer/process.h"
#include "agent/tracer/threads.h"
#include "base/list.h"
#include "base/now.h"

uint64_t threads_time(void)
{
	struct timespec now;
	uint64_t hz = sysconf(_SC_CLK_TCK);

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * hz + now.tv_nsec / (SECOND / hz);
}

void threads_init(struct threads *t, const struct target *target, struct process *process,
	uint32_t *next_serial, uint64_t began)
{
	*t = (struct threads){
		.target = target,
		.process = process,
		.next_serial = next_serial,
		.began = began,
	};
}

static void thread_close(struct thread *th)
{
	if (th->schedstat_fd >= 0)
		close(th->schedstat_fd);
	if (th->stat_fd >= 0)
		close(th->stat_fd);
	if (th->status_fd >= 0)
		close(th->status_fd);
	if (th->sched_fd >= 0)
		close(th->sched_fd);
	th->schedstat_fd = th->stat_fd = th->status_fd = th->sched_fd = -1;
}

void threads_fini(struct threads *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		thread_close(&t->v[i]);
	free(t->v);
	t->v = NULL;
	t->n = t->room = 0;
}

static int by_tid(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static struct thread *threads_find(struct threads *t, uint32_t sorted, pid_t tid)
{
	struct thread key = {.tid = tid};

	return sorted ? bsearch(&key, t->v, sorted, sizeof(key), by_tid) : NULL;
}

static void set_name(struct thread *th, const char *comm)
{
	const struct common *common = th->process ? th->process->common : NULL;

	if (!strncmp(th->name, comm, sizeof(th->name)) && *comm)
		return;
	memcpy(th->name, comm, sizeof(th->name));
	int is_left_out = !thread_names_want(common ? &common->names : NULL, th->name);
	th->unsent |= th->is_left_out != is_left_out;
	th->is_left_out = is_left_out;
}

static int thread_open(struct threads *t, struct thread *th, pid_t tid)
{
	struct proc_stat stat;

	*th = (struct thread){.process = t->process,
		.tid = tid,
		.schedstat_fd = -1,
		.stat_fd = -1,
		.status_fd = -1,
		.sched_fd = -1,
		.waiting = {.runs = UINT64_MAX,
			.counted = UINT64_MAX,
			.counted_before = UINT64_MAX},
		.listed = 1,
		.unsent = 1};
	th->schedstat_fd = target_open_file(t->target, tid, "schedstat");
	th->stat_fd = target_open_file(t->target, tid, "stat");
	int error = th->schedstat_fd < 0 ? th->schedstat_fd : th->stat_fd < 0 ? th->stat_fd : 0;
	if (!error)
		error = proc_stat_read(th->stat_fd, &stat);
	if (!error)
		error = schedstat_read(th->schedstat_fd, &th->last);
	if (error) {
		thread_close(th);
		return error;
	}
	th->start_time = stat.start_time;
	/* Born since the last tick and running: this tick's look is already the one that counts. */
	th->was_running = stat.state == 'R';
	th->state = stat.state;
	/* Who sleeps when we first see it is taken for idle until it moves: of many threads too few
	 * are looked at in each tick to find that out for all. */
	th->idle_looks = th->was_running ? 0 : UINT32_MAX / 2;
	set_name(th, stat.comm);
	return 0;
}

static int threads_add(struct threads *t, pid_t tid)
{
	int error = list_room(&t->v, t->n, 1, &t->room, sizeof(*t->v), LIMIT_THREADS);

	if (error)
		return error;
	error = thread_open(t, &t->v[t->n], tid);
	if (error)
		return error;
	t->v[t->n].serial = (*t->next_serial)++;
	/* A thread that one listing missed (it is no atomic view) is not new at the next. */
	t->v[t->n].is_new = t->first_listing_done && t->v[t->n].start_time >= t->began;
	t->n++;
	t->seen++;
	return 0;
}

/* A listed thread that we know is the same one unless its file says that it has ended. */
static int still_there(struct thread *th)
{
	struct schedstat now;

	return th && !th->ended && schedstat_read(th->schedstat_fd, &now) != -ESRCH;
}

static int list_tasks(struct threads *t, DIR *dir)
{
	uint32_t sorted = t->n;
	struct dirent *entry;
	int error = 0;

	while ((entry = readdir(dir)) && error != -ENOMEM && error != -E2BIG) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		pid_t tid = atoi(entry->d_name);
		struct thread *th = threads_find(t, sorted, tid);
		if (still_there(th)) {
			th->listed = 1;
			continue;
		}
		int added = threads_add(t, tid);
		/* A thread that ended since the listing is no failure. */
		if (added && added != -ENOENT && added != -ESRCH)
			error = added;
	}
	return error;
}

/* The last listing may have put its news at the end, and not in order: numbers begin anew at times.
 */
static void sort(struct threads *t)
{
	for (uint32_t i = 1; i < t->n; i++)
		if (t->v[i].tid < t->v[i - 1].tid) {
			qsort(t->v, t->n, sizeof(*t->v), by_tid);
			return;
		}
}

int threads_refresh(struct threads *t)
{
	int fd = openat(t->target->proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		int error = -errno;
		if (fd >= 0)
			close(fd);
		return error;
	}
	for (uint32_t i = 0; i < t->n; i++)
		t->v[i].listed = 0;
	sort(t);
	int error = list_tasks(t, dir);
	closedir(dir);
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->v[i].listed && !t->v[i].ended && !still_there(&t->v[i]))
			t->v[i].ended = t->v[i].unsent = 1;
	t->first_listing_done = 1;
	return error;
}

void threads_sweep(struct threads *t)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (t->v[i].ended)
			thread_close(&t->v[i]);
		else
			t->v[kept++] = t->v[i];
	}
	t->n = kept;
}

/* A thread uses no more CPU than time passes, and its figures only grow; otherwise they are those
 * of a thread that got this id by calling exec. The slack is for kernels that account a CPU without
 * ticks (nohz_full) once a second. */
static int is_another(const struct thread *th, const struct schedstat *now, uint64_t at)
{
	const uint64_t slack = 1500000000;

	if (now->cpu < th->last.cpu || now->runs < th->last.runs)
		return 1;
	return th->looked_at && now->cpu - th->last.cpu > at - th->looked_at + slack;
}

int thread_look(struct thread *th, uint64_t at)
{
	struct schedstat now;
	int error = schedstat_read(th->schedstat_fd, &now);

	if (error && error != -ESRCH)
		return error;
	if (error || is_another(th, &now, at)) {
		th->ended = th->unsent = 1;
		return -ESRCH;
	}
	th->ran = now.cpu - th->last.cpu;
	th->since = at - th->looked_at;
	th->looked_at = at;
	th->moved = now.runs != th->last.runs || now.cpu != th->last.cpu;
	if (th->moved) {
		th->last = now;
		th->unsent = 1;
		th->idle_looks = 0;
	} else {
		th->idle_looks++;
	}
	return 0;
}

int thread_state(struct thread *th, struct proc_stat *stat)
{
	struct proc_stat own;
	int error = proc_stat_read(th->stat_fd, stat ? stat : &own);

	if (error)
		return error;
	if (!stat)
		stat = &own;
	int was_left_out = th->is_left_out;
	set_name(th, stat->comm);
	/* What it used so far is told now, as of the name that it had. */
	if (th->is_left_out != was_left_out)
		process_tell_threads(th->process);
	th->was_running = stat->state == 'R';
	th->state = stat->state;
	th->processor = stat->processor;
	return stat->state;
}

/* Runs, runs less switches; the state's letter at that moment, or -errno. */
static int count_runs(const struct target *target, struct thread *th, uint64_t *runs, int64_t *more)
{
	struct proc_status status;
	struct schedstat now;

	if (th->status_fd < 0)
		th->status_fd = target_open_file(target, th->tid, "status");
	if (th->status_fd < 0)
		return th->status_fd;
	int error = proc_status_read(th->status_fd, &status);
	error = error ? error : schedstat_read(th->schedstat_fd, &now);
	if (error)
		return error;
	uint64_t left = proc_status_number(&status, "voluntary_ctxt_switches") +
			proc_status_number(&status, "nonvoluntary_ctxt_switches");
	*runs = now.runs;
	*more = (int64_t)(now.runs - left);
	const char *state = proc_status_value(&status, "State");
	return state ? *state : -EINVAL;
}

int thread_is_on_cpu(const struct target *target, struct thread *th)
{
	uint64_t runs;
	int64_t more;
	int state = count_runs(target, th, &runs, &more);

	return state < 0 ? state : more > th->runs_base;
}

void thread_calibrate(const struct target *target, struct thread *th)
{
	const uint64_t often = 64; /* the drift is slow, the look is not cheap */
	uint64_t runs;
	int64_t more;

	if (th->calibrated && th->last.runs - th->calibrated < often)
		return;
	int state = count_runs(target, th, &runs, &more);
	/* It must not have run between the two files. */
	if (state > 0 && state != 'R' && runs == th->last.runs) {
		th->runs_base = more;
		th->calibrated = runs;
	}
}

uint64_t threads_switch_time(const char *text)
{
	const char *at = strstr(text, "\nse.exec_start"), *colon = at ? strchr(at, ':') : NULL;
	char *point;

	if (!colon)
		return 0;
	/* Milliseconds with six decimals. */
	uint64_t ms = strtoull(colon + 1, &point, 10);
	if (*point != '.' || strspn(point + 1, "0123456789") < 6)
		return 0;
	char decimals[7] = "";
	memcpy(decimals, point + 1, 6);
	return ms * 1000000 + strtoull(decimals, NULL, 10);
}

static uint64_t read_switch_time(int fd)
{
	char text[512]; /* it is the first of many lines */
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return threads_switch_time(text);
}

uint64_t thread_switched_at(const struct target *target, struct thread *th)
{
	if (th->sched_fd < 0)
		th->sched_fd = target_open_file(target, th->tid, "sched");
	return th->sched_fd < 0 ? 0 : read_switch_time(th->sched_fd);
}

uint64_t threads_own_switch(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/thread-self/sched", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? 0 : read_switch_time(fd);
}
