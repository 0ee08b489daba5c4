/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/options.h"
#include "base/log.h"
#include "config.h"
#include "output/sink.h"

#define SECOND 1000000000ull

typedef int option_handler(struct options *o, const char *name, const char *value);

struct option_row {
	const char *name, *alias;
	const char *value; /* what it takes, for -h; NULL: a switch */
	option_handler *handler;
	const char *help;
};

static const char *const kind_names[PROFILE_KINDS] = {"cpu", "threads"};

/* Words of the manual that later versions understand. */
static const char *const later_kinds[] = {
	"wall", "threadcreate", "block", "mutex", "heap", "allocs"};
static const char *const later_formats[] = {"speedscope", "html"};
static const char *const later_options[] = {"name", "children", "http", "push", "label", "tenant",
	"dump", "heap-rate", "max-stop", "thread", "compare", "fail-over", "cleanup", "every",
	"count", "summary", "kernel", "exit-status", "http-token", "alloc-prefix", "open",
	"debuginfod"};

#define IN(list, word) is_in(list, sizeof(list) / sizeof(*(list)), word)

static int is_in(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], word))
			return 1;
	return 0;
}

const char *options_kind_name(enum profile_kind kind)
{
	return kind < PROFILE_KINDS ? kind_names[kind] : NULL;
}

static int bad(const char *name, const char *value, const char *wanted)
{
	log_error("-%s: \"%s\" is not %s", name, value, wanted);
	return -EINVAL;
}

/* A whole decimal number within [low, high]. */
static int take_number(const char *name, const char *value, long low, long high, long *out)
{
	char *end, wanted[80];

	errno = 0;
	*out = strtol(value, &end, 10);
	if (!errno && end != value && !*end && *out >= low && *out <= high)
		return 0;
	snprintf(wanted, sizeof(wanted), "a number from %ld to %ld", low, high);
	return bad(name, value, wanted);
}

static int set_pid(struct options *o, const char *name, const char *value)
{
	long pid;

	if (strchr(value, ',')) {
		log_error("-%s: several processes in one run are not built yet; give one", name);
		return -EINVAL;
	}
	if (o->pid) {
		log_error("-%s: given twice; one process is meant", name);
		return -EINVAL;
	}
	if (take_number(name, value, 1, 4194304, &pid) < 0)
		return -EINVAL;
	o->pid = pid;
	return 0;
}

/* "60", "1.5", or a sum of parts with h, m, s, ms. */
static int set_seconds(struct options *o, const char *name, const char *value)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = {{"ms", 1e-3}, {"h", 3600}, {"m", 60}, {"s", 1}};
	double total = 0;
	const char *p = value;

	do {
		char *end;
		double part = strtod(p, &end);
		if (end == p || !(part >= 0))
			return bad(name, value, "a duration such as 60, 1m30s or 0");
		double scale = *end ? 0 : 1;
		for (size_t i = 0; *end && i < 4 && !scale; i++)
			if (!strncmp(end, units[i].unit, strlen(units[i].unit))) {
				scale = units[i].seconds;
				end += strlen(units[i].unit);
			}
		if (!scale)
			return bad(name, value, "a duration such as 60, 1m30s or 0");
		total += part * scale;
		p = end;
	} while (*p);
	if (total > 365 * 86400.0)
		return bad(name, value, "a duration of at most a year");
	o->window_ns = total * SECOND;
	return 0;
}

static int add_kind(struct options *o, const char *name, const char *word)
{
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (!strcmp(word, kind_names[kind])) {
			o->kinds |= 1u << kind;
			return 0;
		}
	if (IN(later_kinds, word)) {
		log_error("-%s: the %s profile is not built yet; there are cpu and threads", name,
			word);
		return -EINVAL;
	}
	return bad(name, word, "a profile; there are cpu and threads");
}

static int set_profile(struct options *o, const char *name, const char *value)
{
	char *copy = strdup(value), *rest = copy, *word;
	int error = copy && *copy ? 0 : bad(name, value, "a profile; there are cpu and threads");

	while (!error && (word = strsep(&rest, ",")))
		error = add_kind(o, name, word);
	free(copy);
	return error;
}

static int set_hz(struct options *o, const char *name, const char *value)
{
	long hz;
	int error = take_number(name, value, 1, 10000, &hz);

	o->hz = hz;
	return error;
}

static int set_output(struct options *o, const char *name, const char *value)
{
	if (!*value)
		return bad(name, value, "a file name, a folder or - for standard output");
	o->output = value;
	return 0;
}

/* The index of word in list, or -EINVAL told. */
static int pick(
	const char *name, const char *word, const char *const *list, int n, const char *wanted)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return i;
	return bad(name, word, wanted);
}

static int set_format(struct options *o, const char *name, const char *value)
{
	static const char *const words[] = {"pprof", "folded", "text"};

	if (IN(later_formats, value)) {
		log_error("-%s: the format %s is not built yet; there are pprof, folded and text",
			name, value);
		return -EINVAL;
	}
	int i = pick(name, value, words, 3, "a format; there are pprof, folded and text");
	o->format = i;
	return i < 0 ? i : 0;
}

static int set_top(struct options *o, const char *name, const char *value)
{
	long n = 10;

	if (value && take_number(name, value, 0, 100000, &n) < 0)
		return -EINVAL;
	o->top = n;
	o->top_asked = n > 0;
	return 0;
}

static int set_symbols(struct options *o, const char *name, const char *value)
{
	static const char *const words[] = {"none", "symtab", "full"};
	int i = pick(name, value, words, 3, "one of none, symtab, full");

	o->symbols = i;
	return i < 0 ? i : 0;
}

static int set_demangle(struct options *o, const char *name, const char *value)
{
	static const char *const words[] = {"none", "simple", "templates", "full"};
	int i = pick(name, value, words, 4, "one of none, simple, templates, full");

	o->demangle = i;
	return i < 0 ? i : 0;
}

static int set_check(struct options *o, const char *name, const char *value)
{
	(void)name;
	o->check = value;
	return 0;
}

static int set_save_raw(struct options *o, const char *name, const char *value)
{
	if (!*value || sink_is_stdout(value))
		return bad(name, value, "a file name");
	o->save_raw = value;
	return 0;
}

static int set_replay(struct options *o, const char *name, const char *value)
{
	if (!*value)
		return bad(name, value, "a file name or - for standard input");
	o->replay = value;
	return 0;
}

static int set_symfs(struct options *o, const char *name, const char *value)
{
	if (!*value || strlen(value) >= LIMIT_PATH)
		return bad(name, value, "a folder");
	o->symfs = value;
	return 0;
}

static int set_quiet(struct options *o, const char *name, const char *value)
{
	(void)o, (void)name, (void)value;
	log_set_level(LOG_QUIET);
	return 0;
}

static int set_verbose(struct options *o, const char *name, const char *value)
{
	(void)o, (void)name, (void)value;
	log_set_level(LOG_VERBOSE);
	return 0;
}

static option_handler show_help, show_version;

static const struct option_row rows[] = {
	{"p", "pid", "PID", set_pid, "the process to profile"},
	{"seconds", "d", "DUR", set_seconds, "how long: 60, 1m30s; 0 = until Ctrl-C (default 30)"},
	{"profile", NULL, "KIND,...", set_profile, "cpu, threads (default both)"},
	{"hz", "F", "N", set_hz, "ticks per second, 1 to 10000 (default 100)"},
	{"o", "output", "FILE", set_output, "file (one profile), folder/ or - for standard output"},
	{"format", NULL, "FMT", set_format, "pprof, folded or text (default by the file's ending)"},
	{"top", NULL, NULL, set_top, "print the top table on standard output; -top=N lines"},
	{"symbols", NULL, "HOW", set_symbols, "none, symtab or full (default full)"},
	{"demangle", NULL, "HOW", set_demangle,
		"none, simple, templates or full (default templates)"},
	{"save-raw", NULL, "FILE", set_save_raw, "save what was sampled, for -replay"},
	{"replay", NULL, "FILE", set_replay, "profile what -save-raw saved; - is standard input"},
	{"symfs", NULL, "DIR", set_symfs, "-replay: look for the program's files below DIR first"},
	{"check", NULL, "FILE", set_check, "hold a pprof file to the format's rules, and stop"},
	{"q", "quiet", NULL, set_quiet, "errors only"},
	{"v", "verbose", NULL, set_verbose, "say more"},
	{"version", NULL, NULL, show_version, "print the version"},
	{"h", "help", NULL, show_help, "print this"},
};

#define ROWS (sizeof(rows) / sizeof(*rows))

static int show_help(struct options *o, const char *name, const char *value)
{
	(void)o, (void)name, (void)value;
	printf("usage: cpprof-attach -p PID [-seconds N] [options]\n"
	       "       cpprof-attach -replay FILE [options]\n"
	       "Profiles a running native process from outside and writes pprof files.\n\n");
	for (size_t i = 0; i < ROWS; i++) {
		char left[64];
		snprintf(left, sizeof(left), "-%s%s%s%s%s", rows[i].name,
			rows[i].alias ? ", -" : "", rows[i].alias ? rows[i].alias : "",
			rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
		printf("  %-24s %s\n", left, rows[i].help);
	}
	printf("\nExit status: 0 done, 1 failure, 2 usage, 3 cannot attach, 4 no samples.\n");
	return 1;
}

static int show_version(struct options *o, const char *name, const char *value)
{
	(void)o, (void)name, (void)value;
	printf("cpprof-attach %s\n", PACKAGE_VERSION);
	return 1;
}

static const struct option_row *find_row(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name) || (rows[i].alias && !strcmp(rows[i].alias, name)))
			return &rows[i];
	return NULL;
}

static int unknown(const char *name)
{
	if (IN(later_options, name))
		log_error("-%s is not built yet; see cpprof-attach -h for what there is", name);
	else
		log_error("unknown option -%s; see cpprof-attach -h", name);
	return -EINVAL;
}

/* argv[*i] and, where it takes one, its value. 0, 1 finished well, -EINVAL told. */
static int take_option(struct options *o, int argc, char **argv, int *i)
{
	char name[64];
	const char *text = argv[*i] + (argv[*i][1] == '-' ? 2 : 1);
	const char *value = strchr(text, '=');
	size_t n = value ? (size_t)(value - text) : strlen(text);

	snprintf(name, sizeof(name), "%.*s", (int)n, text);
	const struct option_row *row = n < sizeof(name) ? find_row(name) : NULL;
	if (!row)
		return unknown(name);
	if (value)
		value++;
	if (value && !row->value && row->handler != set_top) {
		log_error("-%s takes no value", name);
		return -EINVAL;
	}
	if (!value && row->value) {
		if (++*i >= argc) {
			log_error("-%s needs a value: %s", name, row->value);
			return -EINVAL;
		}
		value = argv[*i];
	}
	return row->handler(o, name, value);
}

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

/* A recording has its own process, window and rate. */
static int settle_recording(struct options *o)
{
	if (o->symfs && !o->replay) {
		log_error("-symfs is for the files of a recording: give -replay FILE");
		return -EINVAL;
	}
	if (!o->replay)
		return 0;
	if (o->pid || o->save_raw) {
		log_error("-replay: a recording is played, not sampled; leave out %s",
			o->pid ? "-p" : "-save-raw");
		return -EINVAL;
	}
	o->window_ns = 0;
	return 0;
}

/* What the single options could not see. */
static int settle(struct options *o, int format_given)
{
	if (o->check)
		return 0;
	if (settle_recording(o) < 0)
		return -EINVAL;
	if (!o->pid && !o->replay) {
		log_error("which process? give -p PID (see cpprof-attach -h)");
		return -EINVAL;
	}
	if (o->output && !format_given) {
		if (ends_with(o->output, ".folded"))
			o->format = FORMAT_FOLDED;
		else if (ends_with(o->output, ".txt"))
			o->format = FORMAT_TEXT;
	}
	int single = o->output && !ends_with(o->output, "/");
	if (!o->kinds)
		o->kinds = single ? 1u << PROFILE_CPU : (1u << PROFILE_KINDS) - 1;
	if (single && (o->kinds & (o->kinds - 1))) {
		log_error(
			"-o %s: two profiles do not fit in one file; give -o FOLDER/ or one -profile",
			o->output);
		return -EINVAL;
	}
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, int *status)
{
	int error = 0, format_given = 0;

	*o = (struct options){
		.window_ns = 30 * SECOND,
		.hz = 100,
		.top = 10,
		.symbols = SYMBOLS_FULL,
		.demangle = DEMANGLE_TEMPLATES,
	};
	for (int i = 1; i < argc && !error; i++) {
		if (argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--")) {
			format_given |= !!strstr(argv[i], "format");
			error = take_option(o, argc, argv, &i);
		} else if (!strcmp(argv[i], "--")) {
			log_error("starting a command (-- CMD) is not built yet; give -p PID");
			error = -EINVAL;
		} else if (o->pid) {
			log_error("one word too many: \"%s\"; see cpprof-attach -h", argv[i]);
			error = -EINVAL;
		} else {
			error = set_pid(o, "p", argv[i]);
		}
	}
	if (!error)
		error = settle(o, format_given);
	*status = error < 0 ? 2 : 0;
	return error;
}
