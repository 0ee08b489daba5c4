/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/options: the command line, word by word. */
#include "base/log.h"
#include "output/profile.h"
#include "tests/unit/options_fixture.h"

static void assert_only_pid(int pid)
{
	assert_int_equal(o.n_pids, 1);
	assert_int_equal(o.pids[0], pid);
	assert_null(o.name);
	assert_null(o.command);
}

static void a_pid_alone_gets_the_defaults(void **state)
{
	(void)state;
	accepted("1234");
	assert_only_pid(1234);
	assert_int_equal(o.kinds, 1u << PROFILE_CPU | 1u << PROFILE_THREADS);
	assert_true(o.window_ns == 30 * S);
	assert_int_equal(o.hz, 100);
	assert_null(o.output);
	assert_int_equal(o.format, FORMAT_PPROF);
	assert_int_equal(o.top, 10);
	assert_int_equal(o.top_asked, 0);
	assert_int_equal(o.symbols, SYMBOLS_FULL);
	assert_int_equal(o.demangle, DEMANGLE_TEMPLATES);
	assert_null(o.check);
	assert_int_equal(o.with_children, 0);
	assert_int_equal(o.exit_status, 0);
	assert_int_equal(o.window_given, 0);
	assert_true(o.every_ns == 0);
	assert_int_equal(o.count, 0);
	assert_int_equal(o.most_stop, 20000);
}

static void four_ways_to_give_each_option(void **state)
{
	(void)state;
	static const char *const dash[] = {"-", "--"}, *const between[] = {" ", "="};
	for (int i = 0; i < 4; i++) {
		char line[512];
		const char *d = dash[i & 1], *b = between[i >> 1];
		snprintf(line, sizeof(line),
			"%sp%s77 %sseconds%s60 %sprofile%scpu %shz%s250 %so%sfile "
			"%sformat%sfolded %ssymbols%ssymtab %sdemangle%ssimple",
			d, b, d, b, d, b, d, b, d, b, d, b, d, b, d, b);
		accepted(line);
		assert_only_pid(77);
		assert_true(o.window_ns == 60 * S);
		assert_int_equal(o.kinds, 1u << PROFILE_CPU);
		assert_int_equal(o.hz, 250);
		assert_string_equal(o.output, "file");
		assert_int_equal(o.format, FORMAT_FOLDED);
		assert_int_equal(o.symbols, SYMBOLS_SYMTAB);
		assert_int_equal(o.demangle, DEMANGLE_SIMPLE);
		snprintf(line, sizeof(line), "%spid%s78 %sd%s5 %sF%s9 %soutput%sdir/", d, b, d, b,
			d, b, d, b);
		accepted(line);
		assert_only_pid(78);
		assert_true(o.window_ns == 5 * S);
		assert_int_equal(o.hz, 9);
		assert_string_equal(o.output, "dir/");
		snprintf(line, sizeof(line), "%scheck%sfile.pb.gz", d, b);
		accepted(line);
		assert_string_equal(o.check, "file.pb.gz");
	}
}

static void a_value_is_everything_behind_the_first_equals(void **state)
{
	(void)state;
	char *words[] = {"x", "-p", "1", "-o", "-hz=5"};
	accepted("-p 1 -o=a=b=c");
	assert_string_equal(o.output, "a=b=c");
	assert_int_equal(parse_v(5, words), 0);
	assert_string_equal(o.output, "-hz=5");
	assert_int_equal(o.hz, 100);
	assert_ptr_equal(o.output, words[4]); /* into argv */
	accepted("-p 1 -o -");
	assert_string_equal(o.output, "-");
}

static void durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {{"60", 60 * S}, {"1m30s", 90 * S}, {"0", 0}, {"0s", 0}, {"1.5", 1500000000},
		{"1.5s", 1500000000}, {"500ms", S / 2}, {"1h", 3600 * S}, {"1h1m1s", 3661 * S},
		{"2m", 120 * S}, {"1s500ms", 1500000000}, {".25", S / 4}, {"0.5h", 1800 * S},
		{"8760h", 31536000 * S}, {"31536000", 31536000 * S}};
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		char line[64];
		snprintf(line, sizeof(line), "1 -seconds %s", good[i].text);
		accepted(line);
		assert_true(o.window_ns == good[i].ns);
	}
	static const char *const bad[] = {"", "-1", "-1s", "s", "m", "1x", "1d", "1s2x", "1m-30s",
		"nan", "abc", "1,5", "1ms2us", "--5"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char line[64];
		snprintf(line, sizeof(line), "1 -seconds=%s", bad[i]);
		refused(line, "-seconds: \"");
		snprintf(line, sizeof(line), "1 -d=%s", bad[i]);
		refused(line, "-d: \"");
	}
	refused("1 -d 31536001", "at most a year");
	refused("1 -d 8760h1s", "at most a year");
	refused("1 -d inf", "-d: \"inf\"");
	refused("1 -d 1e300h", "-d: \"1e300h\"");
}

static void numbers_within_their_bounds(void **state)
{
	(void)state;
	accepted("-p 4194304 -hz 10000 -top=100000");
	assert_only_pid(4194304);
	assert_int_equal(o.hz, 10000);
	assert_int_equal(o.top, 100000);
	accepted("-p 1 -hz 1");
	assert_int_equal(o.hz, 1);
	static const char *const bad[] = {"0", "-1", "4194305", "x", "1x", "0x10", "1.5", "",
		"99999999999999999999", "-99999999999999999999", "4294967297"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char line[64];
		snprintf(line, sizeof(line), "-p=%s", bad[i]);
		refused(line, "-p: \"");
		snprintf(line, sizeof(line), "--pid %s", bad[i]);
		refused(line, "-pid: \"");
		snprintf(line, sizeof(line), "1 -hz %s", bad[i]);
		refused(line, "-hz: \"");
	}
	refused("1 -hz 10001", "from 1 to 10000");
	refused("1 -F=4294967396", "-F: \"4294967396\""); /* 100 in 32 bits */
	refused("1 -top=-1", "-top: \"-1\"");
	refused("1 -top=100001", "from 0 to 100000");
	refused("1 -top=", "-top: \"\"");
}

static void which_process(void **state)
{
	(void)state;
	accepted("-hz 5 42 -d 1");
	assert_only_pid(42);
	refused("-hz 5", "which process? give -p PID, -name COMM or -- CMD");
	refused("1 2", "one word too many: \"2\"");
	refused("-p 1 2", "one word too many: \"2\"");
	refused("nginx", "\"nginx\" is no pid and no option: give -p PID");
	refused("12x", "-p: \"12x\" is not a number");
	refused("-", "\"-\" is no pid");
	refused("-check a.pb.gz b.pb.gz", "one word too many: \"b.pb.gz\"");
	refused("-replay a.raw 5", "one word too many: \"5\"");
	refused("-name a b", "one word too many: \"b\"");
	refused("-check a -p 1", "-check looks at a file; leave out -p");
	refused("-check a -seconds 3 -o y", "-check looks at a file; leave out -seconds");
	refused("-compare a b -seconds 3", "leave out -seconds");
	refused("-p", "-p needs a value");
	refused("1 -seconds", "-seconds needs a value");
	refused("", "\"\" is no pid");
	char *none[] = {"cpprof-attach", NULL};
	assert_int_equal(parse_v(1, none), -EINVAL);
	assert_int_equal(status, 2);
	assert_non_null(strstr(said, "which process"));
}

static void kinds(void **state)
{
	(void)state;
	accepted("1 -profile cpu");
	assert_int_equal(o.kinds, 1);
	accepted("1 -profile threads");
	assert_int_equal(o.kinds, 2);
	accepted("1 -profile threads,cpu");
	assert_int_equal(o.kinds, 3);
	accepted("1 -profile cpu,cpu");
	assert_int_equal(o.kinds, 1);
	accepted("1 -profile cpu -profile=threads");
	assert_int_equal(o.kinds, 3);
	accepted("1 -profile wall,block,mutex");
	assert_int_equal(o.kinds, 28);
	accepted("1 -profile threadcreate");
	assert_int_equal(o.kinds, 1u << PROFILE_THREADCREATE);
	refused("1 -profile cpu,threadcreate", "goes alone");
	refused("1 -profile threadcreate -children", "-children: threadcreate");
	static const char *const bad[] = {
		"", ",", "cpu,", ",cpu", "CPU", "cpus", "cp", "cpu;threads"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char line[64];
		snprintf(line, sizeof(line), "1 -profile=%s", bad[i]);
		refused(line, "-profile: \"");
	}
	assert_string_equal(profile_kind_name(PROFILE_CPU), "cpu");
	assert_string_equal(profile_kind_name(PROFILE_THREADS), "threads");
	assert_null(profile_kind_name(PROFILE_KINDS));
}

static void a_single_file_holds_a_single_profile(void **state)
{
	(void)state;
	accepted("1 -o cpu.pb.gz");
	assert_int_equal(o.kinds, 1u << PROFILE_CPU);
	accepted("1 -o -");
	assert_int_equal(o.kinds, 1u << PROFILE_CPU);
	accepted("1 -o dir/");
	assert_int_equal(o.kinds, 3);
	accepted("1 -o dir/ -profile cpu,threads");
	assert_int_equal(o.kinds, 3);
	accepted("1 -o x -profile threads");
	assert_int_equal(o.kinds, 1u << PROFILE_THREADS);
	refused("1 -o x -profile cpu,threads", "two profiles do not fit in one file");
	refused("1 -profile=threads -o=- -profile=cpu", "-o -: two profiles");
	refused("1 -o=", "-o: \"\"");
}

static void a_dump(void **state)
{
	(void)state;
	accepted("1 -dump");
	assert_true(o.dump);
	assert_int_equal(o.kinds, 1u << PROFILE_THREADS);
	assert_int_equal(o.format, FORMAT_TEXT);
	accepted("1 -dump -o a.json");
	assert_int_equal(o.format, FORMAT_JSON);
	accepted("1 -dump -format goroutine -o -");
	assert_int_equal(o.format, FORMAT_GOROUTINE);
	accepted("-name a -children -dump -every 5s -count 3 -o -");
	assert_int_equal(o.count, 3);
	accepted("1 -dump -every 5s -seconds 20 -o dir/");
	refused("1 -dump -seconds 5", "-dump takes no time; leave out -seconds");
	refused("1 -dump -every 5s -o a.txt", "-o a.txt: -every makes many files");
	refused("1 -dump -format pprof", "-dump prints text, json or goroutine");
	refused("1 -dump -format folded", "-dump prints text, json or goroutine");
	refused("1 -dump -profile threads", "leave out -profile");
	refused("-hz 5 1 -dump", "leave out -hz");
	refused("-replay x -dump", "leave out -replay");
	refused("1 -dump -save-raw x", "leave out -save-raw");
	refused("1 -top -dump", "leave out -top");
	refused("1 -summary x -dump", "leave out -summary");
	refused("1 -check x -dump", "leave out -check");
	refused("-dump -- ls", "leave out -- CMD");
	refused("-dump", "which process?");
	refused("1 -dump -count 2", "-count: how long is one?");
	refused("1 -format json", "json and goroutine are formats of -dump");
}

static void formats(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum format format;
	} good[] = {{"1 -format pprof", FORMAT_PPROF}, {"1 -format folded", FORMAT_FOLDED},
		{"1 -format text", FORMAT_TEXT}, {"1 -format speedscope", FORMAT_SPEEDSCOPE},
		{"1 -format html", FORMAT_HTML}, {"1 -o a.html", FORMAT_HTML},
		{"1 -o a.speedscope.json", FORMAT_SPEEDSCOPE}, {"1 -o a.folded", FORMAT_FOLDED},
		{"1 -o a.txt", FORMAT_TEXT}, {"1 -o a.pb.gz", FORMAT_PPROF},
		{"1 -o a.folded.gz", FORMAT_PPROF}, {"1 -o txt", FORMAT_PPROF},
		{"1 -o .txt", FORMAT_TEXT}, {"1 -o a.txt -format pprof", FORMAT_PPROF},
		{"1 --format=pprof -o a.folded", FORMAT_PPROF},
		{"1 -format=text -o a.folded", FORMAT_TEXT}};
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		accepted(good[i].line);
		assert_int_equal(o.format, good[i].format);
	}
	/* "format" in a value is no option. */
	accepted("1 -profile threads -o=information.folded");
	assert_int_equal(o.format, FORMAT_FOLDED);
	accepted("1 -dump -o=information.json");
	assert_int_equal(o.format, FORMAT_JSON);
	accepted("1 -http=unix:format.sock");
	accepted("-compare format.old format.new");
	refused("1 -profile cpu -kernel", "add -profile threads, wall, block or mutex");
	refused("1 -profile heap -kernel", "add -profile threads, wall, block or mutex");
	accepted("1 -kernel");
	accepted("1 -dump -kernel");
	accepted("1 -http :0 -kernel");
	refused("1 -format=", "-format: \"\"");
	refused("1 -format pb", "pprof, folded, speedscope, html and text");
}

static void a_page_to_show(void **state)
{
	(void)state;
	accepted("1 -format html -open");
	assert_int_equal(o.open, 1);
	accepted("1 -open -o a.html");
	accepted("1 -open -format html -top -o pages/");
	accepted("1");
	assert_int_equal(o.open, 0);
	refused("1 -open", "-open shows a page: give -http, -format html");
	refused("1 -open -o a.pb.gz", "-open shows a page");
	refused("1 -open -format html -o -", "-open: the page goes to standard output");
	refused("1 -open -format html -top", "-top alone writes no file");
	refused("1 -open -dump", "leave out -open");
	accepted("1 -open -http :0");
	refused("1 -open -http unix:/x", "-open: browsers do not know unix:PATH");
	refused("1 -open -http :0 -http-token /x", "-open: the page's address has the token");
}

static void the_other_words(void **state)
{
	(void)state;
	static const char *const symbols[] = {"none", "symtab", "full"};
	static const char *const demangle[] = {"none", "simple", "templates", "full"};
	char line[64];
	for (int i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "1 -symbols %s", symbols[i]);
		accepted(line);
		assert_int_equal(o.symbols, i);
	}
	for (int i = 0; i < 4; i++) {
		snprintf(line, sizeof(line), "1 -demangle=%s", demangle[i]);
		accepted(line);
		assert_int_equal(o.demangle, i);
	}
	refused("1 -symbols all", "one of none, symtab, full");
	refused("1 -demangle=", "one of none, simple, templates, full");
	accepted("1 -top");
	assert_int_equal(o.top, 10);
	assert_int_equal(o.top_asked, 1);
	accepted("1 --top=25");
	assert_int_equal(o.top, 25);
	assert_int_equal(o.top_asked, 1);
	accepted("1 -top=0");
	assert_int_equal(o.top, 0);
	assert_int_equal(o.top_asked, 0);
}

static void switches_set_the_level(void **state)
{
	(void)state;
	static const char *const words[] = {"-q", "--quiet", "-v", "--verbose"};
	static const enum log_level levels[] = {LOG_QUIET, LOG_QUIET, LOG_VERBOSE, LOG_VERBOSE};
	for (int i = 0; i < 4; i++) {
		char line[64];
		log_set_level(LOG_NORMAL);
		snprintf(line, sizeof(line), "1 %s", words[i]);
		accepted(line);
		assert_int_equal(log_get_level(), levels[i]);
		log_set_level(LOG_NORMAL);
		snprintf(line, sizeof(line), "1 %s=1", words[i]);
		refused(line, "takes no value");
		assert_int_equal(log_get_level(), LOG_NORMAL);
	}
	refused("1 -help=x", "-help takes no value");
	log_set_level(LOG_QUIET); /* a mistake is told all the same */
	refused("1 -hz 0", "-hz: \"0\"");
	log_set_level(LOG_NORMAL);
}

static void unknown_options_are_named(void **state)
{
	(void)state;
	refused("1 -x", "unknown option -x;");
	refused("1 --x=5", "unknown option -x;");
	refused("1 -secondss 5", "unknown option -secondss;");
	refused("1 -second 5", "unknown option -second;");
	refused("1 -P 5", "unknown option -P;");
	refused("1 -p5", "unknown option -p5;");
	refused("1 ---p 5", "unknown option --p;");
	refused("1 -=5", "unknown option -;");
	refused("1 -x\033[2J", "unknown option -x\\x1b[2J;");
	refused("-cleanup", "-cleanup is for one process: -p PID");
	refused("1,2 -cleanup", "-cleanup is for one process: -p PID");
	refused("1 -cleanup -seconds 3", "-cleanup makes no profile; leave out -seconds");
	refused("1 -cleanup -profile heap", "-cleanup makes no profile; leave out -profile");
	char line[512] = "1 -";
	memset(line + 3, 'a', 300);
	refused(line, "unknown option -aaaaaaaa");
	/* 63 letters of which the name is the beginning of none. */
	refused("1 -pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp 5",
		"unknown option -ppp");
}

/* The first mistake ends it: what comes later is not even looked at. */
static void one_mistake_is_told(void **state)
{
	(void)state;
	refused("-hz 0 -x -y", "-hz: \"0\"");
	assert_null(strstr(said, "unknown"));
	refused("-x -h", "unknown option -x;");
}

static void help_and_version_end_well(void **state)
{
	(void)state;
	static const char *const lines[] = {"-h", "--help", "-help", "-p 1 -h", "-h -x -y=0"};
	for (int i = 0; i < 5; i++) {
		assert_true(parse(lines[i]) > 0);
		assert_int_equal(status, 0);
		assert_string_equal(said, "");
		assert_non_null(strstr(printed, "usage: cpprof-attach"));
		assert_non_null(strstr(printed, "-seconds, -d DUR"));
	}
	assert_true(parse("-version") > 0);
	assert_int_equal(status, 0);
	assert_int_equal(strncmp(printed, "cpprof-attach ", 14), 0);
	assert_ptr_equal(strchr(printed, '\n'), printed + strlen(printed) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pid_alone_gets_the_defaults),
		cmocka_unit_test(four_ways_to_give_each_option),
		cmocka_unit_test(a_value_is_everything_behind_the_first_equals),
		cmocka_unit_test(durations),
		cmocka_unit_test(numbers_within_their_bounds),
		cmocka_unit_test(which_process),
		cmocka_unit_test(kinds),
		cmocka_unit_test(a_single_file_holds_a_single_profile),
		cmocka_unit_test(a_dump),
		cmocka_unit_test(formats),
		cmocka_unit_test(a_page_to_show),
		cmocka_unit_test(the_other_words),
		cmocka_unit_test(switches_set_the_level),
		cmocka_unit_test(unknown_options_are_named),
		cmocka_unit_test(one_mistake_is_told),
		cmocka_unit_test(help_and_version_end_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
