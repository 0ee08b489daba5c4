/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages between session and worker: see base/message.h.
 */
#ifndef BASE_MESSAGE_WORKER_H
#define BASE_MESSAGE_WORKER_H

#include "base/message_tracer.h"

struct worker_module {
	uint32_t module;
	uint32_t flags; /* enum module_flag */
	uint32_t build_id_len;
	uint32_t unused;
	unsigned char build_id[32]; /* MODULE_RECORDED: a file with another one is not read */
};

struct worker_go {
	uint32_t module;
	uint32_t lack; /* enum go_lack: with one there are no facts */
	struct go_facts facts;
};

/* Which functions of an allocator has it? */
struct worker_allocator_question {
	uint32_t module;
	uint32_t with_mapping; /* mmap and its kin, too */
	char prefix[64];       /* the user's; "": none */
};

enum allocator_module {
	ALLOCATOR_CHECKS = 1,	     /* a sanitizer's, which keeps its own books */
	ALLOCATOR_OWN_OPERATORS = 2, /* the operators of C++ in it are the allocator's */
	ALLOCATOR_IS_KNOWN = 4,	     /* jemalloc, tcmalloc or mimalloc: it calls no other */
	ALLOCATOR_IS_CUT = 8,	     /* it has more than fits */
	ALLOCATOR_HAS_ARENAS = 16,   /* python's: small objects are in areas that it maps */
};

/* The answer; n_functions and then n_slots of these follow. */
struct worker_allocator {
	uint32_t module;
	uint32_t flags; /* enum allocator_module */
	uint32_t n_functions, n_slots;
	uint32_t unused;
	struct loader_stop loader; /* if it is a loader */
};

struct worker_forget {
	uint32_t process;
	uint32_t unused;
};

/* What there is to read in a module's own file. */
enum module_has {
	HAS_INFO = 1,
	HAS_FRAME = 2,
	HAS_EH_FRAME = 4,
	HAS_SYMTAB = 8,
	HAS_DYNSYM = 16,
	HAS_ZSTD = 32, /* some debug section that cannot be read */
	HAS_XZ = 64,   /* symbols in .gnu_debugdata */
	HAS_GO = 128,  /* Go's table of functions */
};

#define HAS_SYMBOLS (HAS_SYMTAB | HAS_DYNSYM)

struct worker_module_info {
	uint32_t module;
	uint32_t flags; /* enum module_flag, those the worker found */
	uint32_t build_id_len;
	uint32_t has; /* enum module_has */
	unsigned char build_id[32];
};

struct worker_perf_map {
	uint32_t module;
	uint32_t functions; /* lines that count */
	uint32_t bad;	    /* lines left out */
	int32_t error;	    /* 0, or why it could not be read: -errno */
};

/* Followed by n struct frame, so its size keeps them aligned. */
struct worker_stack {
	uint32_t kinds;	  /* as in the capture */
	uint32_t thread;  /* as in the capture */
	uint32_t state;	  /* as in the capture */
	uint32_t weight;  /* as in the capture */
	uint32_t missing; /* as in the capture */
	uint32_t end;	  /* enum stack_end */
	uint32_t n;
	uint32_t interval;    /* as in the capture */
	uint32_t flags;	      /* as in the capture */
	uint32_t id;	      /* as in the capture */
	uint32_t looks;	      /* as in the capture */
	uint32_t contentions; /* as in the capture */
	uint32_t again;	      /* as in the capture */
	uint64_t goroutine;   /* as in the capture */
	union {
		struct wait wait;	 /* as in the capture */
		struct heap_sample heap; /* likewise */
	};
};

/* Bytes [at, at + the rest of the message) of a struct capture and its stack, size in all. */
struct worker_capture {
	uint32_t size, at;
};

_Static_assert(sizeof(struct worker_stack) % _Alignof(struct frame) == 0, "frames follow it");

enum symbols_level { SYMBOLS_NONE, SYMBOLS_SYMTAB, SYMBOLS_FULL };
enum demangle_level { DEMANGLE_NONE, DEMANGLE_SIMPLE, DEMANGLE_TEMPLATES, DEMANGLE_FULL };

/* Followed by n file offsets, sorted. A request comes in as many messages as it needs: the reader
 * of debug information pays for each unit that it touches, not for each address. */
struct worker_symbolize {
	uint32_t module;
	uint32_t n;
	uint32_t level;	   /* enum symbols_level */
	uint32_t demangle; /* enum demangle_level */
	uint32_t more;	   /* the next message belongs to the same request */
	uint32_t unused;
};

/* Followed by `addresses` records: struct worker_address, then its `lines` times struct worker_line
 * each followed by its three strings (name, system_name, file; lengths in the struct, no NULs).
 * Lines are innermost first. One request is answered by as many messages as it needs, in order;
 * the last has last = 1. */
struct worker_symbols {
	uint32_t module;
	uint32_t addresses;
	uint32_t last;
	uint32_t unused;
};

struct worker_address {
	uint64_t offset;
	uint32_t lines; /* 0: nothing known */
	uint32_t unused;
};

struct worker_line {
	uint32_t line, start_line;
	uint32_t name_len, system_name_len, file_len;
};

/* Addresses in the memory of one process, sorted; and the answer, which tells of the same. */
struct worker_data {
	uint32_t process;
	uint32_t n;	   /* at most LIMIT_DATA_ASKED */
	uint32_t demangle; /* enum demangle_level */
	uint32_t unused;
};

/* Followed by the name of the variable that is there, name_len bytes; 0: none is known. */
struct worker_datum {
	uint64_t offset; /* in the variable */
	uint32_t name_len;
	uint32_t unused;
};

_Static_assert(sizeof(struct worker_data) +
			       LIMIT_DATA_ASKED * (sizeof(struct worker_datum) + LIMIT_NAME) <=
		       LIMIT_MESSAGE,
	"one message answers all");

#endif
