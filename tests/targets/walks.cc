/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As walks.c: what C++ makes of the stack. Exceptions through frames with something to destroy,
 * thunks of several bases, function objects, statics with a guard.
 */
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#define FRAME __attribute__((noinline))

static long sum;

struct holder {
	long n;
	explicit holder(long number) : n(number)
	{
		if (n == 13)
			throw std::runtime_error("thirteen");
		sum += n;
	}
	FRAME ~holder()
	{
		sum -= n;
	}
};

struct first {
	long a = 1;
	virtual long f(long x) = 0;
	virtual ~first() = default;
};

struct second {
	long b = 2;
	virtual long g(long x) = 0;
	virtual ~second() = default;
};

struct both : first, virtual second {
	FRAME long f(long x) override
	{
		return x + a;
	}
	FRAME long g(long x) override
	{
		return f(x) + b;
	}
};

static FRAME long deep(int depth, long x)
{
	holder h(depth);
	std::unique_ptr<holder> other(new holder(x));

	if (depth == 0)
		throw x;
	return deep(depth - 1, x + 1) + h.n;
}

static FRAME long catches(int depth)
{
	try {
		return deep(depth, 20);
	} catch (const std::exception &e) {
		return std::string(e.what()).size();
	} catch (long x) {
		return x;
	}
}

static FRAME long rethrows(int depth)
{
	try {
		try {
			return deep(depth, 30);
		} catch (...) {
			holder h(5);
			throw;
		}
	} catch (long x) {
		return x + catches(2);
	}
}

static FRAME long guarded(long x)
{
	static const std::vector<long> v = {x, x + 1, x + 2};

	return v[1];
}

template <class T, int N> struct tower {
	static FRAME T up(T x)
	{
		T y = tower<T, N - 1>::up(x + N);
		return y + 1;
	}
};

template <class T> struct tower<T, 0> {
	static FRAME T up(T x)
	{
		return x;
	}
};

int main()
{
	std::unique_ptr<both> object(new both);
	second *s = object.get();
	first *f = object.get();
	std::vector<std::string> names = {
		"delta", "alpha", "charlie", "a string too long for itself"};
	std::function<long(long)> add = [&](long x) { return x + s->g(x); };

	sum += s->g(1) + f->f(2) + add(3) + guarded(4) + tower<long, 12>::up(5);
	sum += dynamic_cast<both *>(f)->a;
	std::sort(names.begin(), names.end(),
		[&](const std::string &a, const std::string &b) { return add(1) && a < b; });
	sum += catches(3) + rethrows(4);
	std::printf("%s %ld\n", names[0].c_str(), sum);
}
