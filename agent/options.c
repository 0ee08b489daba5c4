/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/exit_status.h"
#include "agent/options.h"
#include "agent/options_settle.h"
#include "agent/serve/listen.h"
#include "agent/values.h"
#include "base/log.h"
#include "base/message.h"
#include "base/now.h"
#include "config.h"
#include "output/profile.h"
#include "output/sink.h"

typedef int option_handler(struct options *o, const char *name, const char *value);

struct option_row {
	const char *name, *alias;
	const char *value; /* what it takes, for -h; NULL: a switch */
	option_handler *handler;
	const char *help;
};

#define FORMATS_TEXT "pprof, folded, speedscope, html and text, and json and goroutine for -dump"
#define KINDS_TEXT   "cpu, threads, wall, block, mutex, threadcreate, goroutine, heap and allocs"

/* They shape a profile; -dump makes none. */
static const char *const not_for_dump[] = {"exit-status", "profile", "hz", "max-stop", "top",
	"push", "http", "http-token", "background", "summary", "save-raw", "replay", "symfs",
	"check", "open", "thread"};

#define IN(list, word) is_in(list, sizeof(list) / sizeof(*(list)), word)

static int is_in(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], word))
			return 1;
	return 0;
}

static int add_pid(struct options *o, const char *name, const char *word)
{
	long pid;

	if (values_number(name, word, 1, 4194304, &pid) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < o->n_pids; i++)
		if (o->pids[i] == pid)
			return 0;
	if (o->n_pids == OPTIONS_PIDS) {
		log_error(
			"-%s: more than %u processes; give -name or -children", name, OPTIONS_PIDS);
		return -EINVAL;
	}
	o->pids[o->n_pids++] = pid;
	return 0;
}

static int each_word(struct options *o, const char *name, const char *value,
	int (*each)(struct options *o, const char *name, const char *word))
{
	char *copy = strdup(value), *rest = copy, *word;
	int error = copy ? 0 : -ENOMEM;

	while (!error && (word = strsep(&rest, ",")))
		error = each(o, name, word);
	free(copy);
	return error;
}

static int set_pid(struct options *o, const char *name, const char *value)
{
	return each_word(o, name, value, add_pid);
}

static int set_switch(struct options *o, const char *name, const char *value)
{
	(void)value;
	o->with_children |= !strcmp(name, "children");
	o->exit_status |= !strcmp(name, "exit-status");
	o->kernel |= !strcmp(name, "kernel");
	o->debuginfod |= !strcmp(name, "debuginfod");
	o->dump |= !strcmp(name, "dump");
	o->cleanup |= !strcmp(name, "cleanup");
	o->open |= !strcmp(name, "open");
	o->alloc_mmap |= !strcmp(name, "alloc-mmap");
	o->debuginfod_urls = getenv("DEBUGINFOD_URLS");
	return 0;
}

static int set_seconds(struct options *o, const char *name, const char *value)
{
	o->window_given = 1;
	return values_duration(name, value, &o->window_ns);
}

static int set_every(struct options *o, const char *name, const char *value)
{
	int error = values_duration(name, value, &o->every_ns);

	if (!error && o->every_ns < SECOND)
		return values_bad(name, value, "a duration of at least a second");
	return error;
}

static int set_count(struct options *o, const char *name, const char *value)
{
	long n;
	int error = values_number(name, value, 1, 1000000000, &n);

	o->count = n;
	return error;
}

static int set_max_stop(struct options *o, const char *name, const char *value)
{
	return values_percent(name, value, &o->most_stop);
}

static int set_thread(struct options *o, const char *name, const char *value)
{
	o->threads = value;
	return values_pattern(name, value, TRACER_THREADS_PATTERN);
}

static int add_kind(struct options *o, const char *name, const char *word)
{
	for (int kind = 0; kind < PROFILE_KINDS; kind++)
		if (!strcmp(word, profile_kind_name(kind))) {
			o->kinds |= KIND(kind);
			return 0;
		}
	return values_bad(name, word, "a profile; there are " KINDS_TEXT);
}

static int set_profile(struct options *o, const char *name, const char *value)
{
	if (!*value)
		return values_bad(name, value, "a profile; there are " KINDS_TEXT);
	return each_word(o, name, value, add_kind);
}

static int set_hz(struct options *o, const char *name, const char *value)
{
	long hz;
	int error = values_number(name, value, 1, 10000, &hz);

	o->hz_given = 1;
	o->hz = hz;
	return error;
}

static int set_format(struct options *o, const char *name, const char *value)
{
	static const char *const words[] = {
		"pprof", "folded", "speedscope", "html", "text", "json", "goroutine"};

	int i = values_pick(name, value, words, 7, "a format; there are " FORMATS_TEXT);
	o->format_given = 1;
	o->format = i;
	return i < 0 ? i : 0;
}

static int set_top(struct options *o, const char *name, const char *value)
{
	long n = 10;

	if (value && values_number(name, value, 0, 100000, &n) < 0)
		return -EINVAL;
	o->top = n;
	o->top_asked = n > 0;
	return 0;
}

static int set_symbols(struct options *o, const char *name, const char *value)
{
	static const char *const words[] = {"none", "symtab", "full"};
	int i = values_pick(name, value, words, 3, "one of none, symtab, full");

	o->symbols = i;
	return i < 0 ? i : 0;
}

static int set_demangle(struct options *o, const char *name, const char *value)
{
	static const char *const words[] = {"none", "simple", "templates", "full"};
	int i = values_pick(name, value, words, 4, "one of none, simple, templates, full");

	o->demangle = i;
	return i < 0 ? i : 0;
}

/* A number of bytes, or of KiB, MiB, GiB. */
static int set_heap_rate(struct options *o, const char *name, const char *value)
{
	char *end;
	unsigned long long n = strtoull(value, &end, 10), unit = 1;

	if (*end == 'K' || *end == 'k')
		unit = KIB;
	else if (*end == 'M')
		unit = MIB;
	else if (*end == 'G')
		unit = GIB;
	if (end == value || *value < '0' || *value > '9' || (unit > 1 ? end[1] : *end) || !n ||
		n > GIB || n * unit > GIB)
		return values_bad(name, value, "bytes, 1 to 1G: 4096, 64K, 1M");
	o->heap_rate = n * unit;
	o->heap_rate_given = 1;
	return 0;
}

static int set_http(struct options *o, const char *name, const char *value)
{
	(void)name;
	o->http = value;
	return listen_check(value);
}

static int set_background(struct options *o, const char *name, const char *value)
{
	long hz;
	int error = values_number(name, value, 0, 100, &hz);

	o->background_given = 1;
	o->background = hz;
	return error;
}

/* What is looked at later. */
static int set_word(struct options *o, const char *name, const char *value)
{
	static const struct word {
		const char *name;
		size_t at;
		const char *what; /* it must be; NULL: anything */
	} words[] = {
		{"name", offsetof(struct options, name),
			"the name of a program, as ps -e shows it"},
		{"o", offsetof(struct options, output),
			"a file name, a folder or - for standard output"},
		{"http-token", offsetof(struct options, http_token), "a file name"},
		{"summary", offsetof(struct options, summary),
			"a file name or - for standard output"},
		{"replay", offsetof(struct options, replay), "a file name or - for standard input"},
		{"check", offsetof(struct options, check), NULL},
		{"alloc-prefix", offsetof(struct options, alloc_prefix), NULL},
	};
	const char *known = strcmp(name, "output") ? name : "o";
	const struct word *w = words;

	while (strcmp(w->name, known) != 0)
		w++;
	if (w->what && !*value)
		return values_bad(name, value, w->what);
	*(const char **)((char *)o + w->at) = value;
	return 0;
}

static int set_compare(struct options *o, const char *name, const char *value)
{
	return comparing_set(&o->compare, name, value);
}

static int set_save_raw(struct options *o, const char *name, const char *value)
{
	if (!*value || sink_is_stdout(value))
		return values_bad(name, value, "a file name");
	o->save_raw = value;
	return 0;
}

static int set_symfs(struct options *o, const char *name, const char *value)
{
	if (!*value || strlen(value) >= LIMIT_PATH)
		return values_bad(name, value, "a folder");
	o->symfs = value;
	return 0;
}

static int set_push(struct options *o, const char *name, const char *value)
{
	return push_options_set(&o->push, name, value);
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
	{"p", "pid", "PID,...", set_pid, "the process to profile, or several"},
	{"name", NULL, "COMM", set_word, "the processes of that name"},
	{"children", NULL, NULL, set_switch, "their descendants, too, as they appear"},
	{"exit-status", NULL, NULL, set_switch, "end with the status of the command (after --)"},
	{"seconds", "d", "DUR", set_seconds, "how long: 60, 1m30s; 0 = until Ctrl-C (default 30)"},
	{"every", NULL, "DUR", set_every, "a new file each time: 60s, 1h (until Ctrl-C)"},
	{"count", NULL, "N", set_count, "with -every: end after N files"},
	{"profile", NULL, "KIND,...", set_profile,
		"cpu, threads, wall, block, mutex, threadcreate, goroutine, heap, allocs (default "
		"the first two)"},
	{"heap-rate", NULL, "BYTES", set_heap_rate,
		"heap, allocs: one sample in so many bytes on average: 64K, 1M (default 512K)"},
	{"alloc-prefix", NULL, "P", set_word,
		"heap, allocs: functions named P and malloc, free, ... allocate, too"},
	{"alloc-mmap", NULL, NULL, set_switch, "heap, allocs: what mmap gives is allocated, too"},
	{"hz", "F", "N", set_hz, "ticks per second, 1 to 10000 (default 100)"},
	{"max-stop", NULL, "PCT", set_max_stop,
		"share of its CPU time that pauses may take (default 2%)"},
	{"thread", NULL, "REGEX", set_thread,
		"cpu, threads, wall, block, mutex: of threads whose names match, as grep -E would"},
	{"kernel", NULL, NULL, set_switch, "blocked threads: the kernel's functions on top"},
	{"o", "output", "FILE", set_word, "file (one profile), folder/ or - for standard output"},
	{"format", NULL, "FMT", set_format,
		"pprof, folded, speedscope, html, text; -dump: text, json, goroutine (by the ending)"},
	{"open", NULL, NULL, set_switch, "-format html, -http: show the page in the browser"},
	{"top", NULL, NULL, set_top, "print the top table on standard output; -top=N lines"},
	{"dump", NULL, NULL, set_switch,
		"print all stacks, what each thread waits for, and deadlocks"},
	{"cleanup", NULL, NULL, set_switch,
		"with -p: take out an allocation probe that a killed run left behind"},
	{"symbols", NULL, "HOW", set_symbols, "none, symtab or full (default full)"},
	{"demangle", NULL, "HOW", set_demangle,
		"none, simple, templates or full (default templates)"},
	{"debuginfod", NULL, NULL, set_switch, "ask DEBUGINFOD_URLS for missing debug information"},
	{"summary", NULL, "FILE", set_word, "what the run says of itself, as JSON"},
	{"save-raw", NULL, "FILE", set_save_raw, "save what was sampled, for -replay"},
	{"replay", NULL, "FILE", set_word, "profile what -save-raw saved; - is standard input"},
	{"symfs", NULL, "DIR", set_symfs, "-replay: look for the program's files below DIR first"},
	{"http", NULL, "ADDR", set_http,
		"serve /debug/pprof/ and a page at [HOST]:PORT (this machine) or unix:PATH"},
	{"http-token", NULL, "FILE", set_word, "-http: ask for the token in FILE"},
	{"background", NULL, "N", set_background,
		"-http: ticks a second for the block and mutex counters (default 1; 0 none)"},
	{"push", NULL, "URL", set_push,
		"send all to pyroscope+http://HOST:PORT, parca+http:// or https://"},
	{"push-auth", NULL, "FILE", set_push, "-push: \"bearer TOKEN\" or \"basic USER:PASSWORD\""},
	{"push-ca", NULL, "FILE", set_push, "-push: the certificates of your own authority"},
	{"tenant", NULL, "ID", set_push, "-push: the tenant at the store (X-Scope-OrgID)"},
	{"label", NULL, "NAME=VALUE", set_push, "-push: a label of all profiles; repeatable"},
	{"check", NULL, "FILE", set_word, "hold a pprof file to the format's rules, and stop"},
	{"compare", NULL, "OLD NEW", set_compare,
		"print what grew and shrank between two pprof files, beyond chance"},
	{"fail-over", NULL, "PCT", set_compare,
		"-compare: status 5 if anything grew by more than PCT of the old total"},
	{"q", "quiet", NULL, set_quiet, "errors only"},
	{"v", "verbose", NULL, set_verbose, "say more"},
	{"version", NULL, NULL, show_version, "print the version"},
	{"h", "help", NULL, show_help, "print this"},
};

#define ROWS (sizeof(rows) / sizeof(*rows))

static int show_help(struct options *o, const char *name, const char *value)
{
	(void)o, (void)name, (void)value;
	printf("usage: cpprof-attach -p PID[,PID...] [-seconds N] [options]\n"
	       "       cpprof-attach -name COMM [-children] [options]\n"
	       "       cpprof-attach [options] -- CMD ARG...\n"
	       "       cpprof-attach -replay FILE [options]\n"
	       "       cpprof-attach -compare OLD NEW [-fail-over PCT]\n"
	       "Profiles running native processes from outside and writes pprof files.\n\n");
	for (size_t i = 0; i < ROWS; i++) {
		char left[64];
		snprintf(left, sizeof(left), "-%s%s%s%s%s", rows[i].name,
			rows[i].alias ? ", -" : "", rows[i].alias ? rows[i].alias : "",
			rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
		printf("  %-24s %s\n", left, rows[i].help);
	}
	printf("\nExit status: 0 done, 1 failure, 2 usage, 3 cannot attach, 4 no samples, "
	       "5 regression,\n126 and 127 a command that cannot be run.\n");
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
	if (IN(not_for_dump, row->name))
		o->not_for_dump = row->name;
	return row->handler(o, name, value);
}

/* A pid may stand by itself, where no other target does. */
static int take_word(struct options *o, const char *word)
{
	if (o->n_pids || o->compare.old || o->check || o->replay || o->name)
		log_error("one word too many: \"%s\"; see cpprof-attach -h", word);
	else if (*word < '0' || *word > '9')
		log_error(
			"\"%s\" is no pid and no option: give -p PID, -name COMM or -- CMD", word);
	else
		return set_pid(o, "p", word);
	return -EINVAL;
}

int options_parse(struct options *o, int argc, char **argv, int *status)
{
	int error = 0;

	*o = (struct options){
		.hz = 100,
		.heap_rate = 512 * KIB,
		.top = 10,
		.most_stop = 20000,
		.background = 1,
		.symbols = SYMBOLS_FULL,
		.demangle = DEMANGLE_TEMPLATES,
	};
	for (int i = 1; i < argc && !error; i++) {
		if (!strcmp(argv[i], "--")) {
			o->command = argv[i + 1] ? &argv[i + 1] : NULL;
			if (!o->command)
				error = values_bad("-", "", "a command: give CMD ARG... after --");
			break;
		}
		if (argv[i][0] == '-' && argv[i][1]) {
			error = take_option(o, argc, argv, &i);
		} else if (o->compare.old && !o->compare.new) {
			o->compare.new = argv[i];
		} else {
			error = take_word(o, argv[i]);
		}
	}
	if (!error)
		error = options_settle(o);
	*status = error < 0 ? STATUS_USAGE : STATUS_DONE;
	return error;
}
