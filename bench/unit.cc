/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One compile unit of many, with much debug information; N tells them apart. */
#include <algorithm>
#include <any>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int I> struct Tag {
	int key;
	std::string name;
	std::vector<double> values;
	bool operator<(const Tag &o) const
	{
		return std::tie(key, name) < std::tie(o.key, o.name);
	}
};
template <int I> static std::map<Tag<I>, std::vector<std::string>> fill(int n)
{
	std::map<Tag<I>, std::vector<std::string>> m;
	std::mt19937_64 r(I);
	std::uniform_int_distribution<int> d(0, n);
	for (int i = 0; i < n; i++) {
		Tag<I> t{d(r), std::to_string(i), std::vector<double>(i % 7, 1.5)};
		m[t].push_back(t.name + "x");
	}
	return m;
}
template <int I> static int match(const std::vector<std::string> &v)
{
	std::regex re("([a-z]+)([0-9]+)|(x|y)*" + std::to_string(I));
	std::smatch what;
	int n = 0;
	for (auto &s : v)
		if (std::regex_search(s, what, re))
			n += what.size();
	return n;
}
template <int I> static double visit(std::variant<int, double, std::string, Tag<I>> v)
{
	return std::visit(
		[](auto &&x) -> double {
			using T = std::decay_t<decltype(x)>;
			if constexpr (std::is_arithmetic_v<T>)
				return x;
			else if constexpr (std::is_same_v<T, std::string>)
				return x.size();
			else
				return std::accumulate(x.values.begin(), x.values.end(), 0.0);
		},
		v);
}
template <int I> static std::string format(const std::map<Tag<I>, std::vector<std::string>> &m)
{
	std::ostringstream o;
	std::unordered_map<std::string, std::deque<int>> index;
	std::set<std::pair<int, std::string>> seen;
	for (auto &[k, v] : m) {
		index[k.name].push_back(k.key);
		seen.emplace(k.key, k.name);
		o << k.key << ' ' << k.name << ' ' << v.size() << '\n';
	}
	std::vector<std::function<int(int)>> fs;
	for (auto &[k, v] : index)
		fs.push_back([n = v.size(), k = k](int x) { return x + (int)n + (int)k.size(); });
	std::sort(fs.begin(), fs.end(), [](auto &a, auto &b) { return a(1) < b(1); });
	std::list<std::optional<int>> l;
	for (auto &f : fs)
		l.push_back(f(I));
	l.sort();
	o << std::filesystem::path("/tmp/a/b").lexically_normal().string() << l.size()
	  << seen.size();
	return o.str();
}
template <int I> static int work(int n)
{
	auto m = fill<I>(n);
	std::vector<std::string> v;
	for (auto &[k, x] : m)
		v.insert(v.end(), x.begin(), x.end());
	std::stable_sort(v.begin(), v.end());
	double d = visit<I>(n) + visit<I>(std::string("abc")) + visit<I>(Tag<I>{1, "a", {1, 2}});
	std::any a = v;
	auto f = std::async(std::launch::deferred,
		[&] { return match<I>(std::any_cast<std::vector<std::string> &>(a)); });
	return f.get() + (int)format<I>(m).size() + (int)d;
}
#define CAT2(a, b) a##b
#define CAT(a, b)  CAT2(a, b)
int CAT(run, N)(int n)
{
	return work<4 * N>(n) + work<4 * N + 1>(n + 1) + work<4 * N + 2>(n + 2) +
	       work<4 * N + 3>(n + 3);
}
