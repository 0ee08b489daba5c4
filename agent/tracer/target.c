/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent/tracer/proc_file.h"
#include "agent/tracer/proc_status.h"
#include "agent/tracer/target.h"
#include "agent/tracer/tracee.h"
#include "base/now.h"

static int refuse(struct tracer_refused *why, enum refusal cause, int detail)
{
	why->cause = cause;
	why->detail = detail;
	return -1;
}

static int has_capability(int cap)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	return data[cap / 32].effective >> (cap % 32) & 1;
}

static int yama_scope(void)
{
	char text[16] = "";

	if (proc_file_read(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text)) < 0)
		return 0;
	return atoi(text);
}

/* Reading this file needs the very permission that attaching needs, and touches nothing. */
static int may_attach(int proc)
{
	char text[256];
	int n = proc_file_read(proc, "syscall", text, sizeof(text));

	return n >= 0 || (n != -EPERM && n != -EACCES);
}

/* Only these say that there is no such process; any other failure is ours, or the machine's. */
static int refuse_error(struct tracer_refused *why, int error)
{
	if (error == -ENOENT || error == -ESRCH)
		return refuse(why, REFUSED_NO_PROCESS, 0);
	return refuse(why, REFUSED_OTHER, -error);
}

/* Why attaching is not allowed, most specific cause first. uid: the real one of the process. */
static int diagnose(long uid, struct tracer_refused *why)
{
	int scope = yama_scope();

	if (!has_capability(CAP_SYS_PTRACE)) {
		if (scope == 3)
			return refuse(why, REFUSED_YAMA, scope);
		if (geteuid() == 0)
			return refuse(why, REFUSED_CAPABILITY, 0);
		if (uid != (long)geteuid())
			return refuse(why, REFUSED_OTHER_USER, uid);
		if (scope)
			return refuse(why, REFUSED_YAMA, scope);
		return refuse(why, REFUSED_NOT_DUMPABLE, 0);
	}
	if (scope == 3)
		return refuse(why, REFUSED_YAMA, scope);
	/* The file that was tried is its owner's, mode 0400. */
	if (uid != (long)geteuid() && !has_capability(CAP_DAC_READ_SEARCH) &&
		!has_capability(CAP_DAC_OVERRIDE))
		return refuse(why, REFUSED_FILES, uid);
	return refuse(why, REFUSED_LSM, 0);
}

/* The supervisor and its other children have our parent as parent. */
static int is_ourselves(pid_t pid, const struct proc_stat *stat)
{
	return pid == getpid() || pid == getppid() || stat->ppid == getppid();
}

/* Only the fixed first twenty bytes: class and machine (elf(5), Elf64_Ehdr). */
static int check_machine(int proc, struct tracer_refused *why)
{
	unsigned char head[20];
	int fd = openat(proc, "exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return 0; /* the main thread has ended: taken as it is */
	ssize_t n = pread(fd, head, sizeof(head), 0);
	close(fd);
	if (n != sizeof(head))
		return 0;
	int machine = head[18] | head[19] << 8;
	if (head[EI_CLASS] != ELFCLASS64 || machine != EM_X86_64)
		return refuse(why, REFUSED_FOREIGN, machine << 8 | head[EI_CLASS]);
	return 0;
}

/* What tells a thread that computes from one that was only looked at in passing. A kernel without
 * them writes zeros: asked of ourselves, for we have been on a CPU once, and a process that was
 * just born perhaps has not. */
static int has_run_counts(const struct target *t)
{
	struct schedstat ours = {0}, theirs;
	uint64_t used = target_clock(t); /* first: it may begin to run just now */
	int error = schedstat_take(target_open_file(t, t->pid, "schedstat"), &theirs);

	if (error)
		return error == -ENOENT || error == -ESRCH;
	/* One that has used CPU time has been on a CPU. */
	if (theirs.runs || used)
		return theirs.runs != 0;
	error = schedstat_take(proc_file_open(AT_FDCWD, "/proc/self/schedstat"), &ours);
	return !error && ours.runs != 0;
}

static int check(struct target *t, int is_launched, struct tracer_refused *why)
{
	struct proc_status status;
	int error = proc_stat_take(proc_file_open(t->proc, "stat"), &t->stat);

	error = error ? error : proc_status_take(proc_file_open(t->proc, "status"), &status);
	if (error)
		return refuse_error(why, error);
	long process = proc_status_number(&status, "Tgid");
	long tracer = proc_status_number(&status, "TracerPid");
	if (!process) /* ended between the two files */
		return refuse(why, REFUSED_NO_PROCESS, 0);
	if (process != t->pid)
		return refuse(why, REFUSED_THREAD, process);
	if (!is_launched && is_ourselves(t->pid, &t->stat))
		return refuse(why, REFUSED_OURSELVES, 0);
	/* A main thread that ended before the others is a zombie too, in a process that lives on.
	 */
	if ((t->stat.state == 'Z' || t->stat.state == 'X') && t->stat.n_threads <= 1)
		return refuse(why, REFUSED_ZOMBIE, 0);
	if (t->stat.flags & PROC_STAT_KTHREAD)
		return refuse(why, REFUSED_KERNEL_THREAD, 0);
	if (tracer)
		return refuse(why, REFUSED_TRACED, tracer);
	if (tracee_probe() < 0)
		return refuse(why, REFUSED_SECCOMP, 0);
	if (!may_attach(t->proc))
		return diagnose(proc_status_number(&status, "Uid"), why);
	if (!has_run_counts(t))
		return refuse(why, REFUSED_NO_SCHEDSTAT, 0);
	return check_machine(t->proc, why);
}

/* A /proc of another PID namespace numbers processes otherwise than ptrace does: what we would look
 * at and what we would stop are two processes. */
static int proc_is_of_our_namespace(void)
{
	char text[32] = "";

	return readlink("/proc/self", text, sizeof(text) - 1) > 0 && atoi(text) == getpid();
}

int target_open(struct target *t, pid_t pid, int is_launched, struct tracer_refused *why)
{
	char path[32];

	*t = (struct target){.pid = pid, .proc = -1, .pidfd = -1};
	if (!proc_is_of_our_namespace())
		return refuse(why, REFUSED_NAMESPACE, 0);
	snprintf(path, sizeof(path), "/proc/%d", pid);
	t->pidfd = syscall(SYS_pidfd_open, pid, 0);
	t->proc = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (t->proc < 0)
		refuse_error(why, -errno);
	/* The directory is that of the pidfd's process if that one is still alive after the open.
	 */
	if (t->proc < 0 || check(t, is_launched, why) < 0) {
		target_close(t);
		return -1;
	}
	if (!target_is_alive(t)) {
		target_close(t);
		return refuse(why, REFUSED_NO_PROCESS, 0);
	}
	return 0;
}

void target_close(struct target *t)
{
	if (t->proc >= 0)
		close(t->proc);
	if (t->pidfd >= 0)
		close(t->pidfd);
	t->proc = t->pidfd = -1;
}

int target_is_alive(const struct target *t)
{
	struct pollfd p = {.fd = t->pidfd, .events = POLLIN};

	if (t->pidfd < 0)
		return faccessat(t->proc, "stat", F_OK, 0) == 0;
	return poll(&p, 1, 0) == 0;
}

uint64_t target_clock(const struct target *t)
{
	struct timespec ts;
	/* include/linux/posix-timers.h: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED) */
	clockid_t id = (~(unsigned)t->pid << 3) | 2;

	if (clock_gettime(id, &ts) < 0)
		return 0;
	/* Once the process is gone its number may be another one's. */
	if (t->pidfd >= 0 && syscall(SYS_pidfd_send_signal, t->pidfd, 0, NULL, 0) < 0 &&
		errno == ESRCH)
		return 0;
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

int target_open_file(const struct target *t, pid_t tid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "task/%d/%s", tid, name);
	return proc_file_open(t->proc, path);
}

int target_open_root(const struct target *t, pid_t tid)
{
	char path[48];

	snprintf(path, sizeof(path), "task/%d/root", tid);
	int fd = openat(t->proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int target_read_file(const struct target *t, pid_t tid, const char *name, struct buf *text)
{
	int fd = target_open_file(t, tid, name);

	if (fd < 0)
		return fd;
	int error = buf_read_fd(text, fd);
	close(fd);
	return error;
}
