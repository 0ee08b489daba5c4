// SPDX-License-Identifier: GPL-2.0-or-later
// creates of std::thread: two functions, 40 and 25 threads, after a line of input.
#include <cstdio>
#include <thread>
#include <vector>

__attribute__((noinline)) static void many(int n)
{
	std::vector<std::thread> v;

	for (int i = 0; i < n; i++)
		v.emplace_back([] {});
	for (auto &t : v)
		t.join();
}

__attribute__((noinline)) static void one_by_one(int n)
{
	for (int i = 0; i < n; i++)
		std::thread([] {}).join();
}

int main()
{
	std::printf("ready 0\n");
	std::fflush(stdout);
	std::getchar();
	many(40);
	one_by_one(25);
	std::printf("truth many 40\ntruth one_by_one 25\ntruth created 65\n");
}
