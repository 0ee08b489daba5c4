/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data that flows from tracer to worker to session, written down once. No functions.
 *
 * Units: addresses are the target's virtual addresses, offsets are file offsets inside a module,
 * times are nanoseconds. Structs that cross a process boundary have no pointers and no padding that
 * matters; both ends are the same binary, so there is no byte order or version to agree on.
 */
#ifndef OUTPUT_TYPES_H
#define OUTPUT_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* Recordings hold these numbers. */
enum profile_kind {
	PROFILE_CPU,
	PROFILE_THREADS,
	PROFILE_WALL,
	PROFILE_BLOCK,
	PROFILE_MUTEX,
	PROFILE_THREADCREATE,
	PROFILE_GOROUTINE,
	PROFILE_HEAP,
	PROFILE_ALLOCS,
	PROFILE_KINDS
};

#define KIND(kind) (1u << (kind))

/* Those that are of a moment; of a window. */
#define KINDS_OF_MOMENT (KIND(PROFILE_THREADS) | KIND(PROFILE_GOROUTINE))
#define KINDS_OF_WINDOW (KIND(PROFILE_KINDS) - 1 - KINDS_OF_MOMENT)

/* Those that the allocation probe brings; all others. */
#define KINDS_OF_HEAP (KIND(PROFILE_HEAP) | KIND(PROFILE_ALLOCS))
#define KINDS_OF_LOOK (KIND(PROFILE_KINDS) - 1 - KINDS_OF_HEAP)

/* Those that are taken at ticks. */
#define KINDS_OF_TICKS                                                                             \
	(KIND(PROFILE_CPU) | KIND(PROFILE_WALL) | KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX))

/* x86-64 DWARF register numbers (System V ABI, table 3.36); 16 is the return address, here the pc.
 * (Not REG_x: <sys/ucontext.h> numbers those otherwise.) */
enum reg_number {
	DWREG_RAX,
	DWREG_RDX,
	DWREG_RCX,
	DWREG_RBX,
	DWREG_RSI,
	DWREG_RDI,
	DWREG_RBP,
	DWREG_RSP,
	DWREG_R8,
	DWREG_R9,
	DWREG_R10,
	DWREG_R11,
	DWREG_R12,
	DWREG_R13,
	DWREG_R14,
	DWREG_R15,
	DWREG_PC,
	REGS_COUNT
};

/* A register whose bit in known is clear has no value: never use r[] for it. */
struct regs {
	uint64_t r[REGS_COUNT];
	uint32_t known;
	uint32_t unused;
};

#define DWREG_BIT(reg) (1u << (reg)) /* of known */
#define REGS_ALL       ((1u << REGS_COUNT) - 1)

/* Thread states as in /proc/PID/stat, kept as the kernel's letter. Those of goroutines are above
 * all letters: GO_WAITS + the number of the reason why it waits, of those in base/go_reasons.h. */
enum go_state {
	GO_STATE_UNKNOWN = 256,
	GO_RUNNABLE,
	GO_RUNNING,
	GO_SYSCALL,
	GO_PREEMPTED,
	GO_WAITS
};

enum capture_flag {
	CAPTURE_STOPPED = 1,  /* taken in a ptrace stop: all registers known */
	CAPTURE_TAIL_CUT = 2, /* the copy ends before the mapping does */
	CAPTURE_NO_STACK = 4, /* nothing could be read; why is in `missing` */
	CAPTURE_CODE = 8,     /* stack[] begins with CODE_BYTES bytes of code instead */
	CAPTURE_SAME = 16,    /* no stack here: that of the thread's capture with the same id */
	CAPTURE_PARKED = 32,  /* of a goroutine that no thread runs: pc may be a return address */
};

/* The code around pc where no file has it: CODE_BEFORE bytes before, the others from there on. It
 * lies in the place of what is farthest below the stack pointer, which no frame needs. */
#define CODE_BEFORE 16u
#define CODE_BYTES  64u

/* Why a thread that had to be shown has no stack (capture.missing). */
enum capture_missing {
	MISSING_NOT,
	MISSING_MOVING,	  /* ran and slept too often to be read consistently */
	MISSING_LATE,	  /* did not reach its stop in time (uninterruptible) */
	MISSING_DENIED,	  /* the kernel refused to let us stop or read this thread */
	MISSING_QUEUED,	  /* waits for a CPU, and could not reach a stop */
	MISSING_ROOM,	  /* created a thread when there was no room for its stack */
	MISSING_RELEASED, /* mutex: had let the lock go when it was looked at */
	MISSING_REASONS
};

#define WEIGHT_ONE 16u

/* What a blocked thread waits for, as far as its system call and the lock's memory tell; the names
 * on its stack may tell more (output/wait_kind.h). */
enum wait_kind {
	WAIT_NONE,  /* not in a call, or not known */
	WAIT_IDLE,  /* for work, for time, for a child: nobody holds it up */
	WAIT_FUTEX, /* some lock or signal between threads */
	WAIT_MUTEX,
	WAIT_RWLOCK,
	WAIT_COND,
	WAIT_SEM,
	WAIT_JOIN,
	WAIT_BARRIER,
	WAIT_ONCE,
	WAIT_FILE_LOCK,
	WAIT_STDIO, /* the lock of a FILE */
	WAIT_CHAN,  /* of Go; select, too */
	WAIT_KINDS
};

enum wait_flag {
	WAIT_READERS = 1,      /* readers hold it, which are not recorded */
	WAIT_HOLDER_GONE = 2,  /* what is recorded is no living thread */
	WAIT_HOLDER_OTHER = 4, /* it is none of the threads that are profiled */
	WAIT_NO_HOLDER = 8,    /* mutex: the stack is that of who waits, for no holder is known */
};

struct wait {
	uint64_t lock;	/* address of the lock, else of the futex; 0: none */
	uint32_t kind;	/* enum wait_kind */
	uint32_t flags; /* enum wait_flag */
	int32_t holder; /* its thread id in our PID namespace; 0: not recorded */
	int32_t call;	/* number of the system call; -1: none */
};

/* An allocation that was sampled. */
struct heap_sample {
	uint64_t size;	 /* bytes asked for */
	uint32_t unused; /* where struct wait has its kind: 0 */
	uint32_t id;	 /* of this sample in its run; never 0 */
	uint64_t mean;	 /* bytes between two samples */
};

_Static_assert(sizeof(struct heap_sample) == sizeof(struct wait), "one stands for the other");

/* One thread at one instant. stack[] holds stack_len bytes from address stack_base (= the sp's
 * red zone: sp - 128) upwards, and then other_len bytes from other_base: of the stack that the
 * thread was on before it changed to this one. Lives in the ring; the worker copies it out before
 * it looks. */
struct capture {
	uint32_t kinds;	      /* KIND(enum profile_kind): the profiles that it goes into */
	uint32_t thread;      /* serial, see struct tracer_thread */
	uint32_t process;     /* its number */
	uint32_t generation;  /* of the maps that were valid */
	uint32_t flags;	      /* enum capture_flag */
	uint32_t missing;     /* enum capture_missing */
	uint16_t state;	      /* the kernel's letter, or enum go_state */
	uint16_t n_kernel;    /* uint32_t behind the stacks: numbers of kernel functions, innermost
				 first */
	uint32_t weight;      /* what this one stands for among its thread's, WEIGHT_ONE: itself */
	uint32_t interval;    /* whose profile it belongs to */
	uint32_t id;	      /* of this stack among its thread's; 0: nothing refers to it */
	uint32_t looks;	      /* ticks that met it: 1, or with CAPTURE_SAME any number */
	uint16_t contentions; /* waits that began; mutex: those that this thread's stack held up */
	uint16_t again;	      /* more, that count only for what began with this interval */
	uint64_t time;	      /* CLOCK_MONOTONIC */
	uint64_t goroutine;   /* its number; 0: of the thread itself */
	union {
		struct wait wait;	 /* of a blocked thread; mutex: what others wait for */
		struct heap_sample heap; /* KINDS_OF_HEAP */
	};
	struct regs regs;
	uint64_t stack_base;
	uint64_t stack_len;
	uint64_t other_sp, other_pc; /* registers there; pc 0: a signal's frame has them all */
	uint64_t other_base, other_len;
	unsigned char stack[];
};

#define KERNEL_BYTES (LIMIT_KERNEL_FRAMES * sizeof(uint32_t))
#define CAPTURE_MAX  (sizeof(struct capture) + 2 * LIMIT_STACK_MAX + KERNEL_BYTES)

/* An executable mapping. module 0 never occurs here. */
struct mapping {
	uint64_t start, end; /* [start, end) */
	uint64_t offset;     /* file offset of start; memory without a file: start itself */
	uint32_t module;
	uint32_t unused;
};

/* Executable mappings of a process sorted by start, without overlap. */
struct maps {
	uint32_t generation;
	uint32_t process;
	uint32_t n;
	struct mapping *v;
};

enum frame_flag {
	FRAME_RETURN = 1,  /* offset is the return address - 1: inside the calling instruction */
	FRAME_GUESSED = 2, /* found without unwind information */
	FRAME_SIGNAL = 4,  /* interrupted here by a signal: offset is the exact pc */
};

/* A place in the code that a dlclose cannot re-attribute. module 0: offset is an enum pseudo. */
struct frame {
	uint64_t offset;
	uint32_t module;
	uint32_t flags;
};

/* Why a stack has no more frames. Only STACK_DONE is complete; all others show as a root frame. */
enum stack_end {
	STACK_DONE,	   /* reached _start, a thread's start or the like */
	STACK_DEPTH,	   /* more than LIMIT_FRAMES */
	STACK_UNREADABLE,  /* needed a word outside the copy: the copy was too short */
	STACK_NO_PROGRESS, /* the CFA did not grow: a damaged stack */
	STACK_NO_MODULE,   /* return address in no executable mapping */
	STACK_NO_CFI,	   /* no unwind information and no valid frame pointer */
	STACK_NO_REGISTER, /* a rule needs a register that is not known */
	STACK_WORKER_LOST, /* the worker died with this capture */
	STACK_NOT_READ,	   /* CAPTURE_NO_STACK */
	STACK_SWITCHED,	   /* the code had changed to this stack from another (Go's g0) */
	STACK_ENDS
};

struct stack {
	uint32_t n;
	uint32_t end;		      /* enum stack_end */
	struct frame v[LIMIT_FRAMES]; /* v[0] is the leaf */
};

/* Named frames that are not code. The names are in output/pseudo.c, in brackets. */
enum pseudo {
	PSEUDO_END = 0,	       /* + enum stack_end: root of an incomplete stack */
	PSEUDO_MISSING = 32,   /* + enum capture_missing: a thread without a stack */
	PSEUDO_UNSAMPLED = 64, /* CPU of threads that were never caught */
	PSEUDO_ENDED = 65,     /* CPU of threads that ended unseen */
	PSEUDO_TABLE_FULL = 66,
	PSEUDO_GUESSED = 67,	  /* the frames from here to the root rest on a guess */
	PSEUDO_NO_HOLDER = 68,	  /* the lock does not record who holds it, */
	PSEUDO_HOLDER_GONE = 69,  /* or a thread that has ended, */
	PSEUDO_HOLDER_OTHER = 70, /* or one that is not profiled */
	PSEUDO_READERS = 71,	  /* a lock for reading: who holds it is not recorded */
};

/* What happened to a thread in an interval. */
enum thread_life { LIFE_BEGAN = 1, LIFE_ENDED = 2 };

/* A thread of the target in one interval. */
struct thread_info {
	int32_t tid;
	int32_t pid;
	uint64_t start_time; /* clock ticks since boot, field 22 of stat: tells reused ids apart */
	uint64_t cpu;	     /* CPU it used in the interval */
	uint32_t is_brief;   /* it began and ended inside the interval */
	uint32_t life;	     /* enum thread_life */
	char name[16];	     /* raw comm bytes, NUL-terminated */
};

/* A place where a module's code was mapped; one pprof Mapping each. */
struct segment {
	uint64_t start, end, offset;
	uint32_t module;
};

enum module_flag {
	MODULE_IS_EXE = 1,	 /* the program itself: becomes mapping[0] */
	MODULE_NO_FILE = 2,	 /* memory without a file (JIT code, anonymous) */
	MODULE_FROM_MEMORY = 4,	 /* image read from the target's memory (vdso) */
	MODULE_REFUSED = 8,	 /* its file could not be opened safely */
	MODULE_BLACKLISTED = 16, /* reading it killed a worker */
	MODULE_UNREADABLE = 32,	 /* not an ELF file, or too damaged */
	MODULE_NO_CFI = 64,
	MODULE_NO_SYMBOLS = 128,
	MODULE_NO_DWARF = 256,	  /* no debug information: no lines, no inlined functions */
	MODULE_ZSTD = 512,	  /* debug sections compressed in a way that cannot be read here */
	MODULE_RECORDED = 1024,	  /* of a recording: only a file with that build id is it */
	MODULE_OTHER_FILE = 2048, /* the file there is not the one that was recorded */
	MODULE_XZ = 4096,	  /* symbols in .gnu_debugdata that cannot be read */
	MODULE_BAD_DWARF = 8192,  /* debug information that makes no sense */
	MODULE_KERNEL = 16384, /* the kernel: offsets are numbers of functions, see KERNEL_MODULE */
};

/* With -kernel session's first module: the functions that blocked threads are in have no addresses,
 * but numbers. */
#define KERNEL_MODULE 1u

/* What is missing of the module and its files that came so far. */
#define MODULE_LACKS                                                                               \
	(MODULE_NO_CFI | MODULE_NO_SYMBOLS | MODULE_NO_DWARF | MODULE_ZSTD | MODULE_XZ |           \
		MODULE_BAD_DWARF)

/* An ELF image of the target, known by its id (index + 1). Strings are owned by session. */
struct module_info {
	char *path;	/* as the target sees it, " (deleted)" removed; "" for anonymous memory */
	uint32_t flags; /* enum module_flag */
	uint32_t build_id_len;
	unsigned char build_id[32];
	uint64_t dev, ino;
};

/* One function at an address; inlined ones point outwards to the function they were inlined into.
 */
struct symbol {
	const char *name;	 /* demangled as asked; "" if unknown */
	const char *system_name; /* linkage name */
	const char *file;	 /* "" if unknown */
	uint32_t line;		 /* in this function; 0 if unknown */
	uint32_t start_line;	 /* where the function is declared; 0 if unknown */
};

#endif
