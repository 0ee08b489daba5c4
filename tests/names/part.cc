/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second unit for inlined.cc. */
#include <deque>
#include <map>
#include <string>
int part(int n);
namespace
{
struct Counter {
	std::map<int, std::string> seen;
	int add(int n)
	{
		auto &s = seen[n % 64];
		s += static_cast<char>('a' + n % 26);
		return s.size();
	}
};
} // namespace
int part(int n)
{
	static Counter counter;
	std::deque<std::string> d;
	for (int i = 0; i < n % 5; i++)
		d.push_front(std::string(i, 'x'));
	int k = 0;
	for (auto &s : d)
		k += counter.add(n + s.size());
	return k;
}
