/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of each module that is in the profile: where its file came from, and from which
 * files its names, lines and unwind information.
 */
#ifndef AGENT_MODULES_REPORT_H
#define AGENT_MODULES_REPORT_H

#include "agent/session.h"
#include "base/buf.h"

struct module_splits {
	uint32_t found, missing;
};

/* Words are constants. Files that were found have a path, others are NULL. */
struct module_report {
	const struct module_info *info;
	double share;	    /* of the samples, by the innermost frame */
	const char *source; /* of its file: "file", "deleted file", "read from memory", "no file" */
	const char *symbols;   /* "symtab", "dynsym", "minidebug", "gopclntab", "none" */
	const char *unwinding; /* "eh_frame", "debug_frame", "gopclntab", "none" */
	const char *debug; /* "its own", "file", "debuginfod" (debug_file), "gopclntab", "none" */
	const struct want *debug_file;
	const struct want *alt[2], *package[2];
	int is_other_build; /* a debug file of another build is there */
	struct module_splits splits;
};

typedef void module_report_take(void *arg, const struct module_report *r);

/* Each module, those with the most samples first. 0 or -ENOMEM. */
int modules_report_each(const struct session *s, module_report_take *take, void *arg);

/* A line for each, those with the most samples first. */
void modules_report(const struct session *s, struct buf *out);

/* A line for each kind of file that a module names and that was not found, where that costs names:
 * dwz's and split ones. */
void modules_report_missing(const struct session *s, struct buf *out);

#endif
