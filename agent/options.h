/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line. Options are Go-style: -x v, -x=v, --x v and --x=v are the same.
 *
 * Every string points into argv. A mistake is told to the user in one line that names the option.
 */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <stdint.h>

#include "agent/comparing.h"
#include "agent/push/push_options.h"
#include "base/message.h"

enum format {
	FORMAT_PPROF,
	FORMAT_FOLDED,
	FORMAT_SPEEDSCOPE,
	FORMAT_HTML,
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_GOROUTINE
};

#define OPTIONS_PIDS 256u

struct options {
	int pids[OPTIONS_PIDS];
	uint32_t n_pids;
	const char *name;    /* of the processes; NULL: by number */
	const char *threads; /* whose names match; NULL: all */
	int with_children;
	char **command;	    /* to launch, NULL-terminated; NULL: none */
	int exit_status;    /* end with the command's own */
	int launched;	    /* its pid, once supervisor has forked it */
	uint32_t kinds;	    /* bit per enum profile_kind */
	uint64_t window_ns; /* 0: until Ctrl-C, or the target's end */
	int window_given;
	uint64_t every_ns; /* a new file so often; 0: one for all */
	uint32_t count;	   /* so many intervals; 0: any number */
	uint32_t hz;
	int hz_given;
	int heap_rate_given;
	int heap_first;		  /* serving: the allocation probe goes in before anybody asks */
	uint64_t heap_rate;	  /* bytes between two samples of the allocation probe */
	const char *alloc_prefix; /* of an allocator's functions; NULL */
	int alloc_mmap;		  /* mapped memory is allocated, too */
	uint32_t most_stop; /* pauses: at most so much of the CPU time, in 1/1000000; 0: no limit */
	const char *output; /* NULL: named after the target, in the current directory */
	enum format format;
	int format_given;
	uint32_t top;  /* lines of the top table; 0: none */
	int top_asked; /* on stdout, and no file unless one is asked for */
	enum symbols_level symbols;
	enum demangle_level demangle;
	int kernel;		     /* blocked threads with the kernel's functions */
	int debuginfod;		     /* ask a server for what is missing */
	const char *debuginfod_urls; /* DEBUGINFOD_URLS, which the roles do not keep; NULL */
	const char *summary;	     /* as JSON into this file, "-": standard output; NULL: no */
	const char *save_raw;	     /* record into this file; NULL: no */
	const char *replay;	     /* play this recording, "-": standard input; NULL: sample */
	const char *symfs; /* files of a recording are below this folder; NULL: where they were */
	int cleanup;	   /* only take out what runs that were killed have left in it */
	int dump;	   /* all stacks as a page, instead of profiles */
	int open;	   /* show the page in the browser */
	const char *not_for_dump; /* an option that was given and says nothing to -dump */
	struct push_options push;
	const char *http;	/* where to listen; NULL: nowhere */
	const char *http_token; /* file; NULL: nobody is asked for one */
	uint32_t background;	/* ticks a second of the block and mutex counters; 0: none */
	int background_given;
	int serves;	     /* -http or -push: until it is told to end */
	uint32_t push_kinds; /* what is pushed, while kinds are all that can be served */
	const char *check;   /* hold this file to the rules instead of profiling */
	struct comparing compare;
};

/* 0 go on; else the program's exit status is *status (help, version, or a mistake). */
int options_parse(struct options *o, int argc, char **argv, int *status);

#endif
