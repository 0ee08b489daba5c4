/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/tracer/debug_places.h"
#include "base/path.h"

static int take_string(char *out, const char **at, const char *end, uint32_t n)
{
	if (n >= LIMIT_PATH || n > (size_t)(end - *at))
		return -EPROTO;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n;
	return strlen(out) == n ? 0 : -EPROTO;
}

int debug_question_take(
	struct debug_question *q, const struct extra_file *file, const void *strings, size_t n)
{
	const char *at = strings, *end = at + n;

	q->file = *file;
	if (file->build_id_len > sizeof(file->build_id) ||
		take_string(q->name, &at, end, file->name_len) < 0 ||
		take_string(q->folder, &at, end, file->folder_len) < 0 ||
		take_string(q->path, &at, end, file->path_len) < 0)
		return -EPROTO;
	return at == end ? 0 : -EPROTO;
}

int debug_place_of_id(char *out, size_t room, const char *root, const char *folder,
	const unsigned char *build_id, size_t n, const char *ending)
{
	size_t used = snprintf(out, room, "%s%s/.build-id/%02x/", root, folder, build_id[0]);

	for (size_t i = 1; i < n && used < room; i++)
		used += snprintf(out + used, room - used, "%02x", build_id[i]);
	if (used < room)
		used += snprintf(out + used, room - used, "%s", ending);
	return used < room ? 0 : -ENAMETOOLONG;
}

/* --- parts of paths ----------------------------------------------------------------------- */

static const char *base_of(const char *path)
{
	return path + path_folder(path);
}

/* The name of a debug file is a name only. */
static int is_plain(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, "..") != 0;
}

/* /lib and /usr/lib are one folder where /usr is merged, and a debug package may have either: the
 * other spelling, NULL for folders that have none. */
static const char *alias(const char *path, char *room)
{
	static const char *const merged[] = {"/lib/", "/lib64/", "/bin/", "/sbin/"};

	if (!strncmp(path, "/usr/", 5))
		path += 4;
	else if (strlen(path) + 4 < LIMIT_PATH) {
		snprintf(room, LIMIT_PATH, "/usr%s", path);
		path = room;
	}
	const char *short_form = path == room ? path + 4 : path;
	for (size_t i = 0; i < sizeof(merged) / sizeof(*merged); i++)
		if (!strncmp(short_form, merged[i], strlen(merged[i])))
			return path;
	return NULL;
}

/* What of a path is below the folder .dwz, or its last part. */
static const char *below_dwz(const char *name)
{
	const char *dwz = strstr(name, "/.dwz/");

	return dwz ? dwz + 6 : base_of(name);
}

/* --- places by kind ----------------------------------------------------------------------- */

#define PUT(out, ...)                                                                              \
	(snprintf((out)->path, sizeof((out)->path), __VA_ARGS__) < (int)sizeof((out)->path)        \
			? 0                                                                        \
			: -EAGAIN)

static int by_id(const struct debug_question *q, struct debug_place *out)
{
	if (q->file.build_id_len < 2)
		return -EAGAIN;
	return debug_place_of_id(out->path, sizeof(out->path), "", DEBUG_FOLDER, q->file.build_id,
		q->file.build_id_len, ".debug");
}

static int debug(const struct debug_question *q, uint32_t n, struct debug_place *out)
{
	char room[LIMIT_PATH];
	const char *path = q->path;
	int has_link = is_plain(q->name) && *path == '/';

	out->in_host = n == 1 || n == 5 || n == 7;
	if (n < 2)
		return by_id(q, out);
	if (n > 7)
		return -ENOENT;
	if (n > 5)
		path = alias(q->path, room);
	if (!has_link || !path)
		return -EAGAIN;
	if (n < 4)
		return PUT(
			out, "%.*s%s%s", path_folder(path), path, n == 3 ? ".debug/" : "", q->name);
	return PUT(out, DEBUG_FOLDER "%.*s%s", path_folder(path), path, q->name);
}

static int alt(const struct debug_question *q, uint32_t n, struct debug_place *out)
{
	out->in_host = n % 2;
	if (n > 5)
		return -ENOENT;
	if (n < 2)
		return by_id(q, out);
	if (!*q->name)
		return -EAGAIN;
	if (n > 3)
		return PUT(out, DEBUG_FOLDER "/.dwz/%s", below_dwz(q->name));
	if (*q->name == '/')
		return PUT(out, "%s", q->name);
	return PUT(out, "%.*s%s", path_folder(q->path), q->path, q->name);
}

static int package(const struct debug_question *q, uint32_t n, struct debug_place *out)
{
	size_t len = strlen(q->path);

	out->in_host = n % 2;
	if (n > 3)
		return -ENOENT;
	if (n < 2)
		return PUT(out, "%s.dwp", q->path);
	if (len < 7 || strcmp(q->path + len - 6, ".debug") != 0)
		return -EAGAIN;
	return PUT(out, "%.*s.dwp", (int)len - 6, q->path);
}

/* Where it was compiled; moved together with the program, with its folders or without. */
static int split(const struct debug_question *q, uint32_t n, struct debug_place *out)
{
	out->in_host = 0;
	if (n > 2)
		return -ENOENT;
	if (n == 0 && *q->name == '/')
		return PUT(out, "%s", q->name);
	if (n == 0 && *q->folder == '/')
		return PUT(out, "%s/%s", q->folder, q->name);
	if (n == 1 && *q->name != '/')
		return PUT(out, "%.*s%s", path_folder(q->path), q->path, q->name);
	if (n == 2 && strchr(q->name, '/'))
		return PUT(out, "%.*s%s", path_folder(q->path), q->path, base_of(q->name));
	return -EAGAIN;
}

int debug_place(const struct debug_question *q, uint32_t n, struct debug_place *out)
{
	switch (q->file.kind) {
	case EXTRA_DEBUG:
		return debug(q, n, out);
	case EXTRA_ALT:
		return alt(q, n, out);
	case EXTRA_PACKAGE:
		return package(q, n, out);
	case EXTRA_SPLIT:
		return split(q, n, out);
	default:
		return -ENOENT;
	}
}
