/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ceilings on what is kept of a target, and those that several files must agree on. What one
 * reader reads at most stands beside it.
 *
 * A size that derives from the target is checked against one of these before memory is taken for
 * it; what exceeds a ceiling is refused, counted and shown, never cut silently.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB (1024ul)
#define MIB (1024ul * KIB)
#define GIB (1024ul * MIB)

/* Captures */
#define LIMIT_STACK_UNKNOWN  (64 * KIB)	 /* first copy of a thread's stack */
#define LIMIT_STACK_FIRST    (16 * KIB)	 /* at least so much when little is known of its need */
#define LIMIT_STACK_LEAST    (4 * KIB)	 /* when it is known to need little */
#define LIMIT_STACK_MAX	     (256 * KIB) /* largest copy of a thread's stack */
#define LIMIT_RING_BYTES     (16 * MIB)	 /* captures between tracer and worker; a power of two */
#define LIMIT_FRAMES	     999u /* frames of one stack, leaf side kept; viewers take 1000 */
#define LIMIT_STOP_WAIT_MS   50	  /* one wait for a thread to reach its stop */
#define LIMIT_STOP_GIVEUP_MS 500  /* then the tracer ends itself and the kernel detaches */

/* Roles */
#define LIMIT_TRACER_SILENT_MS 700   /* no heartbeat for so long: the tracer is killed */
#define LIMIT_WORKER_SILENT_MS 10000 /* no progress on pending work for so long: killed */
#define LIMIT_RESTARTS	       100u  /* of one role in one run */
#define LIMIT_WORKER_AS	       (16 * GIB)
#define LIMIT_WORKER_DATA      (1 * GIB)
#define LIMIT_WORKER_FDS       4096

/* What a target may make us keep */
#define LIMIT_MESSAGE	    (64 * KIB)	       /* one message between roles */
#define LIMIT_MAPS_TEXT	    (32 * MIB)	       /* /proc/PID/maps */
#define LIMIT_HEAP_SAMPLES  (2u * 1024 * 1024) /* allocations sampled in one run */
#define LIMIT_LOCKS_TEXT    (1 * MIB)	       /* /proc/locks */
#define LIMIT_MAPPINGS	    65536u	       /* executable mappings of one generation */
#define LIMIT_GENERATIONS   16384u	       /* lists of mappings kept, of all processes */
#define LIMIT_PROCESSES	    16384u	       /* profiled at once */
#define LIMIT_MODULES	    8192u
#define LIMIT_MODULE_BYTES  (8 * GIB)
#define LIMIT_THREADS	    131072u
#define LIMIT_GOROUTINES    100000u /* of one process that are shown */
#define LIMIT_PATH	    4096u
#define LIMIT_NAME	    1024u /* a function name as shown; longer ones are cut with an ellipsis */
#define LIMIT_LINKAGE_NAME  (8 * KIB) /* what a compiler makes of a name; longer ones are cut */
#define LIMIT_INLINE_DEPTH  64u	      /* inlined functions at one address */
#define LIMIT_TABLE_NODES   (4u * 1024 * 1024) /* frames in the table of stacks */
#define LIMIT_STRINGS	    (256 * MIB)
#define LIMIT_SEGMENTS	    1024u /* program headers of one file; real ones have a dozen */
#define LIMIT_SYMBOLS	    (4u * 1024 * 1024) /* of one table of symbols */
#define LIMIT_RANGES	    (16u * 1024 * 1024) /* of addresses in one file; a unit has some 100000 */
#define LIMIT_SPLIT_FILES   4096u		/* split debug information (.dwo) read in one run */
#define LIMIT_ASKED	    131072u	/* addresses of one module in one request for names */
#define LIMIT_LOCKS	    16384u	/* whose names are asked for; the others keep addresses */
#define LIMIT_DATA_ASKED    48u		/* addresses of variables in one request */
#define LIMIT_IMAGE	    (1 * MIB)	/* of a module that is nowhere but in memory */
#define LIMIT_UNPACKED	    (512 * MIB) /* content of a compressed section, or of .gnu_debugdata */
#define LIMIT_MEMORY_IMAGE  (64 * MIB)	/* of a file that cannot be opened, as it is mapped */
#define LIMIT_MEMORY_IMAGES (256 * MIB) /* of all such files */
#define LIMIT_PERF_MAP	    (256 * MIB) /* names of code made at run time: the file */
#define LIMIT_PERF_LINES    (4u * 1024 * 1024) /* and functions in it */
#define LIMIT_SOCKETS	    262144u	       /* of a network namespace, for -dump */
#define LIMIT_SOCKET_TEXTS  (32 * MIB)	       /* their addresses; each of the kernel's lists */
#define LIMIT_DETAIL_TEXT   1024u /* what a descriptor is; where in the kernel a thread waits */
#define LIMIT_DUMP	    (256 * MIB) /* the text of -dump */
#define LIMIT_PROFILE_BYTES (1 * GIB)	/* of a profile that is read, uncompressed; */
#define LIMIT_PROFILE_TREE  (2 * GIB)	/* what it takes in memory; */
#define LIMIT_PROFILE_WORK  (1ul << 28) /* and the frames of all its samples */
#define LIMIT_VIEW	    (512 * MIB) /* a profile as the JSON of its page */
#define LIMIT_ANSWER	    (512 * MIB) /* of the server to one request */
#define LIMIT_KERNEL_FRAMES 32u		/* of the kernel side of a blocked thread */
#define LIMIT_KERNEL_NAMES  16384u	/* functions of the kernel, in one run */
#define LIMIT_KERNEL_NAME   128u	/* bytes of one */
#define LIMIT_RAW_HELD	    (32 * MIB)	/* of a recording, until a module's build id is known */
#define LIMIT_OTEL_PAYLOAD  (60 * KIB)	/* what a process says of itself: fits in a message */

/* Pushing, for each store */
#define LIMIT_PUSH_QUEUE   256u		 /* windows that wait to be sent */
#define LIMIT_PUSH_BYTES   (64 * MIB)	 /* and the bytes of their profiles */
#define LIMIT_PUSH_BODY	   (96 * MIB)	 /* of a request: base64 takes a third more */
#define LIMIT_PUSH_REPLY   (64 * KIB)	 /* read of a reply; the rest is not waited for */
#define LIMIT_PUSH_TRIES   10u		 /* of what the store itself fails at */
#define LIMIT_PUSH_WAIT_MS (300 * 1000u) /* longest pause between two tries */

#endif
