/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/options_settle.h"
#include "agent/values.h"
#include "base/log.h"
#include "base/now.h"
#include "output/sink.h"

#define PUSH_EVERY (15 * SECOND) /* Pyroscope's own habit */

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static int check_folder(const char *option, const char *path)
{
	struct stat st;
	int error = stat(path, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;

	if (error)
		log_error("%s %s: %s", option, path, strerror(error));
	return error ? -EINVAL : 0;
}

/* A recording is of one window, and has its own processes and rate. */
static int settle_recording(struct options *o)
{
	const char *live = o->n_pids	      ? "-p"
			   : o->name	      ? "-name"
			   : o->with_children ? "-children"
			   : o->command	      ? "-- CMD"
			   : o->save_raw      ? "-save-raw"
					      : NULL;

	if (o->symfs && !o->replay)
		log_error("-symfs is for the files of a recording: give -replay FILE");
	else if (o->replay && live)
		log_error("-replay: a recording is played, not sampled; leave out %s", live);
	else if (o->replay && (o->window_given || o->hz_given))
		log_error("-replay: a recording has its own length and rate; leave out %s",
			o->hz_given ? "-hz" : "-seconds");
	else if ((o->replay || o->save_raw) && (o->every_ns || o->count || o->push.n))
		log_error("%s: a recording is one profile; leave out %s",
			o->replay ? "-replay" : "-save-raw",
			o->push.n     ? "-push"
			: o->every_ns ? "-every"
				      : "-count");
	else
		return o->symfs ? check_folder("-symfs", o->symfs) : 0;
	return -EINVAL;
}

/* One target is meant: by number, by name, a command, or a recording. */
static int settle_target(const struct options *o)
{
	int ways = !!o->n_pids + !!o->name + !!o->command + !!o->replay;

	if (ways == 1 && o->exit_status && !o->command)
		log_error("-exit-status: there is no command; give it after --");
	else if (!ways)
		log_error(
			"which process? give -p PID, -name COMM or -- CMD (see cpprof-attach -h)");
	else if (ways > 1)
		log_error("two targets where one is meant: give one of -p PID, -name COMM, -- CMD");
	else
		return 0;
	return -EINVAL;
}

/* How long: a command until its end, files one after the other until Ctrl-C, else 30 seconds. */
static int settle_window(struct options *o)
{
	if (o->count && !o->every_ns) {
		log_error("-count: how long is one? give -every DUR");
		return -EINVAL;
	}
	if (o->replay)
		o->window_ns = 0;
	else if (!o->window_given)
		o->window_ns = o->command || o->every_ns ? 0 : 30 * SECOND;
	return 0;
}

static int settle_dump_format(struct options *o)
{
	o->kinds = KIND(PROFILE_THREADS);
	if (!o->format_given)
		o->format = o->output && ends_with(o->output, ".json") ? FORMAT_JSON : FORMAT_TEXT;
	return 0;
}

/* What is printed is no profile: what shapes one has no meaning. */
static int settle_dump(struct options *o)
{
	int is_file = o->output && !ends_with(o->output, "/");

	if (o->not_for_dump)
		log_error("-dump prints the stacks of now; leave out -%s", o->not_for_dump);
	else if (o->command)
		log_error("-dump: a command that has not begun has no stacks; leave out -- CMD");
	else if (o->window_given && !o->every_ns)
		log_error("-dump takes no time; leave out -seconds, or repeat it by -every DUR");
	else if (o->format_given && o->format < FORMAT_TEXT)
		log_error("-format: -dump prints text, json or goroutine");
	else if (is_file && o->every_ns && !sink_is_stdout(o->output))
		log_error("-o %s: -every makes many files; give -o FOLDER/", o->output);
	else
		return settle_dump_format(o);
	return -EINVAL;
}

/* Of blocked threads; a goroutine that waits is in no thread. */
#define KINDS_WITH_KERNEL                                                                          \
	(KIND(PROFILE_THREADS) | KIND(PROFILE_WALL) | KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX))

static int settle_kernel(const struct options *o)
{
	if (o->kernel && (o->save_raw || o->replay))
		log_error("-kernel: a recording has no kernel functions; leave out %s",
			o->replay ? "-replay" : "-save-raw");
	else if (o->kernel && !(o->kinds & KINDS_WITH_KERNEL))
		log_error("-kernel is for threads that are blocked; add -profile threads, wall, "
			  "block or mutex");
	else
		return 0;
	return -EINVAL;
}

/* A thread has one tracer, and this profile's stays attached; children are not attached to. */
static int settle_threadcreate(const struct options *o)
{
	if (o->replay || !(o->kinds & KIND(PROFILE_THREADCREATE)))
		return 0;
	if (o->kinds != KIND(PROFILE_THREADCREATE))
		log_error(
			"-profile: threadcreate stays attached to the threads and goes alone; take the "
			"others in another run");
	else if (o->with_children)
		log_error(
			"-children: threadcreate does not follow new processes; give them with -p");
	else
		return 0;
	return -EINVAL;
}

/* It is what symbols begin with. */
static int alloc_prefix_check(const char *p)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789$.";
	size_t n = strlen(p);

	if (n && n <= 60 && strspn(p, letters) == n)
		return 0;
	return values_bad(
		"alloc-prefix", p, "what comes before malloc in the name of a function: my_");
}

/* It changes the code of the process for as long as it runs: one at a time. */
static int settle_heap(const struct options *o)
{
	if (!(o->kinds & KINDS_OF_HEAP)) {
		if (o->heap_rate_given)
			log_error("-heap-rate: add -profile heap or allocs");
		else if (o->alloc_prefix || o->alloc_mmap)
			log_error("-alloc-%s: add -profile heap or allocs",
				o->alloc_prefix ? "prefix" : "mmap");
		else
			return 0;
		return -EINVAL;
	}
	if (o->with_children || o->name || o->n_pids > 1)
		log_error("-profile: heap and allocs are of one process: -p PID or -- CMD");
	else if (o->save_raw || o->replay)
		log_error("-profile: heap and allocs cannot be recorded; leave out %s",
			o->save_raw ? "-save-raw" : "-replay");
	else
		return 0;
	return -EINVAL;
}

static int settle_output(struct options *o)
{
	if (o->dump)
		return settle_dump(o);
	if (o->format > FORMAT_TEXT) {
		log_error("-format: json and goroutine are formats of -dump");
		return -EINVAL;
	}
	if (o->output && !o->format_given) {
		if (ends_with(o->output, ".folded"))
			o->format = FORMAT_FOLDED;
		else if (ends_with(o->output, ".speedscope.json"))
			o->format = FORMAT_SPEEDSCOPE;
		else if (ends_with(o->output, ".html"))
			o->format = FORMAT_HTML;
		else if (ends_with(o->output, ".txt"))
			o->format = FORMAT_TEXT;
	}
	int single = o->output && !ends_with(o->output, "/");
	/* A command has no stacks worth a look before it begins; a recording has what it has. */
	if (!o->kinds && o->replay && !single)
		o->kinds = KINDS_OF_LOOK;
	else if (!o->kinds)
		o->kinds = KIND(PROFILE_CPU) | (single || o->command ? 0 : KIND(PROFILE_THREADS));
	if (o->command && !(o->kinds & KINDS_OF_WINDOW)) {
		log_error("-profile: a command that has not begun has no stacks; add cpu or wall");
		return -EINVAL;
	}
	if (single && (o->kinds & (o->kinds - 1))) {
		log_error(
			"-o %s: two profiles do not fit in one file; give -o FOLDER/ or one -profile",
			o->output);
		return -EINVAL;
	}
	if (o->summary && o->output && sink_is_stdout(o->summary) && sink_is_stdout(o->output)) {
		log_error("-summary %s: the profile goes to standard output already", o->summary);
		return -EINVAL;
	}
	if (single && o->every_ns) {
		log_error("-o %s: -every makes many files; give -o FOLDER/", o->output);
		return -EINVAL;
	}
	return 0;
}

#define ALL_KINDS KINDS_OF_LOOK

/* What has no meaning where all is served or pushed; NULL. */
static const char *not_for_serving(const struct options *o)
{
	return o->save_raw	 ? "-save-raw"
	       : o->replay	 ? "-replay"
	       : o->top_asked	 ? "-top"
	       : o->summary	 ? "-summary"
	       : o->debuginfod	 ? "-debuginfod"
	       : o->exit_status	 ? "-exit-status"
	       : o->count	 ? "-count"
	       : o->format_given ? "-format"
				 : NULL;
}

static int settle_push(const struct options *o)
{
	if (o->kinds & KIND(PROFILE_THREADCREATE))
		log_error("-push: threadcreate stays attached to the threads and is not pushed");
	else if (o->output && !ends_with(o->output, "/"))
		log_error("-o %s: what a store does not get may be many files; give -o FOLDER/",
			o->output);
	else
		return 0;
	return -EINVAL;
}

/* Who asks says what is to be had, and how. */
static int settle_serving(const struct options *o)
{
	const char *other = not_for_serving(o);

	if ((o->http_token || o->background_given) && !o->http)
		log_error("-%s: nobody is served; give -http [HOST]:PORT",
			o->http_token ? "http-token" : "background");
	else if ((!o->http && !o->push.n) || o->dump)
		return 0;
	else if (other && !o->http)
		log_error("-push: stores take pprof, window after window; leave out %s", other);
	else if (other)
		log_error("-http: who asks takes what it wants; leave out %s", other);
	else if (!o->push.n && ((o->kinds & ~KINDS_OF_HEAP) || o->every_ns || o->output))
		log_error("-http: who asks says what and how long; leave out %s",
			o->kinds & ~KINDS_OF_HEAP ? "-profile"
			: o->every_ns		  ? "-every"
						  : "-o");
	else
		return o->push.n ? settle_push(o) : 0;
	return -EINVAL;
}

/* Goroutines move from thread to thread, and what one thread allocates another one frees. */
static int settle_thread(const struct options *o)
{
	uint32_t kinds = o->http && !o->push.n ? 0 : o->kinds;

	if (!o->threads)
		return 0;
	if (o->replay)
		log_error("-thread: a recording has the threads that it was made of; give it with "
			  "-save-raw");
	else if (kinds & ~(KINDS_OF_TICKS | KIND(PROFILE_THREADS)))
		log_error("-thread is for cpu, threads, wall, block and mutex; take the others in "
			  "another run");
	else
		return 0;
	return -EINVAL;
}

/* There must be something to show: a page in a file. */
static int settle_open(const struct options *o)
{
	if (!o->open || (o->http && !o->http_token && *o->http != 'u'))
		return 0;
	if (o->http)
		log_error("-open: %s",
			o->http_token ? "the page's address has the token in it, which others "
					"would see; open it by hand"
				      : "browsers do not know unix:PATH; give [HOST]:PORT");
	else if (o->format != FORMAT_HTML)
		log_error("-open shows a page: give -http, -format html, or -o FILE.html");
	else if (o->output && sink_is_stdout(o->output))
		log_error("-open: the page goes to standard output; give -o FILE.html");
	else if (o->top_asked && !o->output)
		log_error("-open: -top alone writes no file; give -o FILE.html");
	else
		return 0;
	return -EINVAL;
}

static void begin_serving(struct options *o)
{
	o->serves = o->http || o->push.n;
	if (!o->serves)
		return;
	o->heap_first = !!(o->kinds & KINDS_OF_HEAP);
	o->push_kinds = !o->push.n ? 0 : o->kinds ? o->kinds : KIND(PROFILE_CPU);
	o->kinds = ALL_KINDS;
	if (o->push.n && !o->every_ns)
		o->every_ns = PUSH_EVERY;
	if (!o->window_given)
		o->window_ns = 0;
}

/* Nothing is profiled. */
static int settle_cleanup(const struct options *o)
{
	const char *other = o->not_for_dump	 ? o->not_for_dump
			    : o->dump		 ? "dump"
			    : o->output		 ? "o"
			    : o->every_ns	 ? "every"
			    : o->window_given	 ? "seconds"
			    : o->heap_rate_given ? "heap-rate"
						 : NULL;

	if (o->n_pids != 1 || o->name || o->command || o->with_children)
		log_error("-cleanup is for one process: -p PID");
	else if (other)
		log_error("-cleanup makes no profile; leave out -%s", other);
	else
		return 0;
	return -EINVAL;
}

/* It looks at a file, and nothing else is done. */
static int settle_check(const struct options *o)
{
	const char *other = o->n_pids	       ? "-p"
			    : o->name	       ? "-name"
			    : o->command       ? "-- CMD"
			    : o->with_children ? "-children"
			    : o->replay	       ? "-replay"
			    : o->kinds	       ? "-profile"
			    : o->window_given  ? "-seconds"
			    : o->every_ns      ? "-every"
			    : o->output	       ? "-o"
			    : o->format_given  ? "-format"
			    : o->summary       ? "-summary"
			    : o->http	       ? "-http"
			    : o->push.n	       ? "-push"
					       : NULL;

	if (!other)
		return 0;
	log_error("-check looks at a file; leave out %s", other);
	return -EINVAL;
}

int options_settle(struct options *o)
{
	if (o->compare.old || o->compare.may_fail)
		return comparing_settle(o);
	if (o->cleanup)
		return settle_cleanup(o);
	if (o->check && !o->dump)
		return settle_check(o);
	int error = o->dump ? 0 : settle_recording(o);
	if (!error)
		error = settle_target(o);
	if (!error)
		error = settle_window(o);
	if (!error)
		error = settle_serving(o);
	/* Clients of -http may ask for them without a word here. */
	if (!error && (!o->http || (o->kinds & KINDS_OF_HEAP)))
		error = settle_heap(o);
	if (!error)
		error = settle_thread(o);
	begin_serving(o);
	if (!error && (!o->serves || o->dump))
		error = settle_output(o);
	if (!error)
		error = settle_open(o);
	if (!error && !o->serves)
		error = settle_threadcreate(o);
	if (!error && o->alloc_prefix)
		error = alloc_prefix_check(o->alloc_prefix);
	if (!error)
		error = settle_kernel(o);
	return error ? error : push_options_settle(&o->push);
}
