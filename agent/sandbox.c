/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/sandbox.h"
#include "config.h"

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

#define NOBODY	 65534
#define BIT(cap) (1ull << (cap))

#define TRACER_CAPS                                                                                \
	(BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_DAC_OVERRIDE) |                  \
		BIT(CAP_CHECKPOINT_RESTORE) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_NICE) |             \
		BIT(CAP_SYS_RESOURCE))

/* Never more than now: asking for a capability that is not there would fail. */
static int keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= keep >> (32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* user: whose supplementary groups to take; NULL: none. */
static int become(uid_t uid, gid_t gid, const char *user)
{
	int groups = user ? initgroups(user, gid) : setgroups(0, NULL);

	if (groups < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

/* An id that sudo passed on, or none. */
static long sudo_id(const char *name)
{
	const char *text = getenv(name);
	char *end;

	if (!text || !*text)
		return -1;
	long id = strtol(text, &end, 10);
	return *end || id <= 0 ? -1 : id;
}

/* Session keeps a descriptor of each module for the next worker, the tracer some of each thread. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* The invoking user's ids under sudo. 1 root by itself, 0 not, or -errno. */
static int become_invoker(const char **what)
{
	long uid = sudo_id("SUDO_UID"), gid = sudo_id("SUDO_GID");
	int root = geteuid() == 0;

	*what = "taking the invoking user's ids";
	if (!root || uid <= 0 || gid <= 0)
		return root;
	return become(uid, gid, getenv("SUDO_USER"));
}

/* caps: those that root keeps. */
static int enter_as_invoker(uint64_t caps, const char **what)
{
	int root = become_invoker(what);

	if (root < 0)
		return root;
	*what = "giving up capabilities";
	raise_files();
	return keep_capabilities(root ? caps : 0);
}

static int enter_tracer(const char **what)
{
	*what = "giving up capabilities";
	raise_files();
	return keep_capabilities(TRACER_CAPS);
}

static int limit(int resource, rlim_t most)
{
	struct rlimit r;

	if (getrlimit(resource, &r) < 0)
		return -errno;
	if (r.rlim_max < most)
		most = r.rlim_max;
	r.rlim_cur = r.rlim_max = most;
	return setrlimit(resource, &r) < 0 ? -errno : 0;
}

static int limit_worker(void)
{
	int error = limit(RLIMIT_FSIZE, 0);

	error = error ? error : limit(RLIMIT_CORE, 0);
	error = error ? error : limit(RLIMIT_NOFILE, LIMIT_WORKER_FDS);
#ifndef WITH_SANITIZERS
	/* A sanitizer's shadow memory is larger than any sensible limit. */
	error = error ? error : limit(RLIMIT_AS, LIMIT_WORKER_AS);
	error = error ? error : limit(RLIMIT_DATA, LIMIT_WORKER_DATA);
#endif
	return error;
}

static const int worker_calls[] = {
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield),
#ifdef WITH_SANITIZERS
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(getuid),
#endif
};

static int allow_calls(scmp_filter_ctx ctx)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(worker_calls) / sizeof(*worker_calls) && !error; i++)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, worker_calls[i], 0);
	/* Memory, but never executable; fcntl only to ask; stat only of a descriptor. */
	if (!error)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!error)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!error)
		error = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFD, 0));
	if (!error)
		error = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0));
	if (!error)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
			SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
	return error;
}

/* What a player does besides: it finds files, and makes some of memory. */
static int allow_player_calls(scmp_filter_ctx ctx)
{
	const uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	int error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));

	if (!error)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create), 0);
	if (!error)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(nanosleep), 0);
	if (!error)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clock_nanosleep), 0);
	return error;
}

static int filter_calls(int is_player)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EACCES));

	if (!ctx)
		return -ENOMEM;
	int error = allow_calls(ctx);
	if (!error && is_player)
		error = allow_player_calls(ctx);
	if (!error)
		error = seccomp_load(ctx);
	seccomp_release(ctx);
	return error;
}

static int enter_worker(const char **what)
{
	*what = "becoming nobody";
	int error = geteuid() == 0 ? become(NOBODY, NOBODY, NULL) : 0;
	/* A container's root without CAP_SETUID, or a user namespace without that id: it keeps its
	 * id, and loses all rights of it below. */
	if (error && error != -EPERM && error != -EINVAL)
		return error;
	*what = "giving up capabilities";
	error = keep_capabilities(0);
	if (error)
		return error;
	*what = "setting resource limits";
	error = limit_worker();
	if (error)
		return error;
	return 0;
}

static int enter_player(const char **what)
{
	int error = enter_as_invoker(0, what);

	if (error)
		return error;
	*what = "setting resource limits";
	error = limit(RLIMIT_CORE, 0);
	return error ? error : limit(RLIMIT_FSIZE, LIMIT_PERF_MAP);
}

static int enter(enum role role, const char **what)
{
	switch (role) {
	case ROLE_SESSION:
		return enter_as_invoker(BIT(CAP_DAC_OVERRIDE), what);
	case ROLE_TRACER:
		return enter_tracer(what);
	default:
		return enter_worker(what);
	}
}

static int forbid_new_privileges(const char **what)
{
	*what = "forbidding new privileges";
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* A change of ids clears it, so afterwards; the parent may have died before. */
static int tie_life(pid_t parent, const char **what)
{
	*what = "tying its life to the supervisor's";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	*what = "loading the system call filter";
	/* libdw looks nothing up by name here: debuginfod stays out of it. */
	unsetenv("DEBUGINFOD_URLS");
	return 0;
}

/* [first, end). close_range is Linux 5.9. */
static void close_all(int first, int end)
{
	if (first >= end || close_range(first, end - 1, 0) == 0)
		return;
	long most = sysconf(_SC_OPEN_MAX);
	for (int fd = first; fd < end && fd < most; fd++)
		close(fd);
}

void sandbox_close_others(int a, int b)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	close_all(3, low);
	close_all(low + 1, high);
	close_all(high + 1, INT_MAX);
}

int sandbox_enter(enum role role, pid_t parent, const char **what)
{
	int error = forbid_new_privileges(what);

	error = error ? error : enter(role, what);
	error = error ? error : tie_life(parent, what);
	return error || role != ROLE_WORKER ? error : filter_calls(0);
}

int sandbox_enter_player(pid_t parent, const char **what)
{
	int error = forbid_new_privileges(what);

	error = error ? error : enter_player(what);
	error = error ? error : tie_life(parent, what);
	return error ? error : filter_calls(1);
}

int sandbox_enter_client(pid_t parent)
{
	int error = keep_capabilities(0);

	if (error)
		return error;
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

void sandbox_set_home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user = getpwuid(getuid());

	if (user && (!home || access(home, W_OK) < 0))
		setenv("HOME", user->pw_dir, 1);
}

int sandbox_enter_browser(void)
{
	int error = keep_capabilities(0);

	return error ? error : setsid() < 0 ? -errno : 0;
}
