/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "output/wait_kind.h"

/* Which of several functions on a stack tells; of equals the innermost one. */
enum rank {
	BELOW,	 /* what different locks are made of */
	LIBRARY, /* locks */
	RUNTIME	 /* locks that are made of such locks */
};

struct row {
	const char *name; /* as plain_name makes it */
	enum wait_kind kind;
	enum rank rank;
};

/* Sorted. Go's threads without work sleep on a note; what is std::thread::park for, nobody knows.
 */
static const struct row rows[] = {
	{"IO_flockfile", WAIT_STDIO, LIBRARY},
	{"ObjectMonitor::EnterI", WAIT_MUTEX, RUNTIME},
	{"ObjectMonitor::ReenterI", WAIT_MUTEX, RUNTIME},
	{"ObjectMonitor::enter", WAIT_MUTEX, RUNTIME},
	{"ObjectMonitor::enter_internal", WAIT_MUTEX, RUNTIME},
	{"ObjectMonitor::reenter_internal", WAIT_MUTEX, RUNTIME},
	{"ObjectMonitor::wait", WAIT_COND, RUNTIME},
	{"Parker::park", WAIT_COND, RUNTIME},
	{"Unsafe_Park", WAIT_COND, RUNTIME},
	{"call_once", WAIT_ONCE, LIBRARY},
	{"cnd_timedwait", WAIT_COND, LIBRARY},
	{"cnd_wait", WAIT_COND, LIBRARY},
	{"cxa_guard_acquire", WAIT_ONCE, LIBRARY},
	{"do_futex_wait", WAIT_SEM, LIBRARY},
	{"flockfile", WAIT_STDIO, LIBRARY},
	{"futex_lock_pi", WAIT_MUTEX, BELOW},
	{"lll_clocklock_wait", WAIT_MUTEX, BELOW},
	{"lll_lock_wait", WAIT_MUTEX, BELOW},
	{"lll_lock_wait_private", WAIT_MUTEX, BELOW},
	{"lll_timedlock_wait", WAIT_MUTEX, BELOW},
	{"lll_wait_tid", WAIT_JOIN, LIBRARY},
	{"lockfile", WAIT_STDIO, LIBRARY},
	{"mtx_lock", WAIT_MUTEX, LIBRARY},
	{"mtx_timedlock", WAIT_MUTEX, LIBRARY},
	{"new_sem_timedwait", WAIT_SEM, LIBRARY},
	{"new_sem_wait", WAIT_SEM, LIBRARY},
	{"new_sem_wait_fast", WAIT_SEM, LIBRARY},
	{"new_sem_wait_slow", WAIT_SEM, LIBRARY},
	{"parking_lot::condvar::Condvar::wait_until_internal", WAIT_COND, LIBRARY},
	{"parking_lot::once::Once::call_once_slow", WAIT_ONCE, LIBRARY},
	{"parking_lot::raw_fair_mutex::RawFairMutex::lock_slow", WAIT_MUTEX, LIBRARY},
	{"parking_lot::raw_mutex::RawMutex::lock_slow", WAIT_MUTEX, LIBRARY},
	{"parking_lot::raw_rwlock::RawRwLock::lock_exclusive_slow", WAIT_RWLOCK, LIBRARY},
	{"parking_lot::raw_rwlock::RawRwLock::lock_shared_slow", WAIT_RWLOCK, LIBRARY},
	{"parking_lot::raw_rwlock::RawRwLock::lock_upgradable_slow", WAIT_RWLOCK, LIBRARY},
	{"parking_lot::raw_rwlock::RawRwLock::upgrade_slow", WAIT_RWLOCK, LIBRARY},
	{"parking_lot::raw_rwlock::RawRwLock::wait_for_readers", WAIT_RWLOCK, LIBRARY},
	{"pthread_barrier_destroy", WAIT_BARRIER, LIBRARY},
	{"pthread_barrier_wait", WAIT_BARRIER, LIBRARY},
	{"pthread_clockjoin_ex", WAIT_JOIN, LIBRARY},
	{"pthread_clockjoin_np", WAIT_JOIN, LIBRARY},
	{"pthread_cond_clockwait", WAIT_COND, LIBRARY},
	{"pthread_cond_timedwait", WAIT_COND, LIBRARY},
	{"pthread_cond_wait", WAIT_COND, LIBRARY},
	{"pthread_cond_wait_common", WAIT_COND, LIBRARY},
	{"pthread_join", WAIT_JOIN, LIBRARY},
	{"pthread_mutex_clocklock", WAIT_MUTEX, LIBRARY},
	{"pthread_mutex_clocklock_common", WAIT_MUTEX, LIBRARY},
	{"pthread_mutex_cond_lock", WAIT_MUTEX, LIBRARY},
	{"pthread_mutex_cond_lock_full", WAIT_MUTEX, LIBRARY},
	{"pthread_mutex_lock", WAIT_MUTEX, LIBRARY},
	{"pthread_mutex_lock_full", WAIT_MUTEX, LIBRARY},
	{"pthread_mutex_timedlock", WAIT_MUTEX, LIBRARY},
	{"pthread_mutex_timedlock_pi", WAIT_MUTEX, LIBRARY},
	{"pthread_once", WAIT_ONCE, LIBRARY},
	{"pthread_once_full", WAIT_ONCE, LIBRARY},
	{"pthread_once_slow", WAIT_ONCE, LIBRARY},
	{"pthread_rwlock_clockrdlock", WAIT_RWLOCK, LIBRARY},
	{"pthread_rwlock_clockwrlock", WAIT_RWLOCK, LIBRARY},
	{"pthread_rwlock_rdlock", WAIT_RWLOCK, LIBRARY},
	{"pthread_rwlock_rdlock_full", WAIT_RWLOCK, LIBRARY},
	{"pthread_rwlock_timedrdlock", WAIT_RWLOCK, LIBRARY},
	{"pthread_rwlock_timedwrlock", WAIT_RWLOCK, LIBRARY},
	{"pthread_rwlock_wrlock", WAIT_RWLOCK, LIBRARY},
	{"pthread_rwlock_wrlock_full", WAIT_RWLOCK, LIBRARY},
	{"pthread_timedjoin_ex", WAIT_JOIN, LIBRARY},
	{"pthread_timedjoin_np", WAIT_JOIN, LIBRARY},
	{"runtime.findRunnable", WAIT_IDLE, LIBRARY},
	{"runtime.gcBgMarkWorker", WAIT_IDLE, LIBRARY},
	{"runtime.lock", WAIT_MUTEX, LIBRARY},
	{"runtime.lock2", WAIT_MUTEX, LIBRARY},
	{"runtime.lockWithRank", WAIT_MUTEX, LIBRARY},
	{"runtime.mPark", WAIT_IDLE, LIBRARY},
	{"runtime.notesleep", WAIT_IDLE, LIBRARY},
	{"runtime.notetsleep", WAIT_IDLE, LIBRARY},
	{"runtime.notetsleep_internal", WAIT_IDLE, LIBRARY},
	{"runtime.notetsleepg", WAIT_IDLE, LIBRARY},
	{"runtime.stopm", WAIT_IDLE, LIBRARY},
	{"runtime.sysmon", WAIT_IDLE, LIBRARY},
	{"runtime.usleep", WAIT_IDLE, LIBRARY},
	{"sem_clockwait", WAIT_SEM, LIBRARY},
	{"sem_timedwait", WAIT_SEM, LIBRARY},
	{"sem_wait", WAIT_SEM, LIBRARY},
	{"std::__atomic_futex_unsigned_base::_M_futex_wait_until", WAIT_COND, LIBRARY},
	{"std::__atomic_futex_unsigned_base::_M_futex_wait_until_steady", WAIT_COND, LIBRARY},
	{"std::__atomic_semaphore::_M_acquire", WAIT_SEM, LIBRARY},
	{"std::__barrier_base::wait", WAIT_BARRIER, LIBRARY},
	{"std::__platform_semaphore::_M_acquire", WAIT_SEM, LIBRARY},
	{"std::__semaphore_base::_M_acquire", WAIT_SEM, LIBRARY},
	{"std::__tree_barrier::wait", WAIT_BARRIER, LIBRARY},
	{"std::__tree_barrier_base::wait", WAIT_BARRIER, LIBRARY},
	{"std::barrier::arrive_and_wait", WAIT_BARRIER, LIBRARY},
	{"std::barrier::wait", WAIT_BARRIER, LIBRARY},
	{"std::call_once", WAIT_ONCE, LIBRARY},
	{"std::condition_variable::wait", WAIT_COND, LIBRARY},
	{"std::condition_variable::wait_for", WAIT_COND, LIBRARY},
	{"std::condition_variable::wait_until", WAIT_COND, LIBRARY},
	{"std::condition_variable_any::wait", WAIT_COND, LIBRARY},
	{"std::condition_variable_any::wait_for", WAIT_COND, LIBRARY},
	{"std::condition_variable_any::wait_until", WAIT_COND, LIBRARY},
	{"std::counting_semaphore::acquire", WAIT_SEM, LIBRARY},
	{"std::counting_semaphore::try_acquire_for", WAIT_SEM, LIBRARY},
	{"std::counting_semaphore::try_acquire_until", WAIT_SEM, LIBRARY},
	{"std::jthread::join", WAIT_JOIN, LIBRARY},
	{"std::latch::arrive_and_wait", WAIT_BARRIER, LIBRARY},
	{"std::latch::wait", WAIT_BARRIER, LIBRARY},
	{"std::mutex::lock", WAIT_MUTEX, LIBRARY},
	{"std::recursive_mutex::lock", WAIT_MUTEX, LIBRARY},
	{"std::shared_mutex::lock", WAIT_RWLOCK, LIBRARY},
	{"std::shared_mutex::lock_shared", WAIT_RWLOCK, LIBRARY},
	{"std::shared_timed_mutex::lock", WAIT_RWLOCK, LIBRARY},
	{"std::shared_timed_mutex::lock_shared", WAIT_RWLOCK, LIBRARY},
	{"std::sync::once::Once::call_inner", WAIT_ONCE, RUNTIME}, /* of Rust, parks until 1.63 */
	{"std::thread::current::park", WAIT_FUTEX, LIBRARY},
	{"std::thread::join", WAIT_JOIN, LIBRARY},
	{"std::thread::park", WAIT_FUTEX, LIBRARY},
	{"std::thread::park_timeout", WAIT_FUTEX, LIBRARY},
	{"std::timed_mutex::try_lock_for", WAIT_MUTEX, LIBRARY},
	{"std::timed_mutex::try_lock_until", WAIT_MUTEX, LIBRARY},
	{"thrd_join", WAIT_JOIN, LIBRARY},
};

/* Rust's own, by the last two parts: where they are has changed with each of its versions. */
static const struct row rust_rows[] = {
	{"Condvar::wait_optional_timeout", WAIT_COND, LIBRARY},
	{"Mutex::lock_contended", WAIT_MUTEX, LIBRARY},
	{"Once::call", WAIT_ONCE, LIBRARY},
	{"Once::wait", WAIT_ONCE, LIBRARY},
	{"Parker::park", WAIT_FUTEX, LIBRARY},
	{"Parker::park_timeout", WAIT_FUTEX, LIBRARY},
	{"RwLock::read_contended", WAIT_RWLOCK, LIBRARY},
	{"RwLock::write_contended", WAIT_RWLOCK, LIBRARY},
};

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return strcmp(x->name, y->name);
}

#define FIND(table, plain)                                                                         \
	bsearch(&(struct row){.name = (plain)}, table, sizeof(table) / sizeof(*(table)),           \
		sizeof(*(table)), by_name)

static int starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* What compilers and libraries put around a name: __GI_, underscores, versions, time64. */
static char *bare_name(char *name)
{
	static const char *const clones[] = {".part.", ".cold", ".constprop.", ".isra.", "@"};

	for (size_t i = 0; i < sizeof(clones) / sizeof(*clones); i++) {
		char *end = strstr(name, clones[i]);
		if (end)
			*end = '\0';
	}
	if (starts_with(name, "__GI_"))
		name += strlen("__GI_");
	name += strspn(name, "_");
	size_t n = strlen(name);
	if (n > 2 && !strcmp(name + n - 2, "64"))
		name[n - 2] = '\0';
	return name;
}

/* Without template arguments, parameters, a template's result type, and the namespaces that stand
 * for versions. <T>::f and <T as Trait>::f become T::f. */
static char *plain_name(const char *name, char *out, size_t room)
{
	size_t n = 0;
	int depth = 0, is_self = *name == '<';

	for (name += is_self; *name && n + 1 < room; name++) {
		if (is_self && !depth && (*name == '>' || starts_with(name, " as "))) {
			name = strchr(name, '>');
			is_self = 0;
			if (!name)
				break;
		} else if (*name == '<') {
			n -= !depth++ && n > 2 && out[n - 1] == ':' ? 2 : 0;
		} else if (*name == '>') {
			depth -= depth > 0;
		} else if (!depth && *name == '(') {
			break;
		} else if (!depth && *name == ' ') {
			n = 0;
		} else if (!depth && starts_with(name, "::__1::")) {
			name += strlen("__1") + 1;
		} else if (!depth && starts_with(name, "::_V2::")) {
			name += strlen("_V2") + 1;
		} else if (!depth) {
			out[n++] = *name;
		}
	}
	out[n] = '\0';
	return bare_name(out);
}

/* The last two parts of a path. */
static const char *last_parts(const char *name)
{
	const char *last = name, *before = name;

	for (const char *at = name; (at = strstr(at, "::")); at += 2) {
		before = last;
		last = at + 2;
	}
	return before;
}

static const struct row *row_of(const char *name)
{
	char room[256];

	if (!name || !*name)
		return NULL;
	const char *plain = plain_name(name, room, sizeof(room));
	if (starts_with(plain, "std::sys"))
		return FIND(rust_rows, last_parts(plain));
	/* What all of C++'s younger locks are made of; its argument says for which. */
	const char *argument = strchr(name, '<');
	if (argument && starts_with(plain, "std::__atomic_wait_address"))
		plain = plain_name(argument + 1, room, sizeof(room));
	return FIND(rows, plain);
}

/* Told for certain by what its memory looks like, or by the call. */
static int is_certain(uint32_t kind)
{
	return kind != WAIT_FUTEX && kind != WAIT_COND;
}

enum wait_kind wait_kind_of(const struct wait *found, const char *const *names, uint32_t n)
{
	const struct row *best = NULL;

	if (is_certain(found->kind))
		return found->kind;
	for (uint32_t i = 0; i < n; i++) {
		const struct row *row = row_of(names[i]);
		if (row && (!best || row->rank > best->rank))
			best = row;
	}
	return best ? best->kind : found->kind;
}

/* struct pthread_barrier of glibc: threads wait for its second word, the round; musl's wait for the
 * first, or elsewhere. */
uint64_t wait_kind_lock(enum wait_kind kind, uint64_t lock)
{
	return kind == WAIT_BARRIER && lock % 8 == 4 ? lock - 4 : lock;
}

const char *wait_kind_word(enum wait_kind kind)
{
	static const char *const words[WAIT_KINDS] = {
		[WAIT_FUTEX] = "futex",
		[WAIT_MUTEX] = "mutex",
		[WAIT_RWLOCK] = "rwlock",
		[WAIT_COND] = "cond",
		[WAIT_SEM] = "sem",
		[WAIT_JOIN] = "join",
		[WAIT_BARRIER] = "barrier",
		[WAIT_ONCE] = "once",
		[WAIT_FILE_LOCK] = "file lock",
		[WAIT_STDIO] = "stdio",
		[WAIT_CHAN] = "chan",
	};

	return kind < WAIT_KINDS ? words[kind] : NULL;
}
