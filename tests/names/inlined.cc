/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates, lambdas, a local class, virtual calls and exceptions, inlined into each other: what
 * debug information says of it is compared. Never run. */
#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <memory>
#include <sstream>
#include <string>
#include <vector>
namespace shapes
{
struct Shape {
	virtual ~Shape() = default;
	virtual double area() const = 0;
};
template <class T> struct Box : Shape {
	T w, h;
	Box(T a, T b) : w(a), h(b)
	{
	}
	double area() const override
	{
		return w * h;
	}
};
} // namespace shapes
int part(int);
static std::map<std::string, std::vector<int>> table;
static inline int mix(int x)
{
	auto f = [x](auto y) { return x * 31 + y; };
	return f(7) ^ f(9L);
}
int work(int n)
{
	std::vector<std::unique_ptr<shapes::Shape>> v;
	for (int i = 0; i < n; i++) {
		if (i % 2)
			v.push_back(std::make_unique<shapes::Box<int>>(i, mix(i)));
		else
			v.push_back(std::make_unique<shapes::Box<double>>(i, 2.5));
		table[std::to_string(i % 17)].push_back(part(i));
	}
	struct Local {
		static int twice(int x)
		{
			return mix(x) * 2;
		}
	};
	std::sort(v.begin(), v.end(), [](auto &a, auto &b) { return a->area() < b->area(); });
	std::function<int(int)> f = [&](int x) { return Local::twice(x) + (int)v.size(); };
	std::ostringstream o;
	for (auto &[k, x] : table) {
		std::sort(x.rbegin(), x.rend());
		o << k << x.size();
	}
	try {
		if (o.str().size() > 1000)
			throw std::string("long");
	} catch (const std::string &s) {
		return s.size();
	}
	return f(n) + std::accumulate(table.begin(), table.end(), 0,
			      [](int a, auto &p) { return a + (int)p.second.size(); });
}
int main(int argc, char **)
{
	return work(argc * 100) & 1;
}
