/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A name of a perf map taken apart: function, file, line.
 *
 * Seen in real maps, and split:
 *   V8 (node 20; node 18 has other words and no columns)
 *	JS:*step1 /srv/app.js:21:15	-> JS:*step1, /srv/app.js, line 21 (where it begins)
 *	LazyCompile:*step1 /srv/app.js:21
 *	JS:~ node:internal/util:37:9	-> JS:~(anonymous), node:internal/util, 37
 *   CPython 3.12 and later (-X perf)
 *	py::run:/srv/app.py		-> py::run, /srv/app.py
 *   HotSpot (java 17 and later)
 *	int Chain.step1(int, byte[])	-> Chain.step1, without types as in all other languages
 * And left as they are: V8's "Builtin:ArrayMap", "BytecodeHandler:Star0"; HotSpot's stubs ("I2C/C2I
 * adapters"), Erlang's "$lists:map/2", whatever else is not certain.
 */
#ifndef SYMBOLIZE_JIT_NAME_H
#define SYMBOLIZE_JIT_NAME_H

#include <stddef.h>
#include <stdint.h>

/* The parts, borrowed from the name. */
struct jit_name {
	const char *function, *file;
	size_t function_len, file_len; /* file_len 0: unknown */
	uint32_t start_line;	       /* 0: unknown */
	int is_anonymous;	       /* V8: a function without a name */
	int is_typed;		       /* HotSpot: types were left out */
};

void jit_name_split(const char *name, size_t n, struct jit_name *out);

#endif
