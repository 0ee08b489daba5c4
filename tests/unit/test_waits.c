/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/tracer/waits: threads of tests/targets/locks, which knows what each waits for and who holds
 * it; the same where it has a PID namespace of its own.
 *
 * LOCKS is another build of that program (tests/integration/waits.sh).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/tracer/file_locks.h"
#include "agent/tracer/proc_file.h"
#include "agent/tracer/waits.h"
#include "output/wait_kind.h"

/* --- the program ------------------------------------------------------------------------------ */

struct program {
	pid_t pid, parent; /* parent: of ours, between; 0: none */
	FILE *says;
	int is_isolated;
};

static void run_program(int out)
{
	const char *folder = getenv("TARGETS"), *other = getenv("LOCKS");
	char path[4096];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	snprintf(path, sizeof(path), "%s/locks", folder ? folder : "tests/targets");
	execl(other ? other : path, "locks", NULL);
	_exit(127);
}

/* The first process of a new namespace, whose parent stays in ours. */
static void run_isolated(int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWPID))
		_exit(77);
	pid_t pid = fork();
	if (!pid)
		run_program(out);
	dprintf(out, "pid %d\n", pid);
	close(out);
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* 0: not permitted here. */
static int start(struct program *p, int is_isolated)
{
	int out[2];
	char line[256];

	*p = (struct program){.is_isolated = is_isolated};
	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	if (!pid && is_isolated)
		run_isolated(out[1]);
	if (!pid)
		run_program(out[1]);
	close(out[1]);
	p->says = fdopen(out[0], "r");
	p->pid = pid;
	if (!is_isolated)
		return 1;
	p->parent = pid;
	return fgets(line, sizeof(line), p->says) && sscanf(line, "pid %d", &p->pid) == 1;
}

static void end_program(struct program *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->parent ? p->parent : p->pid, NULL, 0);
	fclose(p->says);
}

static void open_process(struct process *process, pid_t pid)
{
	static uint32_t serial;
	struct tracer_refused why;

	*process = (struct process){0};
	assert_int_equal(target_open(&process->target, pid, 0, &why), 0);
	threads_init(&process->threads, &process->target, process, &serial, 0);
	assert_int_equal(threads_refresh(&process->threads), 0);
}

static void close_process(struct process *p)
{
	threads_fini(&p->threads);
	tids_fini(&p->tids);
	target_close(&p->target);
}

/* Our number of its thread: by the last id in NSpid. 0: it has no such thread. */
static pid_t ours(const struct process *p, pid_t theirs)
{
	char text[4096], path[64];

	for (uint32_t i = 0; i < p->threads.n; i++) {
		snprintf(path, sizeof(path), "task/%d/status", p->threads.v[i].tid);
		assert_true(proc_file_read(p->target.proc, path, text, sizeof(text)) > 0);
		char *line = strstr(text, "\nNSpid:");
		assert_non_null(line);
		*strchr(line + 1, '\n') = '\0';
		if (atoi(strrchr(line, '\t')) == theirs)
			return p->threads.v[i].tid;
	}
	return 0;
}

struct truth {
	int tid, holder;
	char kind[32], symbol[64], scene[64];
	uint64_t lock;
};

/* What no shape can tell. */
static int is_told_by_names(const char *kind, const struct wait *w)
{
	static const char *const kinds[] = {"once", "sem", "cond", "barrier", "rwlock"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kind, kinds[i]))
			return w->kind == WAIT_FUTEX;
	return 0;
}

static const char *word_of(const struct wait *w)
{
	return w->kind == WAIT_IDLE	 ? "idle"
	       : wait_kind_word(w->kind) ? wait_kind_word(w->kind)
					 : "";
}

static int is_gone(const struct wait *w)
{
	return !!(w->flags & WAIT_HOLDER_GONE);
}

static void check_wait(const struct program *p, const struct process *process, struct truth *t,
	const struct wait *w)
{
	int is_other = p->is_isolated && !strcmp(t->scene, "other_process");
	int is_file = !strcmp(t->kind, "file_lock");
	int is_barrier = !strcmp(t->kind, "barrier"), is_cond = !strcmp(t->kind, "cond");
	uint64_t lock = t->lock, found = w->lock;

	/* A glibc whose shape told it: once, sem and barrier have none. A mutex that nobody holds
	 * who lives may be some other lock. */
	if (!strcmp(t->kind, "mutex") && w->kind == WAIT_FUTEX)
		assert_true(is_gone(w) && !w->holder);
	else if (!is_told_by_names(t->kind, w))
		assert_string_equal(word_of(w), is_file ? "file lock" : t->kind);
	else
		assert_false(w->holder || w->flags);
	/* musl's threads wait for a word of their own, on the stack of one of them. */
	if (is_barrier)
		found = wait_kind_lock(WAIT_BARRIER, found);
	if (!(is_barrier && found - lock > 32) && !(is_cond && w->kind == WAIT_FUTEX))
		assert_int_equal(found, lock);
	assert_int_equal(is_gone(w), t->holder == -1);
	assert_int_equal(!!(w->flags & WAIT_READERS), t->holder == -2);
	/* Files' holders are told by the kernel, in numbers of ours. */
	pid_t holder = t->holder <= 0 || is_other ? 0 : ours(process, t->holder);
	if (t->holder > 0 && !p->is_isolated)
		holder = t->holder;
	if (is_file && p->is_isolated && t->holder > 0 && !holder) {
		assert_true(w->holder > 0);
		return;
	}
	assert_int_equal(w->holder, holder);
}

/* How many threads were asked. */
static int check_all(const struct program *p)
{
	struct process process = {0};
	struct truth t;
	struct call_now call;
	struct wait w;
	char line[512], text[256];
	int n = 0;
	struct truth *all = calloc(256, sizeof(*all));

	while (fgets(line, sizeof(line), p->says) && strncmp(line, "ready", 5)) {
		assert_true(n < 256);
		assert_int_equal(sscanf(line, "truth wait.%d %31s %lx %d %63s %63s", &t.tid, t.kind,
					 &t.lock, &t.holder, t.symbol, t.scene),
			6);
		all[n++] = t;
	}
	open_process(&process, p->pid);
	for (int i = 0; i < n; i++) {
		pid_t tid = ours(&process, all[i].tid);
		assert_true(tid > 0);
		assert_true(proc_file_take(target_open_file(&process.target, tid, "syscall"), text,
				    sizeof(text)) > 0);
		print_message("%s, %s: %s", all[i].scene, all[i].kind, text);
		assert_int_equal(waits_parse(text, &call), 1);
		process.tids.next_listing = 0; /* as if some time had passed */
		waits_find(&process, &call, &w);
		assert_int_equal(w.call, call.nr);
		check_wait(p, &process, &all[i], &w);
	}
	close_process(&process);
	free(all);
	return n;
}

static void each_lock_and_its_holder(void **state)
{
	struct program p;

	(void)state;
	assert_true(start(&p, 0));
	assert_true(check_all(&p) > 25);
	end_program(&p);
}

static void ids_of_another_namespace(void **state)
{
	struct program p;

	(void)state;
	if (!start(&p, 1)) {
		waitpid(p.parent, NULL, 0);
		fclose(p.says);
		skip(); /* only root may make one */
	}
	assert_true(check_all(&p) > 25);
	end_program(&p);
}

/* --- text ------------------------------------------------------------------------------------- */

static void calls_are_read(void **state)
{
	struct call_now c;

	(void)state;
	assert_int_equal(waits_parse("running\n", &c), 0);
	assert_int_equal(waits_parse("-1 0x7ffd00000010 0x401000\n", &c), 1);
	assert_int_equal(c.nr, -1);
	assert_true(c.sp == 0x7ffd00000010 && c.pc == 0x401000);
	assert_int_equal(
		waits_parse("202 0x10 0x80 0x2 0x0 0xffffffffffffffff 0x6 0x7 0x8\n", &c), 1);
	assert_int_equal(c.nr, 202);
	assert_true(c.args[0] == 0x10 && c.args[1] == 0x80 && c.args[2] == 2 && c.args[3] == 0 &&
		    c.args[4] == UINT64_MAX && c.args[5] == 6 && c.sp == 7 && c.pc == 8);
	static const char *const bad[] = {"", "\n", "x", "-1", "-1 0x1", "-2 0x1 0x2", "202",
		"202 0x10 0x80 0x2 0x0 0x5 0x6 0x7", "202 0x10 0x80", "202  0x1"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(waits_parse(bad[i], &c), -EINVAL);
}

static void holders_of_files_locks(void **state)
{
	static const char text[] = "1: POSIX  ADVISORY  WRITE 100 08:02:131 0 EOF\n"
				   "1: -> POSIX  ADVISORY  WRITE 200 08:02:131 0 EOF\n"
				   "1:  -> POSIX  ADVISORY  READ 201 08:02:131 0 EOF\n"
				   "2: FLOCK  ADVISORY  WRITE 101 00:01:132 0 EOF\n"
				   "2: -> FLOCK  ADVISORY  WRITE 200 00:01:132 0 EOF\n"
				   "3: OFDLCK ADVISORY  WRITE -1 00:01:133 0 EOF\n"
				   "3: -> OFDLCK ADVISORY  WRITE -1 00:01:133 0 EOF\n"
				   "4: POSIX  ADVISORY  WRITE 102 08:02:134 0 9\n"
				   "4: -> OFDLCK ADVISORY  WRITE -1 08:02:134 0 EOF\n"
				   "nonsense\n5: FLOCK\n-> \n";

	(void)state;
	assert_int_equal(file_lock_holder(text, 0, 200, 131), 100);
	assert_int_equal(file_lock_holder(text, 0, 201, 131), 100);
	assert_int_equal(file_lock_holder(text, 1, 200, 132), 101);
	assert_int_equal(file_lock_holder(text, 1, 200, 0), 101);
	assert_int_equal(file_lock_holder(text, 0, 200, 132), 0);
	assert_int_equal(file_lock_holder(text, 0, 200, 133), 0);
	assert_int_equal(file_lock_holder(text, 0, 200, 134), 102);
	assert_int_equal(file_lock_holder(text, 0, 300, 131), 0);
	assert_int_equal(file_lock_holder("", 1, 200, 0), 0);
}

int main(void)
{
	const struct CMUnitTest program[] = {
		cmocka_unit_test(each_lock_and_its_holder),
		cmocka_unit_test(ids_of_another_namespace),
		cmocka_unit_test(calls_are_read),
		cmocka_unit_test(holders_of_files_locks),
	};

	return cmocka_run_group_tests(program, NULL, NULL);
}
