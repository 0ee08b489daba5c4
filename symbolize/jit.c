/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbolize/demangle.h"
#include "symbolize/jit.h"
#include "symbolize/jit_name.h"

#define ANONYMOUS "(anonymous)"

void jit_fini(struct jit *jit)
{
	perf_map_free(jit->map);
	*jit = (struct jit){0};
}

int jit_set_map(struct jit *jit, uint32_t module, int fd)
{
	jit_fini(jit);
	jit->module = module;
	return perf_map_read(fd, &jit->map);
}

int jit_has_map(const struct jit *jit, uint32_t module)
{
	return jit->map && jit->module == module;
}

/* The function as it is shown; the caller frees it. */
static char *shown_name(const char *raw, const struct jit_name *parts, enum demangle_level level)
{
	char *name;

	/* Compilers of C++ and Rust (LLVM's, for example) have linkage names. */
	if (raw[0] == '_' && (raw[1] == 'Z' || raw[1] == 'R'))
		return demangle(raw, level);
	if (parts->is_typed && (level == DEMANGLE_NONE || level == DEMANGLE_FULL))
		return strndup(raw, LIMIT_NAME);
	if (asprintf(&name, "%.*s%s",
		    (int)(parts->function_len < LIMIT_NAME ? parts->function_len : LIMIT_NAME),
		    parts->function, parts->is_anonymous ? ANONYMOUS : "") < 0)
		return NULL;
	return name;
}

static int emit_one(const struct jit *jit, uint64_t address, enum demangle_level level,
	symbolize_emit *emit, void *arg)
{
	size_t n;
	const char *text = perf_map_find(jit->map, address, &n);
	struct jit_name parts;

	if (!text)
		return emit(arg, address, NULL, 0);
	jit_name_split(text, n, &parts);
	char *raw = strndup(text, n < LIMIT_LINKAGE_NAME ? n : LIMIT_LINKAGE_NAME);
	char *name = raw ? shown_name(raw, &parts, level) : NULL;
	char *file = strndup(parts.file_len ? parts.file : "",
		parts.file_len < LIMIT_PATH ? parts.file_len : LIMIT_PATH);
	struct symbol line = {
		.name = name, .system_name = raw, .file = file, .start_line = parts.start_line};
	int error = name && file ? emit(arg, address, &line, 1) : -ENOMEM;
	free(raw);
	free(name);
	free(file);
	return error;
}

int jit_request(const struct jit *jit, const struct worker_symbolize *ask, const uint64_t *offsets,
	symbolize_emit *emit, void *arg)
{
	int error = 0;

	for (uint32_t i = 0; i < ask->n && !error; i++)
		error = emit_one(jit, offsets[i], ask->demangle, emit, arg);
	return error;
}
