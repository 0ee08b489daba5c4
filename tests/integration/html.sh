#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The page of a profile, in a browser: its figures are those of the pprof file of the same recording,
# all of it works by mouse and by keyboard, a hostile name is a name; and the page as a server has it.
# That is Chromium; where there is a Firefox, the page is drawn by it as well.
. "$(dirname "$0")/../lib/harness.sh"
. "$LIB/serve.sh"
need python3 chromium gcc

# A function that would like to be more than that.
hostile='</script><script>window.owned=1</script><img src=x onerror=window.owned=1>'
printf %s "$hostile" >"$WORK/hostile.name"
cat >"$WORK/hostile.c" <<END
#include <stdio.h>
void evil(void) __asm__("\"$hostile\"");
void __attribute__((noinline)) evil(void)
{
	for (volatile long i = 0; i < 1000000; i++)
		;
}
int main(void)
{
	puts("ready ");
	fflush(stdout);
	for (;;)
		evil();
}
END
gcc -O1 -o "$WORK/hostile" "$WORK/hostile.c" || skip_all "no symbol may be named like this here"

# record NAME KIND ENDING...: what runs as the target, as a page and in the formats that it is held to.
record()
{
	local name=$1 kind=$2 ending

	shift 2
	profile_ok "$name: recording" -p "$TARGET" -seconds 1 -hz 200 -profile "$kind" -save-raw "$WORK/$name.raw" \
		-o "$WORK/$name.html" || finish
	stop_target
	for ending; do
		profile_ok "$name: $ending" -replay "$WORK/$name.raw" -profile "$kind" -o "$WORK/$name.$ending"
	done
}
start_target shares
record cpu cpu pb.gz txt
start_target states
record wall wall pb.gz
start_command "$WORK/hostile"
record hostile cpu
start_target deadlock
sleep 0.5
profile_ok "dump" -p "$TARGET" -dump -format json -o "$WORK/dump.json"
check_equal "mode of a page" 600 "$(stat -c %a "$WORK/cpu.html")"

judge html_check.py "$WORK"
firefox=$(command -v firefox-esr || command -v firefox)
if [ "$firefox" ]; then
	mkdir "$WORK/firefox"
	# It takes its picture once the page is loaded, on a busy machine before a frame of it is drawn.
	for _ in 1 2 3; do
		HOME=$WORK/firefox timeout -k 5 60 "$firefox" --headless --profile "$WORK/firefox" --window-size=1280,900 \
			--screenshot "$WORK/firefox.png" "file://$WORK/cpu.html" >"$WORK/firefox.out" 2>&1
		status=$?
		python3 "$LIB/screenshot.py" "$WORK/firefox.png" "$WORK/cpu.pb.gz" >"$WORK/firefox.seen" 2>&1 && break
	done
	check_equal "firefox: exit" 0 $status
	check "firefox: frames are drawn" python3 "$LIB/screenshot.py" "$WORK/firefox.png" "$WORK/cpu.pb.gz"
else
	skip "firefox: not installed"
fi
check_refused "-dump -format html" "-open" "-open -format folded"

# -open: what is run with the page, as a program of its own session that outlives us.
stop_target
cat >"$WORK/browser" <<'END'
#!/bin/sh
echo "$1" >"$0.page"
[ "$(awk '{ print $6 }' /proc/$$/stat)" = $$ ] && echo own >"$0.session"
grep CapEff /proc/$$/status >"$0.rights"
END
chmod +x "$WORK/browser"
shown() { profile "$@" -replay "$WORK/cpu.raw" -profile cpu -o "$WORK/-shown.html" -open; }
BROWSER=nobody-has-this:$WORK/browser shown
check_equal "-open: exit" 0 "$STATUS"
check_equal "-open: the page" "$(realpath "$WORK/-shown.html")" "$(cat "$WORK/browser.page")"
check_equal "-open: in a session of its own" own "$(cat "$WORK/browser.session")"
check_equal "-open: without capabilities" 0000000000000000 "$(awk '{ print $2 }' "$WORK/browser.rights")"
mkdir "$WORK/empty"
BROWSER='' PATH=$WORK/empty "$CPPROF" -replay "$WORK/cpu.raw" -profile cpu -o "$WORK/again.html" -open >/dev/null 2>"$WORK/run.err"
check_equal "no browser: exit" 0 $?
check_equal "no browser: said once" 1 "$(grep -c "there is no xdg-open, and BROWSER names no program; the page is $WORK/again.html" "$WORK/run.err")"
finish
