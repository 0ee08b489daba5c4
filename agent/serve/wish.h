/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request asks for: Go's net/http/pprof to the letter (its paths, parameters, and what it
 * says of those that make no sense), the other names of the same that gperftools and brpc have, and
 * the pages of our own.
 *
 *   [/pid/N]/debug/pprof/NAME   [/pid/N]/pprof/NAME   /   /api/NAME   /metrics
 *
 * A pure function of the request; nothing is known here of what can be had.
 */
#ifndef SERVE_WISH_H
#define SERVE_WISH_H

#include "output/types.h"

enum page {
	PAGE_INDEX,
	PAGE_REDIRECT, /* to the same path and a slash */
	PAGE_PROFILE,  /* as pprof, or as text where debug says so */
	PAGE_COMMAND,
	PAGE_SYMBOL,
	PAGE_METRICS,
	PAGE_VIEW, /* the web view, without data */
	PAGE_TARGET,
	PAGE_VIEW_DATA,
	PAGE_DUMP,
	PAGE_SPEEDSCOPE,
	PAGE_ASSET, /* a file of speedscope's */
};

struct wish {
	enum page page;
	enum profile_kind kind;
	char name[32];	 /* as Go would know it, for the file's name */
	int32_t pid;	 /* /pid/N; 0: none was given */
	uint32_t flags;	 /* enum window_flag */
	uint64_t length; /* ns */
	int debug;
	int is_goroutine; /* goroutines where there are any, else threads under their name */
	const char *asset;
	/* What is wrong with it. */
	int status; /* 0: nothing */
	const char *why;
};

/* The value of a parameter, or NULL: it was not given. */
typedef const char *wish_parameter(const void *arg, const char *name);

/* path: decoded. out borrows from it. */
void wish_parse(struct wish *out, const char *path, wish_parameter *parameter, const void *arg);

#define WISH_SECONDS_MAX 3600u

#endif
