#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The source keeps its own rules: who may call what, who may include whom, sizes, format.
set -u
shopt -s lastpipe
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0

# nothing WHAT: passes when standard input is empty, else shows it
nothing()
{
	local found

	found=$(cat)
	if [ -z "$found" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL: %s\n%s\n' "$1" "$(head -20 <<<"$found" | sed 's/^/    /')"
	fi
}

# What protoc writes and the page are there when the build is in the source folder.
mapfile -t sources < <(ls agent/*.[ch] agent/probe/*.[ch] agent/push/*.[ch] agent/serve/*.[ch] agent/tracer/*.[ch] base/*.[ch] output/*.[ch] symbolize/*.[ch] unwind/*.[ch] 2>/dev/null |
	grep -vE "\.pb-c\.|^output/html_page\.c")
web=(web/*.js web/*.css web/*.html web/*.sh)
all=("${sources[@]}" tests/{unit,targets,stepper}/*.[ch] tests/{torn,pusher,legacy,names,fixtures}/*.c tests/targets/*.cc
	tests/names/*.cc bench/*.c bench/*.cc)
[ ${#sources[@]} -gt 50 ] || { echo "FAIL: sources not found"; exit 1; }

# only WHAT CALL-PATTERN FILE...: these files make such calls, all of them, and no other one does
only()
{
	local what=$1 calls file

	calls=$(grep -nE "(^|[^_a-zA-Z0-9.>])($2)" "${sources[@]}" | grep -vE ':[[:blank:]]*(/?\*|//)')
	shift 2
	{
		grep -vE "^($(IFS='|'; echo "$*")):" <<<"$calls"
		for file; do grep -q "^$file:" <<<"$calls" || echo "$file: has no such call, and need not be named"; done
	} | nothing "$what"
}

# A single stop, staying attached, and all threads at once for the allocation probe: three state
# machines that have no state in common.
only "ptrace only in tracee.c, attached.c, remote.c and remote_call.c" 'ptrace\(' \
	agent/tracer/{tracee,attached}.c agent/probe/remote{,_call}.c
only "wait calls only where a process of ours or a tracee is ended: its end is taken there" '(waitpid|wait4|waitid)\(' \
	agent/tracer/{tracee,attached}.c agent/probe/remote.c agent/{supervisor,launch,browser,debuginfod}.c agent/push/pusher.c
only "files are opened by name only where that is the job" '(fopen|open|openat|openat2|opendir|creat)\(' \
	output/{sink,unpack}.c agent/{player,player_files,browser,debuginfod}.c agent/push/authorization.c agent/serve/{assets,gate}.c \
	agent/probe/{filters,remote,probe,probe_jumps,probe_left,probe_region}.c \
	agent/tracer/{cpus,family,proc_file,target,module_file,roots,threads,watcher}.c
only "files of /proc by name: in the privileged process" 'proc_file_(open|read)\(AT_FDCWD,' \
	agent/tracer/{target,file_locks,proc_stat,proc_status}.c \
	agent/probe/{probe_left,remote,place}.c
only "no shell, no exec but of the command, of debuginfod-find and of the browser, no unbounded string functions" \
	'(system|popen|execve|execvp|execlp|execl|strcat|sprintf|gets)\(' agent/{launch,debuginfod,browser}.c
grep -lE '#include <(elfutils/|libelf|gelf|dwarf)' "${sources[@]}" | grep -vE '^(unwind|symbolize)/' |
	nothing "libelf and libdw only in unwind/ and symbolize/"

# agent -> output -> base, unwind -> symbolize -> base; types.h and message.h are everyone's.
includes() # FOLDER ALLOWED
{
	grep -nE '#include "' $1/*.[ch] | grep -vE '"(config\.h|output/types\.h|(output/profile|agent/push/push)\.pb-c\.h)"' |
		grep -vE "\"($2)/"
}
includes base 'base' | nothing "base/ includes base/ only"
includes output 'output|base' | nothing "output/ includes output/ and base/"
includes symbolize 'symbolize|base' | nothing "symbolize/ includes symbolize/ and base/"
includes unwind 'unwind|symbolize|base' | nothing "unwind/ includes symbolize/ and base/"
includes agent/probe 'agent/probe|agent/tracer|base' | nothing "agent/probe/ includes agent/tracer/ and base/"
includes agent/push 'agent|output|base' | nothing "agent/push/ is a part of agent/"
includes agent/serve 'agent|output|base' | nothing "agent/serve/ is a part of agent/"
includes agent/tracer 'agent/tracer|agent/probe|base' | nothing "agent/tracer/ includes agent/probe/ and base/"

# The page: what comes from the target is text and nothing else, and nothing comes from elsewhere.
grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|eval\(|new Function\(|setTimeout\("' \
	"${web[@]}" | nothing "no markup made of text in web/"
grep -nE 'https?://|[^:]//[a-z]+\.[a-z]' web/view.html web/view.css web/*.js | nothing "no address of another machine in web/"
for f in "${web[@]}"; do grep -qw "$(basename "$f")" Makefile.am || echo "$f"; done | nothing "all of web/ is in the build"

wc -l "${all[@]}" "${web[@]}" | awk '$2 != "total" && $1 > 500' | nothing "no file over 500 lines"
awk 'FNR == 1 { open = 0 }
	/^[a-zA-Z].*[^;,]$/ && !/^(struct|enum|static const|union|#|typedef).*[={]$/ { name = $0 }
	/^{/ { open = FNR }
	/^}/ && open { if (FNR - open + 1 > 82) print FILENAME ":" open ": " FNR - open + 1 " lines: " name; open = 0 }' \
	"${all[@]}" | nothing "no function over 80 lines"
for f in "${all[@]}" "${web[@]}"; do head -2 "$f" | grep -q SPDX-License-Identifier || echo "$f"; done |
	nothing "every file names its licence"
grep -nE '[ 	]+$' "${all[@]}" "${web[@]}" | nothing "no trailing blanks"
for f in tests/unit/*.c; do
	grep -q "$(basename "$f" .c)" tests/local.mk || echo "$f"
done | nothing "every unit test is in the build"
for f in "${sources[@]}"; do grep -q "$f" Makefile.am || echo "$f"; done |
	nothing "every source file is in the build"
for f in "${sources[@]}"; do
	[[ $f == *.h ]] || grep -F "| \`$(dirname "$f")/\` |" HACKING.md | grep -qw "$(basename "$f" .c)" || echo "$f"
done | nothing "HACKING.md's table names every source file"

if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14'; then
	for f in "${all[@]}"; do clang-format "$f" | cmp -s - "$f" || echo "$f: run clang-format -i"; done |
		nothing "format"
else
	echo "skip: format: clang-format 14 is not here"
fi
echo "source: $passed passed, $failed failed"
[ "$failed" = 0 ]
