/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/browser.h"
#include "agent/dump.h"
#include "agent/heap_report.h"
#include "agent/phases.h"
#include "agent/profiles.h"
#include "agent/result.h"
#include "agent/summary.h"
#include "agent/summary_json.h"
#include "base/log.h"
#include "base/now.h"
#include "output/folded.h"
#include "output/html.h"
#include "output/pprof.h"
#include "output/speedscope.h"
#include "output/profile.h"
#include "output/table.h"
#include "output/text.h"

#define TEXT_MAX (64 * MIB)

static int is_asked(const struct session *s, int kind)
{
	return !!(s->options->kinds & KIND(kind));
}

static int is_folder(const char *output)
{
	return !output || output[strlen(output) - 1] == '/';
}

/* The target chose its name: only what is harmless in a file name stays. */
static void safe_name(char *out, const char *comm)
{
	size_t i;

	for (i = 0; comm[i]; i++)
		out[i] = isalnum((unsigned char)comm[i]) || strchr("_-+", comm[i]) ||
					 (comm[i] == '.' && i)
				 ? comm[i]
				 : '_';
	out[i] = '\0';
	if (!i || out[0] == '-')
		strcpy(out, "_");
}

/* Files of a run that is cut into intervals are told apart by the time (UTC) at which each began, a
 * dump by its own. */
static void time_part(const struct session *s, uint64_t wall, char *out, size_t room)
{
	struct tm tm;
	time_t seconds = wall / 1000000000;

	*out = '\0';
	if (!s->options->every_ns || !gmtime_r(&seconds, &tm))
		return;
	size_t n = strftime(out, room, ".%Y%m%dT%H%M%S", &tm);
	snprintf(out + n, room - n, ".%03uZ", (unsigned)(wall / 1000000 % 1000));
}

/* The begin of the interval that is written, or the moment of the dump; before there is one, now.
 */
static uint64_t time_of(const struct session *s)
{
	const struct interval *i = s->written;

	if (!i)
		return clock_wall();
	return i->wall_began + (s->options->dump ? i->ended - i->began : 0);
}

void result_file_name(
	const struct session *s, enum profile_kind kind, uint64_t wall, char *out, size_t room)
{
	static const char *const endings[] = {[FORMAT_PPROF] = ".pb.gz",
		[FORMAT_FOLDED] = ".folded",
		[FORMAT_SPEEDSCOPE] = ".speedscope.json",
		[FORMAT_HTML] = ".html",
		[FORMAT_TEXT] = ".txt",
		[FORMAT_JSON] = ".json",
		[FORMAT_GOROUTINE] = ".txt"};
	const char *output = s->options->output;
	char name[sizeof(s->data.first.comm) + 1], when[32];

	if (!is_folder(output)) {
		snprintf(out, room, "%s", output);
		return;
	}
	safe_name(name, s->data.first.comm);
	time_part(s, wall, when, sizeof(when));
	snprintf(out, room, "%s%s.%d.%s%s%s", output ? output : "", name, s->data.first.pid,
		s->options->dump ? "dump" : profile_kind_name(kind), when,
		endings[s->options->format]);
}

static void file_name(const struct session *s, enum profile_kind kind, char *out, size_t room)
{
	result_file_name(s, kind, time_of(s), out, room);
}

/* -top and -dump alone print and leave no file. */
static int writes_files(const struct session *s)
{
	return (!s->options->top_asked && !s->options->dump) || s->options->output;
}

static int goes_to_stdout(const struct session *s)
{
	return s->options->output && sink_is_stdout(s->options->output);
}

static int told(const char *path, int error)
{
	char shown[512];

	log_escape(shown, sizeof(shown), strcmp(path, "-") ? path : "standard output");
	if (error == -ENOENT && strchr(path, '/'))
		log_error("cannot write %s: %s; make the folder first", shown, strerror(-error));
	else if (error == -ENOTTY)
		log_error(
			"standard output is a terminal and a pprof file is binary; redirect it, or give "
			"-format folded");
	else if (error == -EISDIR)
		log_error("cannot write %s: it is a folder; give -o %s/", shown, shown);
	else if (error == -ELOOP)
		log_error("cannot write %s: it is a symbolic link; give the name it stands for",
			shown);
	else if (error == -ENOTSUP)
		log_error("cannot write %s: it is a block device or a socket, not a file", shown);
	else if (error == -ENXIO)
		log_error("cannot write %s: nobody reads the FIFO", shown);
	else
		log_error("cannot write %s: %s", shown, strerror(-error));
	return error;
}

static int summary_told(const char *path, int error)
{
	char shown[512];

	if (error != -EISDIR)
		return told(path, error);
	log_error("cannot write %s: it is a folder; -summary is a file",
		log_escape(shown, sizeof(shown), path));
	return error;
}

int result_probe_folder(const char *folder)
{
	char path[LIMIT_PATH];

	snprintf(path, sizeof(path), "%sprofile", folder);
	int error = sink_probe(path, 0);
	return error ? told(folder, error) : 0;
}

int result_probe(const struct session *s)
{
	char path[LIMIT_PATH];
	int summary = s->options->summary ? sink_probe(s->options->summary, 0) : 0;

	if (summary)
		return summary_told(s->options->summary, summary);

	for (int kind = 0; kind < PROFILE_KINDS && writes_files(s); kind++) {
		if (!is_asked(s, kind))
			continue;
		file_name(s, kind, path, sizeof(path));
		int error = sink_probe(path, s->options->format == FORMAT_PPROF);
		if (error)
			return told(path, error);
	}
	return 0;
}

static int write_text(const struct profile *p, struct sink *sink)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	int error = text_top(p, UINT32_MAX, &text);
	if (!error)
		error = sink_write(sink, text.data, text.len);
	buf_fini(&text);
	return error;
}

static int write_as(enum format format, const struct profile *p, struct sink *sink)
{
	switch (format) {
	case FORMAT_FOLDED:
		return folded_write(p, sink);
	case FORMAT_SPEEDSCOPE:
		return speedscope_write(p, sink);
	case FORMAT_HTML:
		return html_write(p, sink);
	case FORMAT_TEXT:
		return write_text(p, sink);
	default:
		return pprof_write(p, sink);
	}
}

static int write_file(const struct session *s, const struct profile *p, const char *path)
{
	struct sink sink;
	enum format format = s->options->format;
	int error = sink_open(&sink, path, format == FORMAT_PPROF);

	if (error)
		return told(path, error);
	error = write_as(format, p, &sink);
	if (!error)
		error = sink_commit(&sink);
	sink_abort(&sink);
	return error ? told(path, error) : 0;
}

int result_write_bytes(const struct buf *bytes, const char *path)
{
	struct sink sink;
	int error = sink_open(&sink, path, 0);

	if (!error)
		error = sink_write(&sink, bytes->data, bytes->len);
	if (!error)
		error = sink_commit(&sink);
	sink_abort(&sink);
	return error ? told(path, error) : 0;
}

/* All summaries so far, at each interval: the file is whole whenever it is read. */
static int write_summary(struct session *s)
{
	const char *path = s->options->summary;

	if (!path || !s->summaries.data || s->summaries.failed)
		return path ? told(path, s->summaries.failed ? s->summaries.failed : -ENOMEM) : 0;
	int error = result_write_bytes(&s->summaries, path);
	if (sink_is_stdout(path))
		buf_clear(&s->summaries);
	return error;
}

/* Standard output is for what was asked for; a table nobody asked for gives way to data. */
static void print_top(const struct session *s, const struct profile *p)
{
	FILE *to = goes_to_stdout(s) ? stderr : stdout;
	struct buf text;

	if (!s->options->top || (!s->options->top_asked && log_get_level() < LOG_NORMAL))
		return;
	buf_init(&text, TEXT_MAX);
	if (text_top(p, s->options->top, &text) == 0) {
		fwrite(text.data, 1, text.len, to);
		fflush(to);
	} else {
		log_error("out of memory for the top table");
	}
	buf_fini(&text);
}

static void print_summary(const struct session *s, const enum profile_merged *merged)
{
	struct buf text;

	if (log_get_level() < LOG_NORMAL)
		return;
	buf_init(&text, 64 * KIB);
	buf_string(&text, "\n");
	summary_text(s, &text);
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (profile_merged_text(merged[kind]))
			buf_printf(&text, "labels    %s: %s\n", profile_kind_name(kind),
				profile_merged_text(merged[kind]));
	if (text.failed)
		log_error("out of memory for the summary");
	log_text(text.data, text.len);
	buf_fini(&text);
}

static void print_next_step(const struct session *s)
{
	char path[LIMIT_PATH], shown[512];
	struct stat st;

	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		if (!is_asked(s, kind) || !writes_files(s) || goes_to_stdout(s))
			continue;
		file_name(s, kind, path, sizeof(path));
		log_note("wrote     %s", log_escape(shown, sizeof(shown), path));
	}
	if (s->options->format != FORMAT_PPROF || !writes_files(s) || goes_to_stdout(s))
		return;
	file_name(s, interval_main_kind(s->written, s->options->kinds), path, sizeof(path));
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return; /* it went through a FIFO, or into /dev/null */
	log_note("next      go tool pprof -http=: %s", log_escape(shown, sizeof(shown), path));
}

/* Of several pages the main one. */
static void open_page(const struct session *s)
{
	char path[LIMIT_PATH];

	if (!s->options->open || !s->is_last)
		return;
	file_name(s, interval_main_kind(s->written, s->options->kinds), path, sizeof(path));
	browser_open(path);
}

static int one_kind(const struct session *s, enum profile_kind kind, enum profile_merged *merged)
{
	char path[LIMIT_PATH];
	struct profile *p;
	struct profiles_how how = {.kind = kind, .is_limited = s->options->format == FORMAT_PPROF};
	int error = profiles_build(s, &how, &p);

	if (error) {
		log_error("cannot build the %s profile: %s", profile_kind_name(kind),
			strerror(-error));
		return error;
	}
	*merged = p->merged;
	if (kind == interval_main_kind(s->written, s->options->kinds) &&
		(s->is_last || log_get_level() >= LOG_VERBOSE))
		print_top(s, p);
	if (writes_files(s)) {
		file_name(s, kind, path, sizeof(path));
		error = write_file(s, p, path);
	}
	profile_free(p);
	return error;
}

/* Why a profile is empty. With -q only what explains the exit status is said. */
static void tell_empty(const struct session *s, int is_status)
{
	void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2))) =
		is_status && log_get_level() < LOG_NORMAL ? log_error : log_note;
	const uint64_t *received = s->written->received;
	int told = 0;

	if (s->options->threads && s->written->has_left_out && !s->written->n_threads) {
		say("no thread is named like -thread %s; their names: ps -L -o comm -p %d",
			s->options->threads, s->data.first.pid);
		return;
	}
	if (is_asked(s, PROFILE_CPU) && !received[PROFILE_CPU] && ++told)
		say("no CPU samples: the process used %.3fs of CPU in the window%s",
			s->written->clock / 1e9,
			is_asked(s, PROFILE_THREADS) || s->options->launched
				? ""
				: "; -profile threads shows where it waits");
	if (is_asked(s, PROFILE_THREADCREATE) && !received[PROFILE_THREADCREATE] && ++told)
		say("no threads were created in the window");
	for (int kind = PROFILE_BLOCK; kind <= PROFILE_MUTEX; kind++)
		if (is_asked(s, kind) && !received[kind] && ++told)
			say("nothing for the %s profile: at no tick did a thread %s",
				profile_kind_name(kind),
				kind == PROFILE_BLOCK ? "wait for another"
						      : "hold what another waited for");
	if (s->options->kinds & KINDS_OF_HEAP && !received[PROFILE_HEAP] &&
		!received[PROFILE_ALLOCS] && ++told)
		say("no allocation was sampled; a smaller -heap-rate sees more%s",
			s->options->launched ? "" : ", and so does a longer window");
	if (is_status && !told)
		say("no samples: no thread was seen");
}

static void print_heap(const struct session *s, const char *file)
{
	struct buf text;

	buf_init(&text, 4 * KIB);
	heap_report_line(s, &text);
	log_note("wrote %s: %s", file, buf_text(&text) ? buf_text(&text) : "");
	buf_fini(&text);
}

/* Of one interval among many a line is enough; its file's comments say the rest. */
static void print_interval(const struct session *s, enum profile_kind kind)
{
	const struct interval *i = s->written;
	char path[LIMIT_PATH], shown[512];

	file_name(s, kind, path, sizeof(path));
	log_escape(shown, sizeof(shown), path);
	if (kind == PROFILE_CPU)
		log_note("wrote %s: %" PRIu64 " samples, %.3fs CPU, pauses %.2f%%", shown,
			i->received[kind], i->clock / 1e9,
			i->clock ? 100.0 * i->stats.stop_ns / i->clock : 0);
	else if (KIND(kind) & KINDS_OF_HEAP)
		print_heap(s, shown);
	else
		log_note("wrote %s: %" PRIu64 " stacks", shown, i->received[kind]);
}

static int write_interval(struct session *s)
{
	enum profile_merged merged;
	int failed = 0;

	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		if (!is_asked(s, kind))
			continue;
		if (one_kind(s, kind, &merged) != 0)
			failed = 1;
		else if (writes_files(s))
			print_interval(s, kind);
	}
	return failed;
}

static int summarize(struct session *s)
{
	if (!s->options->summary)
		return 0;
	summary_json(s, &s->summaries);
	return write_summary(s) ? 1 : 0;
}

static int write_dump(struct session *s)
{
	char path[LIMIT_PATH] = "-";
	struct buf page;

	buf_init(&page, LIMIT_DUMP);
	/* Pages that follow one another on a terminal are told apart. */
	if (s->written->number && s->options->format != FORMAT_JSON && !writes_files(s))
		buf_string(&page, "\n");
	long n = dump_page(s, s->options->format, 0, &page);
	if (n < 0)
		log_error("cannot make the page: %s", strerror(-n));
	if (writes_files(s))
		file_name(s, PROFILE_THREADS, path, sizeof(path));
	int error = n < 0 ? n : result_write_bytes(&page, path);
	buf_fini(&page);
	if (s->options->kernel && s->data.only_wchan && !s->written->number)
		log_note("of the kernel only the function that waits: whole stacks take "
			 "CAP_SYS_ADMIN (sudo)");
	s->is_last |= error == -EPIPE && sink_is_stdout(path);
	if (!n && !error)
		(s->data.open ? log_note : log_error)("no thread was seen: the process ended");
	return error || log_failure() ? STATUS_FAILED : n ? STATUS_DONE : STATUS_EMPTY;
}

int result_write(struct session *s)
{
	if (s->options->dump)
		return write_dump(s);
	if (!s->is_last && log_get_level() < LOG_VERBOSE)
		return write_interval(s) | summarize(s);
	enum profile_merged merged[PROFILE_KINDS] = {MERGED_NOT};
	uint64_t samples = 0;
	int failed = 0;

	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		if (!is_asked(s, kind))
			continue;
		samples += s->written->received[kind];
		failed |= one_kind(s, kind, &merged[kind]) != 0;
	}
	print_summary(s, merged);
	failed |= summarize(s);
	tell_empty(s, !failed && !samples && !s->data.open);
	if (!failed) {
		print_next_step(s);
		open_page(s);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_error("cannot write to standard output: %s", strerror(errno));
		failed = 1;
	}
	/* What was to be said of the profile is lost: only the status is left to show it. */
	failed |= log_failure() != 0;
	return failed || s->raw.failed ? STATUS_FAILED : samples ? STATUS_DONE : STATUS_EMPTY;
}
