/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages between session and tracer: see base/message.h. Recordings hold some of them.
 */
#ifndef BASE_MESSAGE_TRACER_H
#define BASE_MESSAGE_TRACER_H

#include "output/types.h"

enum start_flag {
	START_RESTARTED = 1,	  /* not the first tracer of this run: no snapshot again */
	START_CHILDREN = 2,	  /* descendants of the processes, too, those to come included */
	START_LAUNCHED = 4,	  /* the one process waits to become the command we start */
	START_BY_NAME = 8,	  /* name says which; a process that is not allowed is left out */
	START_SNAPSHOT_LAST = 16, /* the threads profile is of the interval's end */
	START_KERNEL = 32,	  /* blocked threads with the kernel's functions */
	START_SERVES = 64,	  /* without kinds it is silent until the next mark */
	START_HOLDS = 128,	  /* the command is held before it begins: TRACER_HELD */
};

enum mode_flag {
	MODE_DETAILS = 1,  /* with the snapshot: what each thread waits for */
	MODE_BEGINS = 2,   /* a window begins here: waits that last count in it, too */
	MODE_COMMANDS = 4, /* before the mark: TRACER_COMMAND of each process */
	MODE_CONTEXTS = 8, /* before the mark: TRACER_CONTEXT of those that have one */
	MODE_HEAP = 16,	   /* before the mark: TRACER_HEAP, if the probe is in */
};

/* How an interval is taken. */
struct tracer_mode {
	uint32_t kinds; /* bit per enum profile_kind; none: nobody is looked at */
	uint32_t hz;
	uint32_t flags; /* enum mode_flag */
	uint32_t unused;
};

#define TRACER_THREADS_PATTERN 128u

/* Followed by n struct tracer_pid. */
struct tracer_start {
	struct tracer_mode mode;
	uint32_t flags;		   /* enum start_flag */
	uint32_t most_stop;	   /* pauses: at most so much of the CPU time, in 1/1000000 */
	uint32_t first_serial;	   /* of this tracer's threads */
	uint32_t first_generation; /* of this tracer's maps */
	uint32_t first_process;	   /* number of the next new process */
	uint32_t interval;	   /* to begin with */
	uint32_t first_kernel;	   /* number of the next new function of the kernel */
	uint32_t unused;
	uint64_t seed;	  /* of the clock's jitter */
	int32_t launched; /* START_LAUNCHED: its pid */
	uint32_t n;
	char name[16];
	char threads[TRACER_THREADS_PATTERN]; /* see agent/tracer/thread_names.h */
};

struct tracer_kernel {
	uint32_t number;
	uint32_t is_wchan; /* whole kernel stacks are refused: this is where some thread waits */
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

/* Followed by its arguments, each with its terminator, as /proc/PID/cmdline has them. */
struct tracer_command {
	uint32_t process; /* its number */
	uint32_t len;
};

/* Followed by its header and its payload (symbolize/otel_context.h), len bytes. */
struct tracer_context {
	uint32_t process; /* its number */
	uint32_t len;
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
	uint32_t is_left_out; /* by its name: none of it is captured */
	char name[16];
};

enum detail_flag {
	DETAIL_MOVED =
		1, /* it ran between its stack and this, or is running: nothing of its call */
	DETAIL_AGAIN = 2, /* the second look at a thread that others hold up: only its call and runs
			   */
};

/* What there is to say of a thread besides its stack. Two texts follow: what the descriptor is that
 * it waits on; where in the kernel it is, a function in each line, innermost first. */
struct tracer_detail {
	uint32_t thread;   /* its serial */
	uint32_t interval; /* of the snapshot */
	uint32_t state;	   /* the kernel's letter */
	uint32_t flags;	   /* enum detail_flag */
	struct wait wait;
	uint64_t cpu, runs;  /* since it was born: ns, times it was put on a CPU */
	uint64_t runs_after; /* when the look was over, a stop of ours included */
	int64_t idle_ns;     /* how long it has not run; -1: not known */
	int64_t left_ns;     /* until its call gives up, at most; -1: never, -2: not known */
	uint64_t args[6];    /* of its system call */
	int32_t fd;	     /* that it waits on; -1 */
	uint32_t fd_len, kernel_len;
	uint32_t unused;
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
	uint64_t ticks_weight; /* periods that these stand for, in 1/WEIGHT_ONE */
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
	uint32_t processes_now;
	uint32_t kernel_unread; /* blocked threads whose kernel side could not be read */
	uint32_t execs, maps_failed;
};

/* Of the threadcreate profile, besides struct tracer_stats, whose stops are those of creators. */
struct tracer_creations {
	uint64_t created;     /* threads */
	uint64_t no_room;     /* of these, so many creators have no stack for want of room */
	uint64_t group_stops; /* stops by job control that were kept */
	uint64_t let_go;      /* processes that were attached to as they were born */
	uint64_t others;      /* stops for anything else */
	uint64_t others_ns;   /* how long they took */
	uint64_t attached;    /* threads that were there */
	uint64_t attach_ns;   /* how long it took to attach to them */
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

struct tracer_go {
	uint32_t number; /* the tracer's, of the module */
	uint32_t lack;
	struct go_facts facts;
};

/* Why an allocation probe cannot be put into a process. */
enum probe_cause {
	PROBE_CAUSE_NONE,
	PROBE_CAUSE_PATCH,   /* a function cannot be taken over; detail: enum patch_refusal */
	PROBE_CAUSE_ROOM,    /* no free addresses near its code */
	PROBE_CAUSE_SECCOMP, /* a filter of the process may punish our calls by death */
	PROBE_CAUSE_STOPPED, /* job control holds it */
	PROBE_CAUSE_LATE,    /* some thread does not reach a stop */
	PROBE_CAUSE_TRACED,  /* some thread is traced by another */
	PROBE_CAUSE_GONE,
	PROBE_CAUSE_CALL,    /* a call failed in the process; detail: errno */
	PROBE_CAUSE_MEMORY,  /* its code cannot be written; detail: errno */
	PROBE_CAUSE_TAKEN,   /* a probe is there already */
	PROBE_CAUSE_BUSY,    /* some thread stays in the first instructions of a function */
	PROBE_CAUSE_MODULE,  /* the module is not where it was */
	PROBE_CAUSE_MANY,    /* more functions than there are hooks */
	PROBE_CAUSE_MAPS,    /* its mappings cannot be read; detail: errno */
	PROBE_CAUSE_POINTER, /* some thread has no thread pointer */
	PROBE_CAUSE_BROKEN,  /* what an earlier run's probe stands in place of is not known */
	PROBE_CAUSES
};

struct probe_refused {
	uint32_t cause;	   /* enum probe_cause */
	uint32_t function; /* of PROBE_CAUSE_PATCH: which of those that were asked for */
	int32_t detail;
	uint32_t by_slots; /* cause 0: functions that only their slots lead to the probe, */
	uint32_t slots;	   /* and how many of these slots there are */
	uint32_t outside;  /* cause 0: functions that were left as they are: no slot leads to them
			    */
};

/* What was found in a process. */
struct probe_found {
	uint32_t out;	  /* probes taken out, */
	uint32_t inert;	  /* or only made inert: some thread may have to come back to them */
	uint32_t in_use;  /* another's that lives */
	uint32_t stuck;	  /* cannot be taken out: some thread does not stop */
	uint32_t broken;  /* nor these: what they stand in place of is not known */
	uint32_t damaged; /* taken out all the same, the process had written over them */
	uint32_t closed;  /* descriptors */
};

struct tracer_cleaned {
	struct probe_refused why;
	struct probe_found found;
};

/* A function of an allocator. */
struct allocator_function {
	uint64_t offset; /* in the file */
	uint64_t size;
	uint32_t module; /* to the tracer: its own number */
	uint16_t number; /* base/allocator_names.h */
	uint8_t prefix;
	uint8_t flags; /* enum allocator_use */
};

enum allocator_use {
	ALLOCATOR_IS_LEAF = 1, /* calls no other function that is taken over */
};

/* A place in a module that holds such a function's address for calls from there. */
struct allocator_slot {
	uint64_t code;	  /* where the module's code begins: offset in the file */
	int64_t distance; /* of the place in memory, from there */
	uint64_t before;  /* where it leads before it is bound: offset in the file; 0: nowhere */
	uint32_t module;  /* to the tracer: its own number */
	uint16_t number;
	uint8_t prefix;
	uint8_t unused;
};

#define ALLOCATOR_FUNCTIONS_MAX 512u /* in one message */
#define ALLOCATOR_SLOTS_MAX	1536u

/* Take these functions over: n_functions struct allocator_function follow, and n_slots struct
 * allocator_slot for what cannot be taken over otherwise. */
struct tracer_probe {
	uint64_t mean;	/* bytes between two samples */
	uint32_t kinds; /* of the captures: KINDS_OF_HEAP, or one of them */
	uint32_t n_functions, n_slots;
	uint32_t unused;
};

/* When session asks, at marks (MODE_HEAP, or an interval of heap kinds), and once more when the
 * probe is out; followed by n ids of samples that are alive. As many as there are in all come in
 * several messages, the last one with is_last. All captures before it belong to it, and each that
 * is alive has one. */
struct tracer_heap {
	uint32_t n;
	uint32_t is_last;
	uint64_t dropped, dropped_bytes;	 /* samples without room in the ring */
	double dropped_weight, dropped_variance; /* bytes that these stand for, about */
	uint64_t mean; /* bytes between two samples at the end: more than asked under pressure */
	uint64_t table_full; /* samples that are not known to be freed */
	uint64_t no_slot;    /* allocations of threads without a slot */
	uint64_t lost;	     /* records that made no sense */
	uint64_t cut;	     /* stacks that go on beyond what was copied */
	uint64_t longest_ns; /* stop of all threads */
	uint32_t stops;
	int32_t left;	  /* as probe_disarm says */
	uint32_t is_gone; /* the process runs another program, and nobody has seen what it allocates
			   */
	uint32_t programs; /* of a command: that it ran before this one, in the same process */
	uint32_t is_end;   /* nothing comes after it: the probe is out, or was left there */
	uint32_t is_off;   /* it had switched itself off: we were held up for too long */
};

/* Where in a loader it has mapped all libraries, moved them to their places, and run none of their
 * code: the function that it calls for debuggers. */
struct loader_stop {
	uint64_t offset; /* in the file; 0: it is no loader */
	int64_t state;	 /* where the state is that must be 0 then, from the function on; 0: nowhere
			  */
};

struct tracer_run {
	uint32_t number; /* the tracer's, of the loader; 0: up to the program's entry point */
	uint32_t unused;
	struct loader_stop stop;
};

enum held_at {
	HELD_BEGIN,  /* its program was just loaded, the libraries were not */
	HELD_READY,  /* all is loaded, and no code of it has run */
	HELD_ENTRY,  /* at the entry point: the code by which libraries begin has run already */
	HELD_FAILED, /* it cannot be held where it was to be; error: errno */
};

struct tracer_held {
	uint32_t at; /* enum held_at */
	int32_t error;
};

struct tracer_goroutines {
	uint32_t process;
	uint32_t lack; /* enum go_lack */
};

#endif
