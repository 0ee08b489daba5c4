# The tests: programs whose truth is known, unit tests, scripts, and the checks of the source itself.

# --- programs that are profiled; no sanitizers and no libraries of ours in them ---
target_names = bursty chain40 eintr exec_storm fork_storm gaps idle inline_chain kernel leader_exit mix phases \
	recursion shares sigalt signals stopped threads_churn vfork
target_cflags = -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -pthread
target_programs = $(target_names:%=tests/targets/%)
$(target_programs): tests/targets/%: $(top_srcdir)/tests/targets/%.c $(top_srcdir)/tests/targets/target.h
	$(AM_V_CC)$(MKDIR_P) tests/targets && $(CC) $(target_cflags) -I$(top_srcdir) -o $@ $< -lm
# The same program without optimization and with frame pointers: blocked threads have no known rbp.
tests/targets/idle_o0: $(top_srcdir)/tests/targets/idle.c $(top_srcdir)/tests/targets/target.h
	$(AM_V_CC)$(CC) $(target_cflags) -O0 -I$(top_srcdir) -o $@ $< -lm
tests/targets/idle_fp: $(top_srcdir)/tests/targets/idle.c $(top_srcdir)/tests/targets/target.h
	$(AM_V_CC)$(CC) $(target_cflags) -fno-omit-frame-pointer -I$(top_srcdir) -o $@ $< -lm
check_DATA = $(target_programs) tests/targets/idle_o0 tests/targets/idle_fp
CLEANFILES += $(check_DATA)

# --- unit tests ---
unit_tests = \
	tests/unit/test_answers \
	tests/unit/test_base \
	tests/unit/test_clock \
	tests/unit/test_collection \
	tests/unit/test_conform \
	tests/unit/test_cpus \
	tests/unit/test_demangle \
	tests/unit/test_fixtures \
	tests/unit/test_folded \
	tests/unit/test_guess \
	tests/unit/test_inlines \
	tests/unit/test_loader \
	tests/unit/test_maps \
	tests/unit/test_options \
	tests/unit/test_player \
	tests/unit/test_proc_stat \
	tests/unit/test_profile \
	tests/unit/test_raw \
	tests/unit/test_regs \
	tests/unit/test_rules \
	tests/unit/test_samples \
	tests/unit/test_sandbox \
	tests/unit/test_sink \
	tests/unit/test_stats \
	tests/unit/test_strings \
	tests/unit/test_summary \
	tests/unit/test_symbolize \
	tests/unit/test_table \
	tests/unit/test_text \
	tests/unit/test_threads \
	tests/unit/test_units \
	tests/unit/test_unwind \
	tests/unit/test_worker
if HAVE_CMOCKA
check_PROGRAMS = $(unit_tests)
endif
unit_libs = libcpprof.a $(ALL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_answers_LDADD = $(unit_libs)
tests_unit_test_base_LDADD = $(unit_libs)
tests_unit_test_clock_LDADD = $(unit_libs)
tests_unit_test_collection_LDADD = $(unit_libs)
tests_unit_test_conform_LDADD = $(unit_libs)
tests_unit_test_cpus_LDADD = $(unit_libs)
tests_unit_test_demangle_LDADD = $(unit_libs)
tests_unit_test_fixtures_LDADD = $(unit_libs)
tests_unit_test_folded_LDADD = $(unit_libs)
tests_unit_test_guess_LDADD = $(unit_libs)
tests_unit_test_inlines_LDADD = $(unit_libs)
tests_unit_test_loader_LDADD = $(unit_libs)
tests_unit_test_maps_LDADD = $(unit_libs)
tests_unit_test_options_LDADD = $(unit_libs)
tests_unit_test_player_LDADD = $(unit_libs)
tests_unit_test_proc_stat_LDADD = $(unit_libs)
tests_unit_test_profile_LDADD = $(unit_libs)
tests_unit_test_raw_LDADD = $(unit_libs)
tests_unit_test_regs_LDADD = $(unit_libs)
tests_unit_test_rules_LDADD = $(unit_libs)
tests_unit_test_samples_LDADD = $(unit_libs)
tests_unit_test_sandbox_LDADD = $(unit_libs)
tests_unit_test_sink_LDADD = $(unit_libs)
tests_unit_test_stats_LDADD = $(unit_libs)
tests_unit_test_strings_LDADD = $(unit_libs)
tests_unit_test_summary_LDADD = $(unit_libs)
tests_unit_test_symbolize_LDADD = $(unit_libs)
tests_unit_test_table_LDADD = $(unit_libs)
tests_unit_test_text_LDADD = $(unit_libs)
tests_unit_test_threads_LDADD = $(unit_libs)
tests_unit_test_units_LDADD = $(unit_libs)
tests_unit_test_unwind_LDADD = $(unit_libs)
tests_unit_test_worker_LDADD = $(unit_libs)
tests_unit_test_worker_LDFLAGS = -Wl,--wrap=list_room

# --- scripts ---
test_scripts = \
	tests/source_check.sh \
	tests/integration/bad_input.sh \
	tests/integration/bursty.sh \
	tests/integration/eintr.sh \
	tests/integration/gdb_compare.sh \
	tests/integration/idle.sh \
	tests/integration/kernel.sh \
	tests/integration/kill.sh \
	tests/integration/quota.sh \
	tests/integration/raw.sh \
	tests/integration/real_libc.sh \
	tests/integration/real_postgres.sh \
	tests/integration/real_python.sh \
	tests/integration/real_redis.sh \
	tests/integration/real_xz.sh \
	tests/integration/shares.sh \
	tests/integration/threads.sh \
	tests/integration/usage.sh \
	tests/stress/storms.sh

TESTS = $(check_PROGRAMS) $(test_scripts)
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = CPPROF=$(abs_top_builddir)/cpprof-attach; export CPPROF; \
	TARGETS=$(abs_top_builddir)/tests/targets; export TARGETS;

fixture_names = aligned chain20 leaf nocfi noreturn signal
EXTRA_DIST = $(test_scripts) tests/lib/gdb_stacks.py tests/lib/harness.sh tests/lib/proof.py \
	tests/targets/target.h tests/unit/profile_fixture.h tests/unit/raw_fixture.h \
	$(target_names:%=tests/targets/%.c) tests/fixtures/fixture.c tests/fixtures/make.sh \
	$(fixture_names:%=tests/fixtures/%.elf) $(fixture_names:%=tests/fixtures/%.raw)
