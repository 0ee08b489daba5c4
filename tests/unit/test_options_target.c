/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent/options: which processes or recording, for how long, in how many files, at which price, for
 * whom. */
#include "tests/unit/options_fixture.h"

static void assert_pids(const int *pids, uint32_t n)
{
	assert_int_equal(o.n_pids, n);
	assert_memory_equal(o.pids, pids, n * sizeof(*pids));
}

static void several_processes(void **state)
{
	(void)state;
	static const char *const lines[] = {"-p 3,1,2", "3,1,2", "-p 3 -pid 1 --p=2", "-p 3,1 -p=2",
		"-p 3,3,1,3,2,1", "3 -p 1,2"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		accepted(lines[i]);
		assert_pids((const int[]){3, 1, 2}, 3);
	}
	static const char *const bad[] = {
		",", "1,", ",1", "1,,2", "1,x", "1,0", "1,4194305", "1;2", "1-2"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *words[] = {"x", "-p", (char *)bad[i], NULL};
		assert_int_equal(parse_v(3, words), -EINVAL);
		assert_int_equal(status, 2);
		assert_non_null(strstr(said, "is not a number from 1 to 4194304\n"));
	}
}

/* As many as there is room for, each once; one more is too many. */
static void most_processes(void **state)
{
	(void)state;
	char list[8192] = "1";
	for (uint32_t i = 2; i <= OPTIONS_PIDS; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), ",%u", i);
	char *words[] = {"x", "-p", list, "-p", "7", NULL};
	assert_int_equal(parse_v(5, words), 0);
	assert_int_equal(o.n_pids, OPTIONS_PIDS);
	for (uint32_t i = 0; i < OPTIONS_PIDS; i++)
		assert_int_equal(o.pids[i], i + 1);
	words[4] = "257";
	assert_int_equal(parse_v(5, words), -EINVAL);
	assert_string_equal(
		said, "cpprof-attach: -p: more than 256 processes; give -name or -children\n");
}

static void by_name(void **state)
{
	(void)state;
	accepted("-name redis-server");
	assert_string_equal(o.name, "redis-server");
	assert_int_equal(o.n_pids, 0);
	assert_int_equal(o.with_children, 0);
	accepted("--name=a-name-of-more-than-15-bytes -children");
	assert_string_equal(o.name, "a-name-of-more-than-15-bytes");
	assert_int_equal(o.with_children, 1);
	accepted("--children 1,2");
	assert_int_equal(o.with_children, 1);
	assert_int_equal(o.n_pids, 2);
	refused("-name=", "-name: \"\" is not the name of a program, as ps -e shows it");
	refused("-name", "-name needs a value: COMM");
	refused("-children=1 1", "-children takes no value");
	refused("-children", "which process?");
}

/* Behind -- nothing is an option of ours. */
static void a_command(void **state)
{
	(void)state;
	char *words[] = {"x", "-hz", "5", "-exit-status", "--", "sh", "-c", "-p 1", "--", NULL};
	assert_int_equal(parse_v(9, words), 0);
	assert_string_equal(said, "");
	assert_ptr_equal(o.command, words + 5);
	assert_int_equal(o.exit_status, 1);
	assert_int_equal(o.n_pids, 0);
	assert_int_equal(o.hz, 5);
	assert_true(o.window_ns == 0); /* until its end */
	assert_int_equal(o.kinds, 1u << PROFILE_CPU);
	words[3] = "-children";
	assert_int_equal(parse_v(9, words), 0);
	assert_int_equal(o.exit_status, 0);
	assert_int_equal(o.with_children, 1);
	accepted("-seconds 5 -profile threads,cpu -- ls");
	assert_true(o.window_ns == 5 * S);
	assert_int_equal(o.kinds, 3);
	assert_string_equal(o.command[0], "ls");
	assert_null(o.command[1]);
	refused("-profile threads -- ls",
		"-profile: a command that has not begun has no stacks; add cpu");
	refused("--", "is not a command: give CMD ARG... after --");
	refused("-hz 5 --", "is not a command: give CMD ARG... after --");
	refused("-exit-status 1", "-exit-status: there is no command; give it after --");
	refused("-exit-status -name a", "-exit-status: there is no command; give it after --");
	refused("-exit-status=1 -- ls", "-exit-status takes no value");
}

static void one_target_is_meant(void **state)
{
	(void)state;
	static const char *const lines[] = {"1 -- ls", "-p 1 -name a", "-name a -- ls",
		"-p 1 -name a -- ls", "-exit-status 1 -- ls"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		refused(lines[i], "two targets where one is meant: give one of -p PID, -name COMM, "
				  "-- CMD");
}

static void one_file_after_the_other(void **state)
{
	(void)state;
	accepted("1 -every 60s");
	assert_true(o.every_ns == 60 * S);
	assert_true(o.window_ns == 0); /* until Ctrl-C */
	assert_int_equal(o.count, 0);
	assert_int_equal(o.kinds, 3);
	accepted("1 -every 1 -count 1000000000 -seconds 1h -o dir/");
	assert_true(o.every_ns == S);
	assert_true(o.window_ns == 3600 * S);
	assert_int_equal(o.count, 1000000000);
	accepted("-count=1 --every=1m30s 1");
	assert_true(o.every_ns == 90 * S);
	assert_int_equal(o.count, 1);
	refused("1 -every 999ms", "-every: \"999ms\" is not a duration of at least a second");
	refused("1 -every 0", "-every: \"0\" is not a duration of at least a second");
	refused("1 -every x", "-every: \"x\" is not a duration such as");
	refused("1 -every 8761h", "-every: \"8761h\" is not a duration of at most a year");
	refused("1 -every", "-every needs a value: DUR");
	refused("1 -every 1 -count 0", "-count: \"0\" is not a number from 1 to 1000000000");
	refused("1 -every 1 -count 1000000001", "-count: \"1000000001\" is not a number");
	refused("1 -every 1 -count", "-count needs a value: N");
	refused("1 -count 3", "-count: how long is one? give -every DUR");
	refused("1 -every 1 -o x", "-o x: -every makes many files; give -o FOLDER/");
	refused("1 -every 1 -o -", "-o -: -every makes many files; give -o FOLDER/");
}

static void the_part_that_pauses_may_take(void **state)
{
	(void)state;
	accepted("1 -max-stop 0.5%");
	assert_int_equal(o.most_stop, 5000);
	accepted("1 --max-stop=10");
	assert_int_equal(o.most_stop, 100000);
	accepted("1 -max-stop 100%");
	assert_int_equal(o.most_stop, 0); /* no limit */
	refused("1 -max-stop 0", "-max-stop: \"0\" is not a percentage from 0.01 to 100");
	refused("1 -max-stop=", "-max-stop: \"\" is not a percentage from 0.01 to 100");
	refused("1 -max-stop 101%", "-max-stop: \"101%\" is not a percentage from 0.01 to 100");
	refused("1 -max-stop", "-max-stop needs a value: PCT");
}

static void two_files_to_compare(void **state)
{
	(void)state;
	static const char *const lines[] = {"-compare a b", "-compare=a b", "--compare a -top=3 b"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		accepted(lines[i]);
		assert_string_equal(o.compare.old, "a");
		assert_string_equal(o.compare.new, "b");
		assert_int_equal(o.compare.may_fail, 0);
	}
	accepted("-fail-over 2.5% -compare - b -format json");
	assert_string_equal(o.compare.old, "-");
	assert_true(o.compare.may_fail && o.compare.fail_over == 0.025);
	accepted("-compare a - -fail-over=0");
	assert_true(o.compare.may_fail && o.compare.fail_over == 0);
	accepted("-compare a b -fail-over 250 -format text");
	refused("-compare", "-compare needs a value: OLD NEW");
	refused("-compare a", "-compare: one file is not enough");
	refused("-compare - -", "one of the two can be standard input");
	refused("-compare a b c", "one word too many: \"c\"");
	refused("-fail-over 5", "-fail-over: of what? give -compare OLD NEW");
	refused("-fail-over 5 1", "-fail-over: of what? give -compare OLD NEW");
	static const char *const bad[] = {"-1", "x", "5%%", "nan", "1e7"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *words[] = {"x", "-compare", "a", "b", "-fail-over", (char *)bad[i], NULL};
		assert_int_equal(parse_v(6, words), -EINVAL);
		assert_non_null(strstr(said, "is not a percentage of the old total"));
	}
	refused("1 -compare a b", "leave out -p");
	refused("-compare a b -name x", "leave out -name");
	refused("-compare a b -dump", "leave out -dump");
	refused("-compare a b -check c", "leave out -check");
	refused("-compare a b -o c", "leave out -o");
	refused("-compare a b -- ls", "leave out -- CMD");
	refused("-compare a b -format html", "-format: -compare prints text or json");
}

static void what_the_heap_profiles_take(void **state)
{
	(void)state;
	accepted("1 -profile heap,allocs -heap-rate 64K");
	assert_int_equal(o.kinds, KINDS_OF_HEAP);
	assert_int_equal(o.heap_rate, 65536);
	accepted("1 -profile cpu,threads,heap,allocs");
	refused("1 -profile threadcreate,heap", "goes alone");
	accepted("1 -profile heap -every 5");
	refused("1 -profile heap -children", "of one process");
	refused("1 -profile heap -save-raw f", "cannot be recorded");
	refused("1 -heap-rate 64K", "add -profile heap");
	accepted("1 -profile heap -alloc-prefix my_ -alloc-mmap");
	assert_string_equal(o.alloc_prefix, "my_");
	assert_true(o.alloc_mmap);
	refused("1 -alloc-mmap", "-alloc-mmap: add -profile heap");
	refused("1 -alloc-prefix my_", "-alloc-prefix: add -profile heap");
	refused("1 -profile heap -alloc-prefix m*", "-alloc-prefix: \"m*\"");
	refused("1 -profile heap -alloc-prefix=", "-alloc-prefix: \"\"");
	static const char *const rates[] = {"", "0", "K", "-1", "64Q", "64KB", "2G", "1.5M"};
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		char line[64];
		snprintf(line, sizeof(line), "1 -profile heap -heap-rate=%s", rates[i]);
		refused(line, "-heap-rate: \"");
	}
}

static void threads_of_a_name(void **state)
{
	(void)state;
	accepted("1 --thread=^io-");
	assert_string_equal(o.threads, "^io-");
	accepted("1 -thread a -http :0");
	accepted("1 -thread a -profile cpu,threads,wall,block,mutex -push parca+http://h");
	refused("1 -thread (", "regular expression as grep -E takes");
	refused("1 -thread a -profile cpu,heap", "-thread is for cpu");
	refused("1 -thread a -profile goroutine", "-thread is for cpu");
	refused("1 -thread a -profile threadcreate", "-thread is for cpu");
	refused("1 -thread a -profile heap -push parca+http://h", "-thread is for cpu");
	refused("1 -thread a -dump", "leave out -thread");
	refused("-replay x -thread a", "has the threads that it was made of");
}

static void recordings(void **state)
{
	(void)state;
	accepted("-p 1 -save-raw x.raw");
	assert_string_equal(o.save_raw, "x.raw");
	assert_null(o.replay);
	accepted("-replay x.raw -symfs=/proc/self");
	assert_string_equal(o.replay, "x.raw");
	assert_string_equal(o.symfs, "/proc/self");
	refused("-replay x.raw -symfs /no/where", "-symfs /no/where: No such file");
	refused("-replay x.raw -symfs /proc/self/maps", "-symfs /proc/self/maps: Not a directory");
	refused("-replay x.raw -seconds 3", "its own length and rate; leave out -seconds");
	refused("-replay x.raw -hz 3", "its own length and rate; leave out -hz");
	assert_null(o.save_raw);
	assert_true(o.window_ns == 0);
	accepted("-replay -");
	assert_string_equal(o.replay, "-");
	refused("-replay x.raw -p 1", "-p");
	refused("-replay x.raw -save-raw y.raw", "-save-raw");
	refused("-replay x.raw -name a", "leave out -name");
	refused("-replay x.raw -children", "leave out -children");
	refused("-replay x.raw -- ls", "leave out -- CMD");
	refused("-replay x.raw -every 1", "-replay: a recording is one profile; leave out -every");
	refused("-replay x.raw -count 1", "leave out -count");
	refused("-replay x.raw -exit-status", "-exit-status: there is no command");
	refused("-p 1 -save-raw x.raw -every 1 -count 2",
		"-save-raw: a recording is one profile; leave out -every");
	accepted("-p 1,2 -children -save-raw x.raw");
	accepted("-name a -save-raw x.raw");
	accepted("-save-raw x.raw -- ls");
	assert_string_equal(o.save_raw, "x.raw");
	refused("-p 1 -symfs /x", "-replay");
	refused("-p 1 -save-raw -", "-save-raw: \"-\"");
	refused("-p 1 -save-raw=", "-save-raw: \"\"");
	refused("-replay=", "-replay: \"\"");
}

static void serving(void **state)
{
	(void)state;
	accepted("-p 1 -http :6060");
	assert_string_equal(o.http, ":6060");
	assert_int_equal(o.serves, 1);
	assert_int_equal(o.background, 1);
	assert_int_equal(o.window_ns, 0);
	assert_int_equal(o.push_kinds, 0);
	accepted("-name x -children -http unix:/run/x -seconds 60 -background 0 -http-token /t");
	assert_int_equal(o.window_ns, 60000000000);
	assert_int_equal(o.background, 0);
	assert_string_equal(o.http_token, "/t");
	accepted("-p 1 -push parca+http://h");
	assert_int_equal(o.serves, 1);
	assert_int_equal(o.push_kinds, KIND(PROFILE_CPU));
	assert_int_equal(o.every_ns, 15000000000);
	assert_int_equal(o.window_ns, 0);
	accepted("-p 1 -push parca+http://h -http :0 -profile wall,block -every 5s -o pushed/");
	assert_int_equal(o.push_kinds, KIND(PROFILE_WALL) | KIND(PROFILE_BLOCK));
	assert_int_equal(o.every_ns, 5000000000);
	accepted("-p 1");
	assert_int_equal(o.serves, 0);
	refused("-http :0", "which process?");
	accepted("-p 1 -http :0 -profile heap");
	assert_true(o.heap_first);
	assert_int_equal(o.kinds, KINDS_OF_LOOK);
	accepted("-p 1 -http :0 -heap-rate 64K");
	refused("-p 1 -http :0 -profile cpu,heap", "leave out -profile");
	refused("-p 1,2 -http :0 -profile heap", "of one process");
	refused("-p 1,2 -push pyroscope+http://h -profile heap", "of one process");
	refused("-p 1 -push pyroscope+http://h -heap-rate 64K", "add -profile heap");
	accepted("-p 1 -push pyroscope+http://h -profile heap,cpu -heap-rate 64K");
	assert_true(o.heap_first);
	assert_int_equal(o.push_kinds, KIND(PROFILE_HEAP) | KIND(PROFILE_CPU));
	refused("-p 1 -http 80", "-http 80: give [HOST]:PORT");
	refused("-p 1 -http :0 -profile wall", "leave out -profile");
	refused("-p 1 -http :0 -every 5s", "leave out -every");
	refused("-p 1 -http :0 -o x/", "leave out -o");
	refused("-p 1 -http :0 -format folded", "leave out -format");
	refused("-p 1 -http :0 -top", "leave out -top");
	refused("-p 1 -http :0 -summary x", "leave out -summary");
	refused("-p 1 -http :0 -save-raw x", "leave out -save-raw");
	refused("-replay x -http :0", "leave out -replay");
	refused("-p 1 -http :0 -debuginfod", "leave out -debuginfod");
	refused("-p 1 -dump -http :0", "leave out -http");
	refused("-p 1 -http-token x", "-http-token: nobody is served");
	refused("-p 1 -http :0 -background x", "-background: \"x\"");
	refused("-p 1 -http :0 -background 101", "from 0 to 100");
	refused("-p 1 -push parca+http://h -profile threadcreate", "threadcreate");
	refused("-p 1 -push parca+http://h -top",
		"-push: stores take pprof, window after window; leave out -top");
	refused("-p 1 -push parca+http://h -format folded", "leave out -format");
	refused("-p 1 -push parca+http://h -o x.pb.gz",
		"-o x.pb.gz: what a store does not get may be many files");
	refused("-p 1 -push parca+http://h -http :0 -o -", "give -o FOLDER/");
	refused("-p 1 -background 1", "-background: nobody is served");
	refused("-p 1 -push parca+http://h -background 1", "-background: nobody is served");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_processes),
		cmocka_unit_test(most_processes),
		cmocka_unit_test(by_name),
		cmocka_unit_test(a_command),
		cmocka_unit_test(one_target_is_meant),
		cmocka_unit_test(one_file_after_the_other),
		cmocka_unit_test(the_part_that_pauses_may_take),
		cmocka_unit_test(two_files_to_compare),
		cmocka_unit_test(what_the_heap_profiles_take),
		cmocka_unit_test(threads_of_a_name),
		cmocka_unit_test(recordings),
		cmocka_unit_test(serving),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
