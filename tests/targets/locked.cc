/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * locked: C++'s own locks and waits. Each thread bears the name of the kind of what it waits for,
 * as long as the program runs; hold_all holds what can be held.
 */
#include <condition_variable>
#include <cstdio>
#include <future>
#include <mutex>
#include <pthread.h>
#include <semaphore>
#include <shared_mutex>
#include <thread>
#include <unistd.h>

static std::mutex stock_mutex;
static std::recursive_mutex stock_recursive;
static std::timed_mutex stock_timed;
static std::shared_mutex stock_shared;
static std::condition_variable never_told;
static std::mutex of_condition;
static std::counting_semaphore<8> never_posted(0);

template <class Wait> static std::thread start(const char *name, Wait wait)
{
	return std::thread([name, wait] {
		pthread_setname_np(pthread_self(), name);
		wait();
	});
}

__attribute__((noinline)) static void hold_all()
{
	std::scoped_lock held(stock_mutex, stock_recursive, stock_timed);
	std::unique_lock writer(stock_shared);
	std::thread threads[] = {
		start("mutex", [] { stock_mutex.lock(); }),
		start("mutex", [] { stock_recursive.lock(); }),
		start("mutex", [] { (void)stock_timed.try_lock_for(std::chrono::hours(1)); }),
		start("rwlock", [] { stock_shared.lock_shared(); }),
		start("rwlock", [] { stock_shared.lock(); }),
		start("cond",
			[] {
				std::unique_lock lock(of_condition);
				never_told.wait(lock);
			}),
		start("sem", [] { never_posted.acquire(); }),
		start("idle", [] { std::this_thread::sleep_for(std::chrono::hours(1)); }),
	};
	std::thread joiner([&] {
		pthread_setname_np(pthread_self(), "join");
		threads[7].join();
	});

	std::printf("ready %d\n", (int)getpid());
	std::fflush(stdout);
	for (;;)
		pause();
}

int main()
{
	hold_all();
}
