# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For scripts that test -http: starts servers, ours and Go's own, and asks them by the real pprof.
. "$LIB/gos.sh"

servers_started=0

# url_of FILE PID: the server's address, when it has said that it serves.
url_of()
{
	local i url

	for ((i = 0; i < 1500; i++)); do
		url=$(sed -n 's/^.*serving \([^ ]*[^/ ]\).*$/\1/p' "$1" 2>/dev/null | head -1)
		[ "$url" ] && echo "$url" && return
		kill -0 "$2" 2>/dev/null || break
		sleep 0.02
	done
	return 1
}

# serve WHAT ARG...: sets SERVER (pid), SERVER_OUT and URL, which has no slash at its end.
serve()
{
	local what=$1

	shift
	SERVER_OUT=$WORK/server.$((servers_started++)).err
	"$CPPROF" "$@" >"$SERVER_OUT.out" 2>"$SERVER_OUT" </dev/null &
	SERVER=$!
	started+=("$SERVER")
	URL=$(url_of "$SERVER_OUT" "$SERVER") && return
	fail "$what: does not serve: $(head -3 "$SERVER_OUT")"
	finish
}

# stop_server WHAT: it ends well when it is asked to, and has nothing to report.
stop_server()
{
	stop_target "$SERVER"
	check_equal "$1: exit" 0 $?
	cp "$SERVER_OUT" "$WORK/run.err"
	check_no_report
}

# end_of_server WHAT STATUS: it ends by itself, as it should, and has nothing to report.
end_of_server()
{
	local TARGET=$SERVER

	end_of_target "$1, the server" "$2"
	cp "$SERVER_OUT" "$WORK/run.err"
	check_no_report
}

# judge SCRIPT ARG...: of tests/lib; it prints "pass: ..." or "FAIL: ..." for each check.
judge()
{
	start_judge "$@"
	end_judges
}

# start_judge: the same, beside others that were started; end_judges waits for all and counts.
judges=()
start_judge()
{
	python3 "$LIB/$1" "${@:2}" >"$WORK/judge.${#judges[@]}" 2>&1 &
	judges+=("$!:$1 $2")
	started+=("$!")
}

end_judges()
{
	local i status

	for ((i = 0; i < ${#judges[@]}; i++)); do
		wait "${judges[i]%%:*}"
		status=$?
		((status == 0)) || grep -q '^FAIL' "$WORK/judge.$i" || fail "${judges[i]#*:}: broke off"
		relay "$WORK/judge.$i"
	done
	judges=()
}

# start_go_pprof [GO]: Go's own server, as TARGET, and URL.
start_go_pprof()
{
	local go=${1:-go} program

	program=$WORK/go_pprof.$(go_version "$go")
	if ! [ -x "$program" ] && ! "$go" build -o "$program" "$LIB/../targets/go_pprof/main.go" >"$WORK/build.out" 2>&1; then
		fail "build go_pprof: $(head -3 "$WORK/build.out")"
		finish
	fi
	# Not the rules of older versions of Go, which a program without a go.mod has.
	GODEBUG=httpmuxgo121=0 start_command "$program"
	disown "$TARGET" # its end is no news
	URL=$(url_of "$TARGET_OUT" "$TARGET") || { fail "go_pprof does not serve"; finish; }
}

no_complaint="Fetching profile|Saved profile|Please wait|Main binary filename not available|Local symbolization failed"
no_complaint+="|Some binary filenames|Try setting PPROF"

# pprof_url WHAT TYPES NAME ARG...: pprof reads it without a complaint, it has these sample types and,
# unless NAME is "", a frame of that name. In the folder $1.out, so several may run at once.
pprof_url()
{
	local what=$1 types=$2 name=$3 out

	shift 3
	out=$(mktemp "$WORK/url.XXXXXX")
	if ! PPROF_TMPDIR=$out.saved "$GO" tool pprof -raw "$@" >"$out" 2>"$out.err"; then
		echo "FAIL $what: $(tail -2 "$out.err" | tr '\n' ' ')"
	elif grep -viE "^($no_complaint)" "$out.err" >"$out.said"; then
		echo "FAIL $what: says $(head -2 "$out.said")"
	elif [ "$(awk '/^Samples:/ { getline; print; exit }' "$out" | sed 's/\[dflt\]//g; s/ *$//')" != "$types" ]; then
		echo "FAIL $what: types $(awk '/^Samples:/ { getline; print; exit }' "$out")"
	elif [ "$name" ] && ! grep -qE "^ +([0-9]+: 0x[0-9a-f]+ M=[0-9]+ )?$name " "$out"; then
		echo "FAIL $what: no $name in $(sed -n '/^Locations/,$p' "$out" | sed -n 2,4p | tr '\n' '|')"
	else
		echo "pass $what"
	fi
}

# pprof_urls URL NAME SNAPSHOT...: all forms of addresses that pprof takes. NAME: a function that CPU
# time is spent in. SNAPSHOT: PROFILE=NAME, a frame of each that has one.
pprof_urls()
{
	local url=$1 name=$2 pair profile types cpu="samples/count cpu/nanoseconds" n=0

	shift 2
	rm -f "$WORK"/urls.*
	pprof_url "host and port" "$cpu" "$name" -seconds 1 "${url#http://}" >"$WORK/urls.cpu.1" &
	if_one_window
	pprof_url "http://host:port" "$cpu" "$name" -seconds 1 "$url" >"$WORK/urls.cpu.2" &
	if_one_window
	pprof_url "profile?seconds=1" "$cpu" "$name" "$url/debug/pprof/profile?seconds=1" >"$WORK/urls.cpu.3" &
	for pair; do
		profile=${pair%%=*} name=${pair#*=} n=$((n + 1))
		case $profile in
		block | mutex) types="contentions/count delay/nanoseconds" ;;
		heap | allocs) types="alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes" ;;
		*) types="${profile%s}/count" ;;
		esac
		{
			pprof_url "$profile" "$types" "$name" "$url/debug/pprof/$profile"
			pprof_url "$profile?debug=1" "$types" "$name" "$url/debug/pprof/$profile?debug=1"
			# Only the server's symbol has the names then.
			pprof_url "$profile?debug=1 and symbol" "$types" "$name" -symbolize=remote "$url/debug/pprof/$profile?debug=1"
		} >"$WORK/urls.$n" &
	done
	wait_for_urls
}

# Go has one window at a time.
if_one_window()
{
	[ "${AGAINST:-}" != go ] || wait $!
}

wait_for_urls()
{
	local line version

	version=$(go_version "$GO")
	# shellcheck disable=SC2046
	wait $(jobs -p | grep -vxF "$(printf '%s\n' "${started[@]}")")
	while read -r line; do
		if [ "${line%% *}" = pass ]; then
			pass "$version: ${line#* }"
		else
			fail "$version: ${line#* }"
		fi
	done < <(cat "$WORK"/urls.*)
}
