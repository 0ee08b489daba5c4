/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "agent/refusal.h"
#include "base/log.h"

static const char *user_name(int uid, char *room, size_t size)
{
	struct passwd *pw = getpwuid(uid);

	if (pw)
		snprintf(room, size, "%s", pw->pw_name);
	else
		snprintf(room, size, "uid %d", uid);
	return room;
}

static void tell_traced(int pid, int tracer)
{
	if (tracer)
		log_error(
			"process %d is already traced by process %d\n"
			"end that tracer (gdb, strace, another profiler) or wait until it has finished",
			pid, tracer);
	else
		log_error("process %d is already traced from outside this PID namespace\n"
			  "end that tracer or wait until it has finished",
			pid);
}

static void tell_yama(int pid, int scope)
{
	if (scope == 3)
		log_error(
			"process %d: ptrace is switched off on this machine (yama ptrace_scope = 3)\n"
			"only a reboot with kernel.yama.ptrace_scope below 3 brings it back",
			pid);
	else
		log_error("process %d is not a child of ours and yama forbids to trace it "
			  "(kernel.yama.ptrace_scope = %d)\n"
			  "run as root, or: sudo sysctl kernel.yama.ptrace_scope=0",
			pid, scope);
}

static void tell_foreign(int pid, int detail)
{
	if ((detail & 0xff) == 1)
		log_error(
			"process %d is a 32-bit program; only 64-bit x86 programs can be profiled\n"
			"profile a 64-bit build of it",
			pid);
	else
		log_error("process %d is of another architecture (ELF machine %d)\n"
			  "profile a native x86-64 build of it, or the emulator's own process",
			pid, detail >> 8);
}

/* Cause, then remedy; the only thing to fill in is the pid. */
static const char *const plain[] = {
	[REFUSED_NO_PROCESS] =
		"no process with pid %d\n"
		"list what runs with ps -e; a pid of a container counts in its own PID namespace",
	[REFUSED_ZOMBIE] = "process %d has ended (a zombie that its parent has not waited for)\n"
			   "there is nothing left to profile; look at its parent",
	[REFUSED_KERNEL_THREAD] = "process %d is a kernel thread, it has no program to profile\n"
				  "use perf for the kernel",
	[REFUSED_OURSELVES] = "process %d is this profiler itself\n"
			      "start a second one and give it the first one's pid",
	[REFUSED_CAPABILITY] =
		"process %d: root without the capability CAP_SYS_PTRACE (a container?)\n"
		"start the container with --cap-add SYS_PTRACE",
	[REFUSED_NOT_DUMPABLE] = "process %d protects itself (set-user-ID, or PR_SET_DUMPABLE 0)\n"
				 "run as root",
	[REFUSED_SECCOMP] =
		"process %d: a system call filter forbids us ptrace (a container?)\n"
		"start the container with --cap-add SYS_PTRACE or another seccomp profile",
	[REFUSED_NAMESPACE] =
		"process %d: /proc shows another PID namespace than the one we run in\n"
		"mount a /proc of this namespace (unshare --mount-proc), or run outside it",
	[REFUSED_NO_SCHEDSTAT] =
		"process %d: this kernel keeps no scheduler statistics (/proc/PID/schedstat)\n"
		"it takes a kernel with CONFIG_SCHED_INFO, as all distributions build it",
	[REFUSED_LSM] =
		"process %d: the kernel forbids to trace it, and shows no cause: a security "
		"module, perhaps (SELinux, AppArmor, Landlock, BPF)\n"
		"where it is one its log says more (journalctl -k); it takes a change of its "
		"policy",
};

static void tell_owner(int pid, const struct tracer_refused *why)
{
	char room[64];
	const char *user = user_name(why->detail, room, sizeof(room));

	if (why->cause == REFUSED_FILES)
		log_error(
			"process %d belongs to %s: CAP_SYS_PTRACE alone does not open its files in "
			"/proc\n"
			"add CAP_DAC_READ_SEARCH, or run as that user",
			pid, user);
	else
		log_error("process %d belongs to %s\n"
			  "run as that user or as root: the same command behind sudo",
			pid, user);
}

static void tell(int pid, const struct tracer_refused *why)
{
	if (why->cause < sizeof(plain) / sizeof(*plain) && plain[why->cause]) {
		log_error(plain[why->cause], pid);
		return;
	}
	switch (why->cause) {
	case REFUSED_TRACED:
		tell_traced(pid, why->detail);
		break;
	case REFUSED_OTHER_USER:
	case REFUSED_FILES:
		tell_owner(pid, why);
		break;
	case REFUSED_YAMA:
		tell_yama(pid, why->detail);
		break;
	case REFUSED_FOREIGN:
		tell_foreign(pid, why->detail);
		break;
	case REFUSED_THREAD:
		log_error("%d is a thread of process %d\n"
			  "give the process: -p %d",
			pid, why->detail, why->detail);
		break;
	case REFUSED_TOO_MANY:
		log_error("process %d is one too many: there is room for %d\n"
			  "give fewer with -p",
			pid, why->detail);
		break;
	case REFUSED_IDENTITY:
		log_error("process %d has ended, its number belongs to another one now", pid);
		break;
	default:
		log_error("process %d cannot be attached: %s\n"
			  "see doc/PERMISSIONS.md",
			pid, strerror(why->detail));
	}
}

static void tell_name(const struct options *o, const struct tracer_refused *why)
{
	char shown[64];

	log_escape(shown, sizeof(shown), o->name);
	if (why->detail)
		log_error("none of the processes named %s can be profiled\n"
			  "the lines above say why",
			shown);
	else
		log_error("no process is named %s\n"
			  "ps -e shows the names, which the kernel cuts after 15 bytes",
			shown);
}

void refusal_print(const struct options *o, const struct tracer_refused *why)
{
	if (why->cause == REFUSED_NAME)
		tell_name(o, why);
	else
		tell(why->pid, why);
}
