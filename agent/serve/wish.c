/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/serve/wish.h"
#include "agent/windows.h"
#include "base/now.h"

#define CPU_SECONDS 30 /* Go's, where none are given */

static const char *const names[PROFILE_KINDS] = {[PROFILE_CPU] = "profile",
	[PROFILE_THREADS] = "threads",
	[PROFILE_WALL] = "wall",
	[PROFILE_BLOCK] = "block",
	[PROFILE_MUTEX] = "mutex",
	[PROFILE_THREADCREATE] = "threadcreate",
	[PROFILE_GOROUTINE] = "goroutine",
	[PROFILE_HEAP] = "heap",
	[PROFILE_ALLOCS] = "allocs"};

struct asking {
	struct wish *wish;
	wish_parameter *parameter;
	const void *arg;
};

static const char *value_of(const struct asking *a, const char *name)
{
	const char *value = a->parameter(a->arg, name);

	return value ? value : "";
}

static void refuse(struct wish *w, int status, const char *why)
{
	if (w->status)
		return;
	w->status = status;
	w->why = why;
}

/* As strconv.ParseInt(text, 10, 64) takes it. 0 or -EINVAL. */
static int whole_number(const char *text, long long *out)
{
	const char *digits = text + (*text == '+' || *text == '-');
	char *end;

	if (*digits < '0' || *digits > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return *end || errno ? -EINVAL : 0;
}

/* Go knows no limit; a writer's time-out is what it has that is most like it. */
static void set_length(struct wish *w, long long seconds)
{
	if (seconds > WISH_SECONDS_MAX)
		refuse(w, 400, "profile duration exceeds server's WriteTimeout");
	w->length = seconds * SECOND;
}

/* cpu and wall: what is no number of seconds is taken for none. */
static void set_window(const struct asking *a)
{
	long long seconds;

	if (whole_number(value_of(a, "seconds"), &seconds) < 0 || seconds <= 0)
		seconds = CPU_SECONDS;
	set_length(a->wish, seconds);
}

static void set_debug(const struct asking *a)
{
	long long debug;

	if (whole_number(value_of(a, "debug"), &debug) == 0 && debug)
		a->wish->debug = debug == 2 ? 2 : 1;
}

/* Those that Go has without seconds as they are, and with them as the difference. */
static void set_snapshot(const struct asking *a)
{
	struct wish *w = a->wish;
	const char *text = value_of(a, "seconds");
	int is_counter = !!(KIND(w->kind) & (WINDOWS_COUNTED | KINDS_OF_HEAP));
	long long seconds = 0;

	set_debug(a);
	if (*text && (whole_number(text, &seconds) < 0 || seconds <= 0))
		refuse(w, 400, "invalid value for \"seconds\" - must be a positive integer");
	set_length(w, seconds);
	if (*text && w->debug)
		refuse(w, 400, "seconds and debug params are incompatible");
	if (is_counter)
		w->flags = *text ? 0 : WINDOW_COUNTERS;
	else
		w->flags = *text ? WINDOW_DELTA : w->debug == 2 ? WINDOW_DETAILS : 0;
}

static void set_kind(const struct asking *a, enum profile_kind kind)
{
	struct wish *w = a->wish;

	w->kind = kind;
	w->is_goroutine = kind == PROFILE_GOROUTINE;
	snprintf(w->name, sizeof(w->name), "%s", names[kind]);
	if (kind == PROFILE_CPU || kind == PROFILE_WALL)
		set_window(a);
	else
		set_snapshot(a);
}

static int kind_of(const char *name)
{
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (names[kind] && !strcmp(name, names[kind]))
			return kind;
	return -1;
}

static void parse_profile(const struct asking *a, const char *name)
{
	struct wish *w = a->wish;
	int kind = kind_of(name);

	if (!*name) {
		w->page = PAGE_INDEX;
	} else if (!strcmp(name, "cmdline")) {
		w->page = PAGE_COMMAND;
		w->flags = WINDOW_COUNTERS | WINDOW_COMMANDS;
	} else if (!strcmp(name, "symbol")) {
		w->page = PAGE_SYMBOL;
	} else if (kind >= 0) {
		w->page = PAGE_PROFILE;
		set_kind(a, kind);
	} else {
		w->page = PAGE_PROFILE;
		refuse(w, 404, "Unknown profile");
	}
}

/* gperftools' and brpc's names. */
static void parse_alias(const struct asking *a, const char *name)
{
	if (!strcmp(name, "contention"))
		parse_profile(a, "mutex");
	else if (!*name)
		refuse(a->wish, 404, "404 page not found");
	else
		parse_profile(a, name);
}

static void take_pid_parameter(const struct asking *a)
{
	long long pid;

	if (whole_number(value_of(a, "pid"), &pid) == 0)
		a->wish->pid = pid > 0 && pid <= INT32_MAX ? pid : -1;
}

/* The view's own words for the kinds. */
static void parse_view(const struct asking *a)
{
	struct wish *w = a->wish;
	const char *word = value_of(a, "kind");
	int kind = !strcmp(word, "cpu") ? PROFILE_CPU : kind_of(word);

	if (kind < 0 || !strcmp(word, "profile"))
		refuse(w, 404, "Unknown profile");
	else
		set_kind(a, kind);
	w->debug = 0;
	take_pid_parameter(a);
}

static void parse_own(const struct asking *a, const char *path)
{
	struct wish *w = a->wish;

	if (!strcmp(path, "/")) {
		w->page = PAGE_VIEW;
	} else if (!strcmp(path, "/metrics")) {
		w->page = PAGE_METRICS;
	} else if (!strcmp(path, "/api/target")) {
		w->page = PAGE_TARGET;
	} else if (!strcmp(path, "/api/view")) {
		w->page = PAGE_VIEW_DATA;
		parse_view(a);
	} else if (!strcmp(path, "/api/speedscope")) {
		w->page = PAGE_SPEEDSCOPE;
		parse_view(a);
	} else if (!strcmp(path, "/api/dump")) {
		w->page = PAGE_DUMP;
		w->kind = PROFILE_THREADS;
		w->flags = WINDOW_DETAILS;
		take_pid_parameter(a);
	} else if (!strncmp(path, "/speedscope/", 12)) {
		w->page = PAGE_ASSET;
		w->asset = path + 12;
	} else {
		refuse(w, 404, "404 page not found");
	}
}

/* "/pid/N" before the rest; the rest. */
static const char *take_pid(struct wish *w, const char *path)
{
	char *end;

	if (strncmp(path, "/pid/", 5) || path[5] < '1' || path[5] > '9')
		return path;
	errno = 0;
	long pid = strtol(path + 5, &end, 10);
	if (*end != '/')
		return path;
	w->pid = errno || pid > INT32_MAX ? -1 : pid;
	return end;
}

void wish_parse(struct wish *out, const char *path, wish_parameter *parameter, const void *arg)
{
	const struct asking a = {out, parameter, arg};
	static const char go[] = "/debug/pprof", others[] = "/pprof/";

	*out = (struct wish){0};
	path = take_pid(out, path);
	if (!strcmp(path, go))
		out->page = PAGE_REDIRECT;
	else if (!strncmp(path, go, sizeof(go) - 1) && path[sizeof(go) - 1] == '/')
		parse_profile(&a, path + sizeof(go));
	else if (!strncmp(path, others, sizeof(others) - 1))
		parse_alias(&a, path + sizeof(others) - 1);
	else
		parse_own(&a, path);
}
