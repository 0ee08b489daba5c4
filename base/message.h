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

#include "output/types.h"

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
	TO_TRACER_LAUNCHED,   /* the command that was waited for runs now */
	TO_TRACER_MARK,	      /* end of an interval: send totals, go on with the next */
	TO_TRACER_STOP,	      /* end of the window: send totals */
	TO_TRACER_EXTRA,      /* struct extra_file + its three strings: open it if it exists */
	TO_TRACER_GO,	      /* struct tracer_go: how to find the goroutines of that program */
	TO_TRACER_GOROUTINES, /* capture each once; the answer is another TRACER_SNAPSHOT_DONE */

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
	TRACER_GOROUTINES,    /* struct tracer_goroutines: of a process that shows none, and why */

	/* session -> worker */
	TO_WORKER_MODULE = 64, /* struct worker_module + fd (none: known to be unreadable) */
	TO_WORKER_MAPS,	       /* struct maps_part + struct mapping[] with session's module ids */
	TO_WORKER_EXTRA,       /* struct extra_file + fd (none: it is not to be had) */
	TO_WORKER_FORGET,      /* struct worker_forget: no more captures of this process */
	TO_WORKER_FLUSH,       /* unwind all that is in the ring, then answer */
	TO_WORKER_SYMBOLIZE,   /* struct worker_symbolize + uint64_t offsets[] */
	TO_WORKER_PERF_MAP,    /* struct worker_module + fd: names of a module without a file */
	TO_WORKER_GO,	       /* struct worker_go, of which module counts: what is known of it? */

	/* worker -> session */
	WORKER_STACKS = 80, /* any number of struct worker_stack, each followed by its frames */
	WORKER_MODULE,	    /* struct worker_module_info */
	WORKER_FLUSHED,	    /* answer to TO_WORKER_FLUSH */
	WORKER_SYMBOLS,	    /* struct worker_symbols, then records, see there */
	WORKER_PERF_MAP,    /* struct worker_perf_map: what the map was good for */
	WORKER_CAPTURE,	    /* struct worker_capture + bytes: a part of a capture, to be saved */
	WORKER_WANTS,	    /* struct extra_file + its first two strings: to be looked for */
	WORKER_EXTRA,	    /* struct extra_file: answer to TO_WORKER_EXTRA, after what it wants */
	WORKER_GO,	    /* struct worker_go: answer to TO_WORKER_GO */

	/* player -> session, in the tracer's place; the last only, or damaged instead of it */
	TRACER_RECORDING = 112, /* struct tracer_recording: the run that was recorded */
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

enum start_flag {
	START_RESTARTED = 1,	 /* not the first tracer of this run: no snapshot again */
	START_CHILDREN = 2,	 /* descendants of the processes, too, those to come included */
	START_LAUNCHED = 4,	 /* the one process waits to become the command we start */
	START_BY_NAME = 8,	 /* name says which; a process that is not allowed is left out */
	START_SNAPSHOT_LAST = 16 /* the threads profile is of the window's end */
};

/* Followed by n struct tracer_pid. */
struct tracer_start {
	uint32_t kinds; /* bit per enum profile_kind */
	uint32_t flags; /* enum start_flag */
	uint32_t hz;
	uint32_t most_stop;	   /* pauses: at most so much of the CPU time, in 1/1000000 */
	uint32_t first_serial;	   /* of this tracer's threads */
	uint32_t first_generation; /* of this tracer's maps */
	uint32_t first_process;	   /* number of the next new process */
	uint32_t interval;	   /* to begin with */
	uint64_t seed;		   /* of the clock's jitter */
	int32_t launched;	   /* START_LAUNCHED: its pid */
	uint32_t n;
	char name[16];
};

struct tracer_pid {
	int32_t pid;
	uint32_t number;
	uint64_t start_time; /* field 22 of its stat, to see that it is the same one; 0: any */
};

/* Also sent again when the process has replaced its program (exec). */
struct tracer_attached {
	int32_t pid;
	uint32_t number; /* of the process */
	uint32_t n_threads;
	uint32_t is_new;     /* began inside the window: all its CPU belongs to it */
	uint64_t start_time; /* field 22 of /proc/PID/stat */
	uint64_t clock;	     /* process CPU clock, ns */
	char comm[16];
};

struct tracer_ready {
	uint32_t n; /* processes */
	uint32_t unused;
};

/* The last message about a process has has_ended set. */
struct tracer_process {
	uint32_t number;
	uint32_t has_ended;
	uint64_t clock; /* process CPU clock when last read, ns */
};

struct tracer_mark {
	uint32_t interval; /* the one that is over */
	uint32_t unused;
	uint64_t at; /* when the figures were read: CLOCK_MONOTONIC, ns */
};

enum refusal {
	REFUSED_NO_PROCESS = 1,
	REFUSED_ZOMBIE,
	REFUSED_KERNEL_THREAD,
	REFUSED_OURSELVES,
	REFUSED_TRACED,	      /* detail: pid of the tracer, 0 if outside our pid namespace */
	REFUSED_OTHER_USER,   /* detail: its uid */
	REFUSED_YAMA,	      /* detail: ptrace_scope */
	REFUSED_CAPABILITY,   /* root without CAP_SYS_PTRACE */
	REFUSED_NOT_DUMPABLE, /* setuid or PR_SET_DUMPABLE 0 */
	REFUSED_SECCOMP,      /* our own ptrace is filtered */
	REFUSED_FOREIGN,      /* 32-bit or another architecture; detail: e_machine << 8 | e_class */
	REFUSED_THREAD,	      /* the number is a thread's, not a process's; detail: its process */
	REFUSED_NAMESPACE,    /* /proc is of another PID namespace */
	REFUSED_IDENTITY,     /* restarted tracer: the pid belongs to another process now */
	REFUSED_FILES, /* CAP_SYS_PTRACE alone: its /proc files are another user's; detail: uid */
	REFUSED_NO_SCHEDSTAT, /* the kernel keeps no run counts */
	REFUSED_LSM,	      /* all rights, and refused: a security module */
	REFUSED_NAME,	      /* no process of that name */
	REFUSED_TOO_MANY,     /* processes; detail: the ceiling */
	REFUSED_OTHER,	      /* detail: errno */
};

struct tracer_refused {
	uint32_t cause; /* enum refusal */
	int32_t detail;
	int32_t pid;
	uint32_t is_extra; /* a descendant, or one of a name: the others are profiled */
};

/* Followed by the path, path_len bytes. number is the tracer's own; session gives it an id. */
struct tracer_module {
	uint32_t number;
	uint32_t flags; /* enum module_flag */
	uint64_t dev, ino;
	uint32_t path_len;
	uint32_t unused;
};

/* A generation of mappings comes in parts; it is valid after the part with last set. */
struct maps_part {
	uint32_t generation;
	uint32_t process;
	uint32_t n;
	uint32_t last;
};

struct tracer_thread {
	uint32_t serial;
	int32_t tid;
	uint64_t start_time;
	uint64_t cpu;	 /* schedstat's first field now, or when last seen */
	uint32_t is_new; /* was born after this tracer began: all its CPU belongs to the window */
	uint32_t has_ended;
	uint32_t process;
	uint32_t unused;
	char name[16];
};

#define STATS_BUCKETS 256u

/* Why a thread that was running at the check gave no sample. */
enum skip {
	SKIP_BLOCKED,	 /* went to sleep before its stop, or was only waking */
	SKIP_GONE,	 /* ended meanwhile */
	SKIP_LATE,	 /* did not reach its stop in time */
	SKIP_DENIED,	 /* the kernel refused (someone else traces it, it is exiting) */
	SKIP_QUEUED,	 /* more running threads than CPUs: not its turn */
	SKIP_RING_FULL,	 /* worker too slow */
	SKIP_UNREADABLE, /* its stack pointer points to no memory */
	SKIP_UNKNOWN,	 /* whether it was running could not be read */
	SKIPS
};

struct tracer_stats {
	uint64_t ticks;	       /* taken */
	uint64_t ticks_missed; /* due, but passed while an earlier one was still at work */
	uint64_t ticks_late;   /* begun more than half a period late */
	uint64_t taken;	       /* captures pushed */
	uint64_t captured[PROFILE_KINDS]; /* of these, those that go into each profile */
	uint64_t skipped[SKIPS];
	uint64_t stops;		    /* threads stopped */
	uint64_t stop_ns;	    /* sum of the pauses, SEIZE to DETACH, of the others */
	uint64_t queued_stops;	    /* of the stops, those in which the thread waited for a CPU that
				       others had */
	uint64_t queued_ns;	    /* how long they took */
	uint64_t repaired;	    /* calls that would have returned EINTR */
	uint64_t failed;	    /* calls that returned EINTR and could not be repaired */
	uint64_t cut_short;	    /* calls that returned with part of their work done */
	uint64_t rescued;	    /* exec races repaired */
	uint64_t signals;	    /* signals met at a stop and passed on */
	uint64_t unseen_ns;	    /* CPU of descendants that ended unseen */
	uint64_t lists_failed;	    /* listings of threads that were not complete */
	uint64_t slowed_ns;	    /* time at a lower rate than asked, to keep the pauses short */
	uint64_t goroutines_beyond; /* more than LIMIT_GOROUTINES */
	uint32_t stop_us[STATS_BUCKETS]; /* pauses, logarithmic: see tracer/stats.h */
	uint32_t threads_now, threads_seen;
	uint32_t processes_now, unused;
	uint32_t execs, maps_failed;
};

struct tracer_done {
	uint32_t target_ended;
	uint32_t unused;
	uint64_t at; /* as in the mark */
};

/* Files that belong to a module besides its own. */
enum extra_kind {
	EXTRA_DEBUG,   /* separate debug information: by build id, or by name and checksum */
	EXTRA_ALT,     /* what dwz moved out, for the module's file (index 0), its debug file (1) */
	EXTRA_PACKAGE, /* all split files in one, beside the module's file (0), its debug file (1)
			*/
	EXTRA_SPLIT,   /* one split file (.dwo); index: the reader's own */
	EXTRA_KINDS
};

/* One such file, in questions and answers. Strings that follow, as the lengths say: its name, the
 * folder it was compiled in, and the path of the file that names it (in TRACER_EXTRA: only its own
 * path). */
struct extra_file {
	uint32_t module; /* session's id */
	uint32_t kind;	 /* enum extra_kind */
	uint32_t index;
	uint32_t number;    /* to the tracer: its own number of the module; 0: not known */
	uint32_t candidate; /* the places before this one were tried; the one it was found in */
	int32_t error; /* why there is no descriptor: -errno of the open; -ENOENT: it is nowhere.
			  Of a worker: that it is another file */
	uint32_t name_len, folder_len, path_len;
	uint32_t checksum; /* EXTRA_DEBUG with a name */
	uint32_t build_id_len;
	unsigned char build_id[32];
};

/* Of a module that has no file; told again when the process has another map. */
struct tracer_perf_map {
	uint32_t module;  /* the tracer's number */
	int32_t pid;	  /* of the process in its own namespace: the map goes by it */
	int32_t error;	  /* why there is no descriptor: -ENOENT no map; -ELOOP a link; -EPERM of
			     another user; -EMLINK with more than one name; -EINVAL not a regular
			     file; -EFBIG too large; -ESTALE older than the process; or another -errno
			   */
	uint32_t has_map; /* with a descriptor; in a recording: the content comes before */
};

struct worker_module {
	uint32_t module;
	uint32_t flags; /* enum module_flag */
	uint32_t build_id_len;
	uint32_t unused;
	unsigned char build_id[32]; /* MODULE_RECORDED: a file with another one is not read */
};

/* Why there are no goroutines to be seen in a process. */
enum go_lack {
	GO_LACK_NOTHING,
	GO_LACK_UNKNOWN, /* nobody has told of the program yet */
	GO_LACK_GO,	 /* it was not made by Go, or by one before 1.18 */
	GO_LACK_LAYOUT,	 /* no DWARF, and of a version whose structs are not known here */
	GO_LACK_LIST,	 /* the list of goroutines was not found in its code */
	GO_LACK_SENSE,	 /* what is in its memory does not look like that */
	GO_LACK_MEMORY,	 /* its memory cannot be read */
	GO_LACKS
};

/* Offsets in the runtime's structs g (its first three members never moved) and m. */
struct go_layout {
	uint16_t m, sp, pc, bp; /* the last three: where it goes on (sched) */
	uint16_t syscall_sp, syscall_pc;
	uint16_t status, id, reason;
	uint16_t turns; /* one byte that counts how often it left the state of running */
	uint16_t m_thread, m_current;
};

#define GO_STRUCT_MAX 512u /* in g and m they are below that */
#define GO_REASONS    128u

/* How the runtime of one program is to be read. Addresses as in the file. */
struct go_facts {
	uint64_t list;			    /* runtime.allgs */
	uint64_t code_offset, code_address; /* the same place, to tell where it is loaded */
	struct go_layout layout;
	uint8_t states[GO_REASONS]; /* enum go_state - GO_WAITS by g.waitreason */
};

struct worker_go {
	uint32_t module;
	uint32_t lack; /* enum go_lack: with one there are no facts */
	struct go_facts facts;
};

struct tracer_go {
	uint32_t number; /* the tracer's, of the module */
	uint32_t lack;
	struct go_facts facts;
};

struct tracer_goroutines {
	uint32_t process;
	uint32_t lack; /* enum go_lack */
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
	uint32_t unused;
	uint64_t goroutine; /* as in the capture */
	struct wait wait;   /* as in the capture */
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
