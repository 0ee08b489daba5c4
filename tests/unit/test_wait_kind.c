/* SPDX-License-Identifier: GPL-2.0-or-later */
/* output/wait_kind: names as C libraries, compilers and languages make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "output/wait_kind.h"

static enum wait_kind kind_of(enum wait_kind found, const char *const *names)
{
	const struct wait w = {.kind = found};
	uint32_t n = 0;

	while (names[n])
		n++;
	return wait_kind_of(&w, names, n);
}
#define STACK(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct {
	enum wait_kind kind;
	const char *name;
} of_one_name[] = {
	{WAIT_MUTEX, "pthread_mutex_lock"},
	{WAIT_MUTEX, "___pthread_mutex_lock"},
	{WAIT_MUTEX, "__GI___pthread_mutex_lock"},
	{WAIT_MUTEX, "__pthread_mutex_lock_full"},
	{WAIT_MUTEX, "__pthread_mutex_clocklock_common"},
	{WAIT_MUTEX, "__pthread_mutex_clocklock64"},
	{WAIT_MUTEX, "__pthread_mutex_cond_lock"},
	{WAIT_MUTEX, "__pthread_mutex_cond_lock_full"},
	{WAIT_MUTEX, "__pthread_mutex_timedlock"},
	{WAIT_MUTEX, "pthread_mutex_timedlock_pi"},
	{WAIT_MUTEX, "__lll_lock_wait"},
	{WAIT_MUTEX, "__lll_lock_wait_private"},
	{WAIT_MUTEX, "__lll_timedlock_wait"},
	{WAIT_MUTEX, "__lll_clocklock_wait"},
	{WAIT_MUTEX, "__futex_lock_pi64"},
	{WAIT_MUTEX, "mtx_lock"},
	{WAIT_MUTEX, "mtx_timedlock"},
	{WAIT_MUTEX, "std::mutex::lock"},
	{WAIT_MUTEX, "std::__1::mutex::lock()"},
	{WAIT_MUTEX, "std::recursive_mutex::lock"},
	{WAIT_MUTEX, "bool std::timed_mutex::try_lock_for<long, std::ratio<1l, 1000l> >"},
	{WAIT_MUTEX, "std::timed_mutex::try_lock_until"},
	{WAIT_MUTEX, "std::sys::sync::mutex::futex::Mutex::lock_contended"},
	{WAIT_MUTEX, "<std::sys::sync::mutex::futex::Mutex>::lock_contended"},
	{WAIT_MUTEX, "std::sys::unix::locks::futex_mutex::Mutex::lock_contended"},
	{WAIT_MUTEX, "parking_lot::raw_mutex::RawMutex::lock_slow"},
	{WAIT_MUTEX, "parking_lot::raw_fair_mutex::RawFairMutex::lock_slow"},
	{WAIT_MUTEX, "runtime.lock"},
	{WAIT_MUTEX, "runtime.lock2"},
	{WAIT_MUTEX, "runtime.lockWithRank"},
	{WAIT_MUTEX, "ObjectMonitor::enter(JavaThread*)"},
	{WAIT_MUTEX, "ObjectMonitor::EnterI"},
	{WAIT_MUTEX, "ObjectMonitor::ReenterI"},
	{WAIT_MUTEX, "ObjectMonitor::enter_internal"},
	{WAIT_MUTEX, "ObjectMonitor::reenter_internal"},
	{WAIT_RWLOCK, "___pthread_rwlock_rdlock"},
	{WAIT_RWLOCK, "___pthread_rwlock_wrlock"},
	{WAIT_RWLOCK, "__pthread_rwlock_rdlock_full64"},
	{WAIT_RWLOCK, "__pthread_rwlock_wrlock_full"},
	{WAIT_RWLOCK, "__pthread_rwlock_timedrdlock"},
	{WAIT_RWLOCK, "__pthread_rwlock_timedwrlock"},
	{WAIT_RWLOCK, "pthread_rwlock_clockrdlock"},
	{WAIT_RWLOCK, "pthread_rwlock_clockwrlock"},
	{WAIT_RWLOCK, "std::shared_mutex::lock"},
	{WAIT_RWLOCK, "std::shared_mutex::lock_shared"},
	{WAIT_RWLOCK, "std::__1::shared_timed_mutex::lock"},
	{WAIT_RWLOCK, "std::shared_timed_mutex::lock_shared"},
	{WAIT_RWLOCK, "std::sys::sync::rwlock::futex::RwLock::read_contended"},
	{WAIT_RWLOCK, "std::sys::unix::locks::futex_rwlock::RwLock::write_contended"},
	{WAIT_RWLOCK, "parking_lot::raw_rwlock::RawRwLock::lock_shared_slow"},
	{WAIT_RWLOCK, "parking_lot::raw_rwlock::RawRwLock::lock_exclusive_slow"},
	{WAIT_RWLOCK, "parking_lot::raw_rwlock::RawRwLock::lock_upgradable_slow"},
	{WAIT_RWLOCK, "parking_lot::raw_rwlock::RawRwLock::upgrade_slow"},
	{WAIT_RWLOCK, "parking_lot::raw_rwlock::RawRwLock::wait_for_readers"},
	{WAIT_COND, "pthread_cond_wait@@GLIBC_2.3.2"},
	{WAIT_COND, "___pthread_cond_timedwait64"},
	{WAIT_COND, "__pthread_cond_wait_common"},
	{WAIT_COND, "___pthread_cond_clockwait"},
	{WAIT_COND, "cnd_wait"},
	{WAIT_COND, "cnd_timedwait"},
	{WAIT_COND, "std::condition_variable::wait(std::unique_lock<std::mutex>&)"},
	{WAIT_COND, "std::condition_variable::wait<main::{lambda()#1}>"},
	{WAIT_COND, "std::condition_variable::wait_for"},
	{WAIT_COND, "std::condition_variable::wait_until"},
	{WAIT_COND, "std::_V2::condition_variable_any::wait"},
	{WAIT_COND, "std::condition_variable_any::wait_for"},
	{WAIT_COND, "std::condition_variable_any::wait_until"},
	{WAIT_COND, "std::__atomic_futex_unsigned_base::_M_futex_wait_until"},
	{WAIT_COND, "std::__atomic_futex_unsigned_base::_M_futex_wait_until_steady"},
	{WAIT_COND, "std::sys::sync::condvar::futex::Condvar::wait_optional_timeout"},
	{WAIT_COND, "parking_lot::condvar::Condvar::wait_until_internal"},
	{WAIT_COND, "ObjectMonitor::wait"},
	{WAIT_COND, "Parker::park"},
	{WAIT_COND, "Unsafe_Park"},
	{WAIT_SEM, "sem_wait"},
	{WAIT_SEM, "sem_timedwait"},
	{WAIT_SEM, "sem_clockwait"},
	{WAIT_SEM, "__new_sem_wait"},
	{WAIT_SEM, "__new_sem_timedwait"},
	{WAIT_SEM, "__new_sem_wait_slow64.constprop.0"},
	{WAIT_SEM, "__new_sem_wait_fast"},
	{WAIT_SEM, "do_futex_wait.constprop.1"},
	{WAIT_SEM, "std::counting_semaphore<1l>::acquire"},
	{WAIT_SEM, "std::counting_semaphore<2147483647l>::try_acquire_for<long>"},
	{WAIT_SEM, "std::counting_semaphore::try_acquire_until"},
	{WAIT_SEM, "std::__atomic_semaphore::_M_acquire"},
	{WAIT_SEM, "std::__atomic_wait_address_bare<std::__atomic_semaphore::_M_acquire()"
		   "::{lambda()#1}>"},
	{WAIT_FUTEX, "std::__atomic_wait_address_bare<std::atomic<int>::wait>"},
	{WAIT_SEM, "std::__platform_semaphore::_M_acquire"},
	{WAIT_SEM, "std::__semaphore_base::_M_acquire"},
	{WAIT_JOIN, "___pthread_join"},
	{WAIT_JOIN, "pthread_timedjoin_np"},
	{WAIT_JOIN, "pthread_clockjoin_np"},
	{WAIT_JOIN, "__pthread_clockjoin_ex"},
	{WAIT_JOIN, "__pthread_timedjoin_ex"},
	{WAIT_JOIN, "__lll_wait_tid"},
	{WAIT_JOIN, "thrd_join"},
	{WAIT_JOIN, "std::thread::join"},
	{WAIT_JOIN, "std::jthread::join"},
	{WAIT_BARRIER, "___pthread_barrier_wait"},
	{WAIT_BARRIER, "pthread_barrier_destroy"},
	{WAIT_BARRIER, "std::latch::wait"},
	{WAIT_BARRIER, "std::latch::arrive_and_wait"},
	{WAIT_BARRIER, "std::barrier<std::__empty_completion>::wait"},
	{WAIT_BARRIER, "std::barrier<>::arrive_and_wait"},
	{WAIT_BARRIER, "std::__tree_barrier<std::__empty_completion>::wait"},
	{WAIT_BARRIER, "std::__tree_barrier_base::wait"},
	{WAIT_BARRIER, "std::__barrier_base::wait"},
	{WAIT_ONCE, "___pthread_once"},
	{WAIT_ONCE, "__pthread_once_slow"},
	{WAIT_ONCE, "__pthread_once_full"},
	{WAIT_ONCE, "call_once"},
	{WAIT_ONCE, "void std::call_once<void (&)()>(std::once_flag&, void (&)())"},
	{WAIT_ONCE, "__cxa_guard_acquire"},
	{WAIT_ONCE, "std::sys_common::once::futex::Once::call"},
	{WAIT_ONCE, "std::sync::once::Once::call_inner"},
	{WAIT_ONCE, "std::sys::sync::once::futex::Once::wait"},
	{WAIT_ONCE, "parking_lot::once::Once::call_once_slow"},
	{WAIT_STDIO, "_IO_flockfile"},
	{WAIT_STDIO, "flockfile"},
	{WAIT_STDIO, "__lockfile"},
	{WAIT_IDLE, "runtime.notesleep"},
	{WAIT_IDLE, "runtime.notetsleep"},
	{WAIT_IDLE, "runtime.notetsleepg"},
	{WAIT_IDLE, "runtime.notetsleep_internal"},
	{WAIT_IDLE, "runtime.mPark"},
	{WAIT_IDLE, "runtime.stopm"},
	{WAIT_IDLE, "runtime.findRunnable"},
	{WAIT_IDLE, "runtime.sysmon"},
	{WAIT_IDLE, "runtime.gcBgMarkWorker"},
	{WAIT_IDLE, "runtime.usleep"},
};

static void one_name_is_enough(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(of_one_name) / sizeof(*of_one_name); i++) {
		enum wait_kind found =
			kind_of(WAIT_FUTEX, STACK("syscall", of_one_name[i].name, "main"));
		if (found != of_one_name[i].kind)
			fail_msg("%s: %d, not %d", of_one_name[i].name, found, of_one_name[i].kind);
	}
}

static void other_names_tell_nothing(void **state)
{
	static const char *const names[] = {"", "<", "<<", ">", "<>", "<a as ", "::", "64", "_",
		"@", "__GI_", "(", "std::sys", "std::sys::", "std::sys::Mutex::lock", "::<",
		"::<::<", "my::Mutex::lock_contended", "pthread_mutex_lock_mine",
		"std::mutex::unlock", "operator<", "operator<<", "std::thread::park",
		"std::thread::park_timeout", "std::thread::current::park",
		"std::sys::sync::thread_parking::futex::Parker::park",
		"std::sys::sync::thread_parking::futex::Parker::park_timeout", " ", ".part."};
	char longest[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(kind_of(WAIT_FUTEX, STACK(names[i])), WAIT_FUTEX);
	for (const char *c = "a<:_ >("; *c; c++) {
		memset(longest, *c, sizeof(longest));
		longest[sizeof(longest) - 1] = '\0';
		assert_int_equal(kind_of(WAIT_FUTEX, STACK(longest)), WAIT_FUTEX);
	}
	const struct wait w = {.kind = WAIT_FUTEX};
	assert_int_equal(
		wait_kind_of(&w, (const char *const[]){NULL, "", "sem_wait"}, 3), WAIT_SEM);
	assert_int_equal(wait_kind_of(&w, NULL, 0), WAIT_FUTEX);
}

static void the_innermost_lock_decides(void **state)
{
	(void)state;
	assert_int_equal(
		kind_of(WAIT_FUTEX,
			STACK("__futex_abstimed_wait_common64", "__pthread_cond_wait_common",
				"___pthread_cond_wait", "take", "pthread_once")),
		WAIT_COND);
	/* But not what is a part of many. */
	assert_int_equal(kind_of(WAIT_FUTEX, STACK("__lll_lock_wait", "_IO_flockfile", "fputs")),
		WAIT_STDIO);
	assert_int_equal(
		kind_of(WAIT_FUTEX, STACK("__lll_lock_wait_private", "malloc")), WAIT_MUTEX);
	/* Java's monitors are made of conditions. */
	assert_int_equal(
		kind_of(WAIT_COND, STACK("___pthread_cond_wait", "os::PlatformEvent::park",
					   "ObjectMonitor::EnterI", "ObjectMonitor::enter")),
		WAIT_MUTEX);
	/* Go's threads */
	assert_int_equal(kind_of(WAIT_FUTEX,
				 STACK("runtime.futex", "runtime.futexsleep", "runtime.notesleep",
					 "runtime.mPark", "runtime.stopm", "runtime.findRunnable")),
		WAIT_IDLE);
	assert_int_equal(
		kind_of(WAIT_FUTEX, STACK("runtime.futex", "runtime.futexsleep", "runtime.lock2",
					    "runtime.lockWithRank", "runtime.findRunnable")),
		WAIT_MUTEX);
}

/* Rust until 1.63 parks who waits for a Once. */
static void what_locks_are_made_of_is_not_the_lock(void **state)
{
	(void)state;
	assert_int_equal(
		kind_of(WAIT_FUTEX,
			STACK("syscall", "std::sys_common::thread_parker::futex::Parker::park",
				"std::thread::park", "std::sync::once::Once::call_inner")),
		WAIT_ONCE);
}

static void what_the_tracer_saw_stays(void **state)
{
	static const enum wait_kind certain[] = {WAIT_NONE, WAIT_IDLE, WAIT_MUTEX, WAIT_RWLOCK,
		WAIT_SEM, WAIT_JOIN, WAIT_FILE_LOCK, WAIT_STDIO};

	(void)state;
	for (size_t i = 0; i < sizeof(certain) / sizeof(*certain); i++)
		assert_int_equal(kind_of(certain[i], STACK("pthread_once")), certain[i]);
	assert_int_equal(kind_of(WAIT_COND, STACK("main")), WAIT_COND);
	assert_int_equal(kind_of(WAIT_COND, STACK("sem_wait")), WAIT_SEM);
}

static void locks_and_words(void **state)
{
	(void)state;
	assert_true(wait_kind_lock(WAIT_BARRIER, 0x1004) == 0x1000);
	assert_true(wait_kind_lock(WAIT_BARRIER, 0x1000) == 0x1000);
	assert_true(wait_kind_lock(WAIT_COND, 0x1004) == 0x1004);
	assert_null(wait_kind_word(WAIT_NONE));
	assert_null(wait_kind_word(WAIT_IDLE));
	assert_null(wait_kind_word(WAIT_KINDS));
	for (int kind = WAIT_FUTEX; kind < WAIT_KINDS; kind++)
		assert_non_null(wait_kind_word(kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_name_is_enough),
		cmocka_unit_test(other_names_tell_nothing),
		cmocka_unit_test(the_innermost_lock_decides),
		cmocka_unit_test(what_locks_are_made_of_is_not_the_lock),
		cmocka_unit_test(what_the_tracer_saw_stays),
		cmocka_unit_test(locks_and_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
