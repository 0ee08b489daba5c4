/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page that -dump shows: every thread of some processes at one moment, what it waits for and
 * who holds it up, equal stacks together.
 *
 * Filled by dump_add_x, then dump_finish, then written by dump_text, dump_json or dump_goroutine,
 * which change nothing. Strings are borrowed from the caller until dump_fini; those of the target
 * may hold any bytes. Lists past their ceilings are refused by -E2BIG.
 */
#ifndef OUTPUT_DUMP_H
#define OUTPUT_DUMP_H

#include "base/buf.h"
#include "output/types.h"

struct symbols;

#define DUMP_NOT_KNOWN (-1)
#define DUMP_NO_INDEX  UINT32_MAX

struct dump_process {
	int32_t pid;
	uint32_t n_threads; /* set by dump_finish */
	const char *comm;
};

struct dump_thread {
	int32_t pid, tid;
	const char *name;
	uint32_t state; /* the kernel's letter */
	uint32_t moved; /* it ran while it was looked at: nothing is known of its call */
	uint64_t cpu, runs;
	int64_t idle_ns;     /* how long it has not run; -1 not known */
	uint64_t unmoved_ns; /* it has not run in any dump for so long; 0: it has, or the first */
	struct wait wait;    /* kind: as the names on its stack tell, after dump_finish */
	const char *lock;    /* the lock's name; NULL: only its address is known */
	uint64_t args[6];
	int64_t left_ns;	      /* until the call gives up, at most; -1 never, -2 not known */
	int32_t fd;		      /* that it waits on; -1 */
	const char *fd_text, *kernel; /* kernel: a function in each line; "" none */
	/* set by dump_finish */
	uint32_t holder; /* index of the thread that has its lock, or DUMP_NO_INDEX */
	uint32_t group;
	uint32_t first_frame, n_frames; /* in raw; set by dump_add_thread */
};

/* One function of a stack. */
struct dump_line {
	const char *function; /* "" not known */
	const char *file;     /* "" not known */
	uint32_t line;	      /* 0 not known */
	uint32_t module;      /* its number; 0: function says why the stack ends */
	uint64_t offset;      /* in the module's file */
	uint32_t is_inlined;  /* into the function after it */
	uint32_t is_guessed;  /* found without unwind information */
};

/* Threads of one process in one state that have the same stack. */
struct dump_group {
	int32_t pid;
	uint32_t state;
	uint32_t first_member, n_members; /* in members: indices of threads */
	uint32_t first_line, n_lines;	  /* leaf first */
};

/* Threads each of which waits for what the next one holds, the last for the first's. */
struct dump_cycle {
	uint32_t first, n; /* in in_cycles: indices of threads */
};

struct dump {
	struct dump_process *processes;
	uint32_t n_processes, processes_room;
	struct dump_thread *threads;
	uint32_t n_threads, threads_room;
	struct frame *raw;
	uint32_t n_raw, raw_room;
	struct dump_group *groups; /* by process in the order given, the largest first */
	uint32_t n_groups;
	uint32_t *members;
	struct dump_line *lines;
	uint32_t n_lines, lines_room;
	struct dump_cycle *cycles;
	uint32_t n_cycles, cycles_room;
	uint32_t *in_cycles;
	uint32_t n_in_cycles, in_cycles_room;
	const struct module_info *modules;
	uint32_t n_modules;
	/* Of the dump itself. */
	uint32_t number;   /* 0: the first one */
	uint64_t since_ns; /* since the one before */
	uint64_t time;	   /* CLOCK_REALTIME, ns */
	uint64_t took_ns;
	uint64_t stops; /* threads stopped for it */
	uint64_t lost;	/* threads whose stack was lost on the way */
};

/* Zero-initialized is empty. */
void dump_fini(struct dump *d);

/* Each 0 or -errno. frames: leaf first, with pseudo frames. */
int dump_add_process(struct dump *d, int32_t pid, const char *comm);
int dump_add_thread(
	struct dump *d, const struct dump_thread *t, const struct frame *frames, uint32_t n);

/* Instead of one that was added. */
int dump_set_thread(struct dump *d, uint32_t index, const struct dump_thread *t,
	const struct frame *frames, uint32_t n);

/* Names and groups the stacks, and finds who holds whom up. */
int dump_finish(struct dump *d, const struct symbols *symbols, const struct module_info *modules,
	uint32_t n_modules);

/* After dump_finish: a circle of n, from that thread on each with its holder. */
int dump_add_cycle(struct dump *d, uint32_t first, uint32_t n);

/* The place in its code that a thread is at: the innermost function of the program itself, or else
 * of all; "" if none is known. */
const char *dump_place(const struct dump *d, const struct dump_thread *t);

/* The module's file name without its folders; "[memory]" for one without a file. */
const char *dump_module(const struct dump *d, uint32_t module);

/* 0 or out's error. JSON is one line. */
int dump_text(const struct dump *d, struct buf *out);
int dump_json(const struct dump *d, struct buf *out);
int dump_goroutine(const struct dump *d, struct buf *out);

#endif
