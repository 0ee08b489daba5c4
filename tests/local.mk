# The tests: programs whose truth is known, unit tests, scripts, and the checks of the source itself.

# --- programs that are profiled; no sanitizers and no libraries of ours in them ---
target_names = \
	alloc_storm \
	allocs \
	altstacks \
	bursty \
	calls_locks \
	calls_sockets \
	calls_timed \
	calls_woken \
	chain40 \
	contended \
	creates \
	crowd \
	deadlock \
	depths \
	dl_loop \
	exec_latency \
	exec_storm \
	exit_latency \
	family \
	fd_waits \
	fork_storm \
	gaps \
	grows \
	guests \
	handler \
	heap_steps \
	idle \
	ignored \
	inline_chain \
	jit \
	kernel \
	leader_exit \
	loads \
	locks \
	mix \
	named \
	otel \
	phases \
	pid_reuse \
	recursion \
	shares \
	short_counts \
	scribbles \
	sigalt \
	signal_storm \
	signals \
	states \
	stopped \
	strict \
	sums \
	threads_churn \
	threads_end \
	tid_reuse \
	traps \
	turns \
	uffd_stack \
	vfork
target_cflags = -std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -pthread
target_headers = $(top_srcdir)/tests/targets/target.h $(top_srcdir)/tests/targets/calls.h \
	$(top_srcdir)/tests/targets/locks.h $(top_srcdir)/tests/targets/woken.h
target_programs = $(target_names:%=tests/targets/%)
$(target_programs): tests/targets/%: $(top_srcdir)/tests/targets/%.c $(target_headers)
	$(AM_V_CC)$(MKDIR_P) tests/targets && $(CC) $(target_cflags) -I$(top_srcdir) -o $@ $< -lm
# The same program without optimization and with frame pointers: blocked threads have no known rbp.
tests/targets/idle_o0: $(top_srcdir)/tests/targets/idle.c $(top_srcdir)/tests/targets/target.h
	$(AM_V_CC)$(CC) $(target_cflags) -O0 -I$(top_srcdir) -o $@ $< -lm
tests/targets/idle_fp: $(top_srcdir)/tests/targets/idle.c $(top_srcdir)/tests/targets/target.h
	$(AM_V_CC)$(CC) $(target_cflags) -fno-omit-frame-pointer -I$(top_srcdir) -o $@ $< -lm
# The libraries of dl_loop, alike but for the name of their function.
tests/targets/libfirst_part.so tests/targets/libsecond_part.so: tests/targets/lib%.so: \
		$(top_srcdir)/tests/targets/dl_part.c $(top_srcdir)/tests/targets/target.h
	$(AM_V_CC)$(CC) $(target_cflags) -fPIC -shared -DPART=$* -I$(top_srcdir) -o $@ $<
# The same where the trampoline and all of libc are in the program.
tests/targets/handler_static: $(top_srcdir)/tests/targets/handler.c $(top_srcdir)/tests/targets/target.h
	$(AM_V_CC)$(CC) $(target_cflags) -static -s -I$(top_srcdir) -o $@ $< -lm
check_DATA = $(target_programs) tests/targets/handler_static tests/targets/idle_o0 tests/targets/idle_fp \
	tests/targets/libfirst_part.so tests/targets/libsecond_part.so
CLEANFILES += $(check_DATA)

# --- unit tests ---
unit_tests = \
	tests/unit/test_answers \
	tests/unit/test_assets \
	tests/unit/test_base \
	tests/unit/test_blob \
	tests/unit/test_blob_limits \
	tests/unit/test_budget \
	tests/unit/test_call \
	tests/unit/test_charge \
	tests/unit/test_clock \
	tests/unit/test_collection \
	tests/unit/test_compare \
	tests/unit/test_conform \
	tests/unit/test_cpus \
	tests/unit/test_deadlock \
	tests/unit/test_debug_places \
	tests/unit/test_demangle \
	tests/unit/test_dump \
	tests/unit/test_dwarf \
	tests/unit/test_estimate \
	tests/unit/test_expression \
	tests/unit/test_family \
	tests/unit/test_fixtures \
	tests/unit/test_folded \
	tests/unit/test_frameless \
	tests/unit/test_futex \
	tests/unit/test_gate \
	tests/unit/test_generations \
	tests/unit/test_go_facts \
	tests/unit/test_gopclntab \
	tests/unit/test_goroutines \
	tests/unit/test_guess \
	tests/unit/test_heap_record \
	tests/unit/test_heap_windows \
	tests/unit/test_inlines \
	tests/unit/test_instruction \
	tests/unit/test_interval \
	tests/unit/test_jit \
	tests/unit/test_kernel_side \
	tests/unit/test_known_modules \
	tests/unit/test_known_threads \
	tests/unit/test_last_stack \
	tests/unit/test_legacy \
	tests/unit/test_listen \
	tests/unit/test_loader \
	tests/unit/test_locks \
	tests/unit/test_maps \
	tests/unit/test_options \
	tests/unit/test_options_target \
	tests/unit/test_otel_context \
	tests/unit/test_other_stack \
	tests/unit/test_patch \
	tests/unit/test_perf_map \
	tests/unit/test_perf_map_file \
	tests/unit/test_perf_maps \
	tests/unit/test_player \
	tests/unit/test_pprof \
	tests/unit/test_pressure \
	tests/unit/test_probe \
	tests/unit/test_probe_hostile \
	tests/unit/test_probe_modules \
	tests/unit/test_probe_refused \
	tests/unit/test_proc_stat \
	tests/unit/test_proc_status \
	tests/unit/test_profile \
	tests/unit/test_push_bodies \
	tests/unit/test_push_options \
	tests/unit/test_push_queue \
	tests/unit/test_quick \
	tests/unit/test_raw \
	tests/unit/test_regs \
	tests/unit/test_remote \
	tests/unit/test_remote_races \
	tests/unit/test_rules \
	tests/unit/test_samples \
	tests/unit/test_sandbox \
	tests/unit/test_sink \
	tests/unit/test_sockets \
	tests/unit/test_speedscope \
	tests/unit/test_stats \
	tests/unit/test_strings \
	tests/unit/test_stuck \
	tests/unit/test_sum \
	tests/unit/test_summary \
	tests/unit/test_symbolize \
	tests/unit/test_table \
	tests/unit/test_tally \
	tests/unit/test_text \
	tests/unit/test_threads \
	tests/unit/test_units \
	tests/unit/test_unwind \
	tests/unit/test_values \
	tests/unit/test_view_json \
	tests/unit/test_wait_kind \
	tests/unit/test_waits \
	tests/unit/test_wants \
	tests/unit/test_way_in \
	tests/unit/test_windows \
	tests/unit/test_wish \
	tests/unit/test_worker
if HAVE_CMOCKA
unit_tests_built = $(unit_tests)
endif
check_PROGRAMS = $(unit_tests_built) tests/legacy/legacy tests/names/names tests/pusher/pusher \
	tests/stepper/stepper tests/torn/torn
unit_libs = libcpprof.a $(ALL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_answers_LDADD = $(unit_libs)
tests_unit_test_assets_LDADD = $(unit_libs)
tests_unit_test_base_LDADD = $(unit_libs)
tests_unit_test_blob_LDADD = $(unit_libs) -lm
tests_unit_test_blob_limits_LDADD = $(unit_libs) -lm
tests_unit_test_budget_LDADD = $(unit_libs)
tests_unit_test_call_LDADD = $(unit_libs)
tests_unit_test_charge_LDADD = $(unit_libs)
tests_unit_test_clock_LDADD = $(unit_libs)
tests_unit_test_collection_LDADD = $(unit_libs)
tests_unit_test_compare_LDADD = $(unit_libs) -lm
tests_unit_test_conform_LDADD = $(unit_libs)
tests_unit_test_cpus_LDADD = $(unit_libs)
tests_unit_test_deadlock_LDADD = $(unit_libs)
tests_unit_test_debug_places_LDADD = $(unit_libs)
tests_unit_test_demangle_LDADD = $(unit_libs)
tests_unit_test_dump_LDADD = $(unit_libs)
tests_unit_test_dwarf_LDADD = $(unit_libs)
tests_unit_test_estimate_LDADD = $(unit_libs) -lm
tests_unit_test_expression_LDADD = $(unit_libs)
tests_unit_test_family_LDADD = $(unit_libs)
tests_unit_test_fixtures_LDADD = $(unit_libs)
tests_unit_test_folded_LDADD = $(unit_libs)
tests_unit_test_frameless_LDADD = $(unit_libs)
tests_unit_test_futex_LDADD = $(unit_libs)
tests_unit_test_gate_LDADD = $(unit_libs)
tests_unit_test_generations_LDADD = $(unit_libs)
tests_unit_test_go_facts_LDADD = $(unit_libs)
tests_unit_test_gopclntab_LDADD = $(unit_libs)
tests_unit_test_goroutines_LDADD = $(unit_libs)
tests_unit_test_guess_LDADD = $(unit_libs)
tests_unit_test_heap_record_LDADD = $(unit_libs) -lm
tests_unit_test_heap_windows_LDADD = $(unit_libs)
tests_unit_test_inlines_LDADD = $(unit_libs)
tests_unit_test_instruction_LDADD = $(unit_libs)
tests_unit_test_interval_LDADD = $(unit_libs)
tests_unit_test_jit_LDADD = $(unit_libs)
tests_unit_test_kernel_side_LDADD = $(unit_libs)
tests_unit_test_known_modules_LDADD = $(unit_libs)
tests_unit_test_known_threads_LDADD = $(unit_libs)
tests_unit_test_last_stack_LDADD = $(unit_libs)
tests_unit_test_legacy_LDADD = $(unit_libs)
tests_unit_test_listen_LDADD = $(unit_libs)
tests_unit_test_loader_LDADD = $(unit_libs)
tests_unit_test_locks_LDADD = $(unit_libs)
tests_unit_test_maps_LDADD = $(unit_libs)
tests_unit_test_options_LDADD = $(unit_libs)
tests_unit_test_options_target_LDADD = $(unit_libs)
tests_unit_test_otel_context_LDADD = $(unit_libs)
tests_unit_test_other_stack_LDADD = $(unit_libs)
tests_unit_test_patch_LDADD = $(unit_libs)
tests_unit_test_perf_map_LDADD = $(unit_libs)
tests_unit_test_perf_map_file_LDADD = $(unit_libs)
tests_unit_test_perf_maps_LDADD = $(unit_libs)
tests_unit_test_player_LDADD = $(unit_libs)
tests_unit_test_pprof_LDADD = $(unit_libs)
tests_unit_test_pressure_LDADD = $(unit_libs) -lm
tests_unit_test_probe_LDADD = $(unit_libs) -lm -ldl
tests_unit_test_probe_hostile_LDADD = $(unit_libs) -ldl
tests_unit_test_probe_modules_LDADD = $(unit_libs) -ldl
tests_unit_test_probe_refused_LDADD = $(unit_libs) -ldl
tests_unit_test_probe_refused_LDFLAGS = -Wl,--wrap=pwrite,--wrap=ptrace
tests_unit_test_proc_stat_LDADD = $(unit_libs)
tests_unit_test_proc_status_LDADD = $(unit_libs)
tests_unit_test_profile_LDADD = $(unit_libs)
tests_unit_test_push_bodies_LDADD = $(unit_libs)
tests_unit_test_push_options_LDADD = $(unit_libs)
tests_unit_test_push_queue_LDADD = $(unit_libs)
tests_unit_test_quick_LDADD = $(unit_libs)
tests_unit_test_raw_LDADD = $(unit_libs)
tests_unit_test_regs_LDADD = $(unit_libs)
tests_unit_test_remote_LDADD = $(unit_libs)
tests_unit_test_remote_races_LDADD = $(unit_libs)
tests_unit_test_rules_LDADD = $(unit_libs)
tests_unit_test_samples_LDADD = $(unit_libs)
tests_unit_test_sandbox_LDADD = $(unit_libs)
tests_unit_test_sink_LDADD = $(unit_libs)
tests_unit_test_sockets_LDADD = $(unit_libs)
tests_unit_test_speedscope_LDADD = $(unit_libs)
tests_unit_test_stats_LDADD = $(unit_libs)
tests_unit_test_strings_LDADD = $(unit_libs)
tests_unit_test_stuck_LDADD = $(unit_libs)
tests_unit_test_sum_LDADD = $(unit_libs)
tests_unit_test_summary_LDADD = $(unit_libs)
tests_unit_test_symbolize_LDADD = $(unit_libs)
tests_unit_test_symbolize_LDFLAGS = -Wl,--wrap=debug_info_open
tests_unit_test_table_LDADD = $(unit_libs)
tests_unit_test_tally_LDADD = $(unit_libs) -lm
tests_unit_test_text_LDADD = $(unit_libs)
tests_unit_test_threads_LDADD = $(unit_libs)
tests_unit_test_units_LDADD = $(unit_libs)
tests_unit_test_unwind_LDADD = $(unit_libs)
tests_unit_test_values_LDADD = $(unit_libs)
tests_unit_test_view_json_LDADD = $(unit_libs)
tests_unit_test_wait_kind_LDADD = $(unit_libs)
tests_unit_test_waits_LDADD = $(unit_libs)
tests_unit_test_wants_LDADD = $(unit_libs)
tests_unit_test_way_in_LDADD = $(unit_libs)
tests_unit_test_windows_LDADD = $(unit_libs)
tests_unit_test_wish_LDADD = $(unit_libs)
tests_unit_test_worker_LDADD = $(unit_libs)
tests_unit_test_worker_LDFLAGS = -Wl,--wrap=list_room

# --- texts and files of one profile, of addresses in itself ---
tests_legacy_legacy_LDADD = $(unit_libs)

# --- runs a program one instruction at a time ---
tests_names_names_SOURCES = tests/names/names.c
tests_names_names_LDADD = $(unit_libs)
tests_stepper_stepper_SOURCES = \
	tests/stepper/shadow.c tests/stepper/shadow.h \
	tests/stepper/stepper.c \
	tests/stepper/view.c tests/stepper/view.h

# --- pushes as session does ---
tests_pusher_pusher_SOURCES = tests/pusher/pusher.c
tests_pusher_pusher_LDADD = $(unit_libs)

# --- reads blocked threads and looks whether it is their stack ---
tests_torn_torn_SOURCES = tests/torn/torn.c
tests_torn_torn_LDADD = $(unit_libs)

# --- programs by many compilers: harness.sh, variants ---
clean-local:
	rm -rf tests/variants

# --- scripts ---
test_scripts = \
	tests/integration/altstacks.sh \
	tests/integration/bad_input.sh \
	tests/integration/blocked.sh \
	tests/integration/budget.sh \
	tests/integration/bursty.sh \
	tests/integration/calls.sh \
	tests/integration/compare.sh \
	tests/integration/contended.sh \
	tests/integration/debug_files.sh \
	tests/integration/debuginfod.sh \
	tests/integration/dlopen.sh \
	tests/integration/dump.sh \
	tests/integration/exec.sh \
	tests/integration/family.sh \
	tests/integration/faults.sh \
	tests/integration/gdb_compare.sh \
	tests/integration/golang.sh \
	tests/integration/goroutines.sh \
	tests/integration/heap.sh \
	tests/integration/heap_names.sh \
	tests/integration/heap_launch.sh \
	tests/integration/heap_real.sh \
	tests/integration/html.sh \
	tests/integration/idle.sh \
	tests/integration/jit.sh \
	tests/integration/kernel.sh \
	tests/integration/kernel_side.sh \
	tests/integration/kill.sh \
	tests/integration/launch.sh \
	tests/integration/legacy.sh \
	tests/integration/lines.sh \
	tests/integration/locked.sh \
	tests/integration/matrix.sh \
	tests/integration/push.sh \
	tests/integration/push_run.sh \
	tests/integration/push_service.sh \
	tests/integration/quota.sh \
	tests/integration/raw.sh \
	tests/integration/raw_many.sh \
	tests/integration/real_libc.sh \
	tests/integration/real_nginx.sh \
	tests/integration/real_postgres.sh \
	tests/integration/real_python.sh \
	tests/integration/real_redis.sh \
	tests/integration/real_xz.sh \
	tests/integration/reuse.sh \
	tests/integration/right_file.sh \
	tests/integration/rights.sh \
	tests/integration/rotate.sh \
	tests/integration/scale.sh \
	tests/integration/serve_contract.sh \
	tests/integration/serve_storm.sh \
	tests/integration/serve.sh \
	tests/integration/serve_counters.sh \
	tests/integration/serve_heap.sh \
	tests/integration/serve_life.sh \
	tests/integration/serve_page.sh \
	tests/integration/serve_threads.sh \
	tests/integration/serve_where.sh \
	tests/integration/named.sh \
	tests/integration/shares.sh \
	tests/integration/short_counts.sh \
	tests/integration/signals.sh \
	tests/integration/single_step.sh \
	tests/integration/speedscope.sh \
	tests/integration/starved.sh \
	tests/integration/strict.sh \
	tests/integration/summary.sh \
	tests/integration/threadcreate.sh \
	tests/integration/threadcreate_harm.sh \
	tests/integration/threads.sh \
	tests/integration/trapped.sh \
	tests/integration/usage.sh \
	tests/integration/waits.sh \
	tests/integration/wall.sh \
	tests/stress/probe.sh \
	tests/stress/scribbles.sh \
	tests/stress/storms.sh

# The source is the same for both builds.
if !SANITIZE
source_tests = tests/source_check.sh
endif
TESTS = $(unit_tests_built) $(source_tests) $(test_scripts)

# Those that measure no share of CPU time and no state of threads may run beside each other, the long
# ones first: quickstart asks for these lists.
tests_beside = tests/integration/usage.sh \
	tests/integration/kill.sh \
	tests/integration/faults.sh \
	tests/integration/bad_input.sh \
	tests/integration/blocked.sh \
	tests/integration/debug_files.sh \
	tests/integration/debuginfod.sh \
	tests/integration/dump.sh \
	tests/integration/gdb_compare.sh \
	tests/integration/goroutines.sh \
	tests/integration/heap.sh \
	tests/integration/heap_names.sh \
	tests/integration/heap_launch.sh \
	tests/integration/html.sh \
	tests/integration/kernel_side.sh \
	tests/integration/launch.sh \
	tests/integration/legacy.sh \
	tests/integration/lines.sh \
	tests/integration/locked.sh \
	tests/integration/push.sh \
	tests/integration/push_run.sh \
	tests/integration/push_service.sh \
	tests/integration/raw_many.sh \
	tests/integration/right_file.sh \
	tests/integration/rights.sh \
	tests/integration/serve_contract.sh \
	tests/integration/serve_heap.sh \
	tests/integration/serve_threads.sh \
	tests/integration/serve_where.sh \
	tests/integration/single_step.sh \
	tests/integration/speedscope.sh \
	tests/integration/threadcreate.sh \
	tests/integration/waits.sh \
	tests/stress/scribbles.sh \
	$(unit_tests_built) $(source_tests)
# Those that measure against the target's own account of its time, and so may go two at a time, each with a CPU.
tests_paired = tests/integration/altstacks.sh \
	tests/integration/dlopen.sh \
	tests/integration/family.sh \
	tests/integration/golang.sh \
	tests/integration/jit.sh \
	tests/integration/kernel.sh \
	tests/integration/raw.sh \
	tests/integration/real_libc.sh \
	tests/integration/real_nginx.sh \
	tests/integration/real_postgres.sh \
	tests/integration/real_python.sh \
	tests/integration/real_redis.sh \
	tests/integration/reuse.sh \
	tests/integration/rotate.sh \
	tests/integration/serve.sh \
	tests/integration/serve_counters.sh \
	tests/integration/serve_life.sh \
	tests/integration/named.sh \
	tests/integration/serve_page.sh \
	tests/integration/serve_storm.sh \
	tests/integration/signals.sh \
	tests/integration/strict.sh \
	tests/integration/threadcreate_harm.sh
.PHONY: print-tests-beside print-tests-paired print-tests-alone
print-tests-beside:
	@echo $(tests_beside)
print-tests-paired:
	@echo $(tests_paired)
print-tests-alone:
	@for t in $(TESTS); do case " $(tests_beside) $(tests_paired) " in *" $$t "*) ;; *) printf "%s " $$t ;; esac; done
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = CPPROF=$(abs_top_builddir)/cpprof-attach; export CPPROF; \
	TARGETS=$(abs_top_builddir)/tests/targets; export TARGETS;

fixture_names = aligned altstack chain20 leaf nocfi noreturn signal
EXTRA_DIST = $(test_scripts) $(target_names:%=tests/targets/%.c) \
	tests/fixtures/fixture.c \
	tests/fixtures/make.sh \
	tests/legacy/legacy.c \
	tests/lib/chains.py \
	tests/lib/chromium.py \
	tests/lib/dump_proof.py \
	tests/lib/faults.py \
	tests/lib/faults.sh \
	tests/lib/gdb_lines.py \
	tests/lib/gdb_stacks.py \
	tests/lib/gos.sh \
	tests/lib/harness.sh \
	tests/lib/heap_places.py \
	tests/lib/heap.sh \
	tests/lib/heap_real.py \
	tests/lib/html_check.py \
	tests/lib/html_server.py \
	tests/lib/http_client.py \
	tests/lib/http_contract.py \
	tests/lib/http_forms.py \
	tests/lib/http_storm.py \
	tests/lib/legacy_proof.py \
	tests/lib/prometheus_text.py \
	tests/lib/process_state.py \
	tests/lib/proof.py \
	tests/lib/push_run.py \
	tests/lib/push_run.sh \
	tests/lib/push_server.py \
	tests/lib/serve.sh \
	tests/lib/serve_counters.py \
	tests/lib/serve_cpu.py \
	tests/lib/serve_heap.py \
	tests/lib/serve_life.py \
	tests/lib/serve_page.py \
	tests/lib/serve_threads.py \
	tests/lib/served.py \
	tests/lib/zstd_sections.py \
	tests/matrix/chain.py \
	tests/matrix/check.py \
	tests/names/compare.py \
	tests/names/inlined.cc \
	tests/names/part.cc \
	tests/source_check.sh \
	tests/stress/faults.sh \
	tests/targets/allocators.c \
	tests/targets/begins.cc \
	tests/targets/blocked.c \
	tests/targets/alloc_storm.h \
	tests/targets/calls.h \
	tests/targets/cgo.go \
	tests/targets/chain.go \
	tests/targets/chains.h \
	tests/targets/churn.go \
	tests/targets/contended.go \
	tests/targets/creates.cc \
	tests/targets/creates.go \
	tests/targets/creates.rs \
	tests/targets/dl_part.c \
	tests/targets/go_pprof/main.go \
	tests/targets/goroutines.go \
	tests/targets/locked.cc \
	tests/targets/locked.rs \
	tests/targets/locks.h \
	tests/targets/rests.go \
	tests/targets/shapes.h \
	tests/targets/stacks.go \
	tests/targets/target.h \
	tests/targets/throws.cc \
	tests/targets/twins.c \
	tests/targets/variants.mk \
	tests/targets/walks.c \
	tests/targets/walks.cc \
	tests/targets/wander.c \
	tests/targets/woken.h \
	tests/unit/elf_fixture.h \
	tests/unit/blob_fixture.h \
	tests/unit/options_fixture.h \
	tests/unit/pprof_fixture.h \
	tests/unit/probe_fixture.h \
	tests/unit/probe_process.h \
	tests/unit/profile_fixture.h \
	tests/unit/prologues.h \
	tests/unit/prologues_allocators.h \
	tests/unit/prologues_libc.h \
	tests/unit/raw_fixture.h \
	tests/unit/windows_fixture.h \
	tests/unit/written.h \
	$(fixture_names:%=tests/fixtures/%.elf) $(fixture_names:%=tests/fixtures/%.raw)
