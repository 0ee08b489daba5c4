/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages: one enum value and one struct each. Direction in the name: TO_TRACER_x goes from
 * session to tracer, TRACER_x comes back; TO_WORKER_x and WORKER_x likewise; SUPERVISOR_x between
 * session and supervisor. The list of who answers what is in doc/INTERNALS.md.
 *
 * Recordings hold what the tracer says, and captures: who changes their numbers or structs changes
 * RAW_VERSION too (agent/raw_format.h).
 */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include "base/message_tracer.h"
#include "base/message_worker.h"

enum message_type {
	/* session -> supervisor, and its answers */
	TO_SUPERVISOR_START = 1, /* struct supervisor_role: start this role */
	TO_SUPERVISOR_KILL,	 /* struct supervisor_role: SIGKILL this role */
	SUPERVISOR_STARTED,   /* struct supervisor_role + fd: session's end of the role's socket */
	SUPERVISOR_ENDED,     /* struct supervisor_role: the role's process is gone */
	SUPERVISOR_INTERRUPT, /* SIGINT, SIGTERM or SIGHUP came */
	TO_SUPERVISOR_GO,     /* the launched command may begin */
	SUPERVISOR_LAUNCHED,  /* struct supervisor_launched: it has begun, or cannot */

	/* session -> tracer */
	TO_TRACER_START = 32,
	/* struct tracer_start + struct tracer_pid[]: find them, sample them */
	TO_TRACER_LAUNCHED, /* the command that was waited for runs now */
	TO_TRACER_MARK,	 /* struct tracer_mode: end of an interval, send totals, go on like that */
	TO_TRACER_STOP,	 /* end of the window: send totals */
	TO_TRACER_EXTRA, /* struct extra_file + its three strings: open it if it exists */
	TO_TRACER_GO,	 /* struct tracer_go: how to find the goroutines of that program */
	TO_TRACER_GOROUTINES, /* capture each once; the answer is another TRACER_SNAPSHOT_DONE */
	TO_TRACER_PROBE,      /* struct tracer_probe, functions, slots: take these over */
	TO_TRACER_HEAP,	      /* tell what is alive now */
	TO_TRACER_RUN,	      /* struct tracer_run: the command that is held goes on, up to there */
	TO_TRACER_CLEAN,      /* take out probes that were left behind */

	/* tracer -> session */
	TRACER_ATTACHED = 48, /* struct tracer_attached: a process, before all else about it */
	TRACER_REFUSED,	      /* struct tracer_refused: cannot be profiled, and why */
	TRACER_READY,	      /* struct tracer_ready: all processes of the start are attached */
	TRACER_MODULE,	      /* struct tracer_module + path + fd: a file seen for the first time */
	TRACER_MAPS,	  /* struct maps_part + struct mapping[] with the tracer's module numbers */
	TRACER_THREADS,	  /* struct tracer_thread[]: new threads, or new figures of known ones */
	TRACER_PROCESSES, /* struct tracer_process[]: new figures of processes */
	TRACER_SNAPSHOT_DONE, /* every thread has been captured once for the threads profile */
	TRACER_STATS,	      /* struct tracer_stats: all figures so far */
	TRACER_MARK,	      /* struct tracer_mark: what follows belongs to the next interval */
	TRACER_DONE,	      /* struct tracer_done: the window is over */
	TRACER_EXTRA,	      /* struct extra_file + where it is + fd (none: not found) */
	TRACER_PERF_MAP,      /* struct tracer_perf_map + fd (none: why not) */
	TRACER_DETAIL,	      /* struct tracer_detail + its two texts: beside a thread's capture */
	TRACER_KERNEL, /* struct tracer_kernel + name: a function of the kernel, for the first time
			*/
	TRACER_CREATIONS,  /* struct tracer_creations: counted since the last one */
	TRACER_GOROUTINES, /* struct tracer_goroutines: of a process that shows none, and why */
	TRACER_CONTEXT,	   /* struct tracer_context + bytes: what a process says of itself */
	TRACER_COMMAND,	   /* struct tracer_command + the command line of a process */
	TRACER_PROBE,	   /* struct probe_refused: answer to TO_TRACER_PROBE, cause 0: it is in */
	TRACER_HEAP,	   /* struct tracer_heap + uint32_t ids[]: what is alive */
	TRACER_HELD,	   /* struct tracer_held: the command is held there */
	TRACER_CLEANED,	   /* struct tracer_cleaned: answer to TO_TRACER_CLEAN */

	/* session -> worker */
	TO_WORKER_MODULE = 96, /* struct worker_module + fd (none: known to be unreadable) */
	TO_WORKER_MAPS,	       /* struct maps_part + struct mapping[] with session's module ids */
	TO_WORKER_EXTRA,       /* struct extra_file + fd (none: it is not to be had) */
	TO_WORKER_FORGET,      /* struct worker_forget: no more captures of this process */
	TO_WORKER_FLUSH,       /* unwind all that is in the ring, then answer */
	TO_WORKER_SYMBOLIZE,   /* struct worker_symbolize + uint64_t offsets[] */
	TO_WORKER_PERF_MAP,    /* struct worker_module + fd: names of a module without a file */
	TO_WORKER_DATA,	       /* struct worker_data + uint64_t addresses[]: of variables */
	TO_WORKER_CONTEXT,     /* struct tracer_context + bytes, as the tracer told */
	TO_WORKER_GO,	       /* struct worker_go, of which module counts: what is known of it? */
	TO_WORKER_ALLOCATOR,   /* struct worker_allocator_question */

	/* worker -> session */
	WORKER_STACKS = 128, /* any number of struct worker_stack, each followed by its frames */
	WORKER_MODULE,	     /* struct worker_module_info */
	WORKER_FLUSHED,	     /* answer to TO_WORKER_FLUSH */
	WORKER_SYMBOLS,	     /* struct worker_symbols, then records, see there */
	WORKER_PERF_MAP,     /* struct worker_perf_map: what the map was good for */
	WORKER_CAPTURE,	     /* struct worker_capture + bytes: a part of a capture, to be saved */
	WORKER_WANTS,	     /* struct extra_file + its first two strings: to be looked for */
	WORKER_EXTRA,	     /* struct extra_file: answer to TO_WORKER_EXTRA, after what it wants */
	WORKER_DATA,	     /* struct worker_data + n struct worker_datum, each with its name */
	WORKER_CONTEXT,	     /* struct tracer_context + its service's name, without terminator */
	WORKER_GO,	     /* struct worker_go: answer to TO_WORKER_GO */
	WORKER_ALLOCATOR,    /* struct worker_allocator, functions, slots */

	/* player -> session, in the tracer's place; the last only, or damaged instead of it */
	TRACER_RECORDING = 160, /* struct tracer_recording: the run that was recorded */
	TRACER_IDENTITY,	/* struct tracer_identity: of the file of the next TRACER_MODULE */
	TRACER_RESTARTED,	/* from here on another tracer's words: its numbers begin anew */
	TRACER_RECORDED,	/* struct tracer_recorded: that was all */
	TRACER_DAMAGED,		/* struct tracer_damaged: it cannot be played, and why */
};

enum role { ROLE_SESSION, ROLE_TRACER, ROLE_WORKER, ROLES };

struct supervisor_role {
	uint32_t role;
	int32_t pid;
	int32_t status; /* SUPERVISOR_ENDED: as from waitpid */
	uint32_t by_us; /* SUPERVISOR_ENDED: killed on session's word */
};

struct supervisor_launched {
	int32_t error; /* 0, or -errno of exec */
	int32_t pid;
};

/* --- recordings --- */

struct tracer_recording {
	uint32_t kinds; /* bit per enum profile_kind */
	uint32_t hz;
	uint64_t wall_began; /* of the run: a little before its window; CLOCK_REALTIME, ns */
};

/* A file that is found later is the recorded one if it has the same build id; one without a build
 * id if it is the same file and was not written to. */
struct tracer_identity {
	uint32_t build_id_len;
	uint32_t unused;
	unsigned char build_id[32];
	uint64_t size, ino, changed; /* of the file; changed: ns since 1970 */
};

struct tracer_recorded {
	uint64_t wall_began;	 /* of the window, CLOCK_REALTIME */
	uint64_t duration;	 /* of the window, ns */
	uint64_t captures, lost; /* saved, and taken but not saved */
	uint32_t target_ended;
	uint32_t unused;
};

enum damage {
	DAMAGE_OPEN = 1,  /* detail: errno */
	DAMAGE_READ,	  /* detail: errno */
	DAMAGE_NO_RAW,	  /* not a recording */
	DAMAGE_VERSION,	  /* detail: its version */
	DAMAGE_TRUNCATED, /* ends before its end */
	DAMAGE_BROKEN,	  /* detail: type of the record that makes no sense; 0: its packing */
};

struct tracer_damaged {
	uint32_t cause; /* enum damage */
	int32_t detail;
	uint64_t records; /* before that */
};

#endif
