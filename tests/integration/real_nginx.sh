#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The distribution's nginx: found by name or through its master, each worker's CPU under its own pid;
# a reload in the window brings new workers, which are found as they appear.
. "$(dirname "$0")/../lib/harness.sh"
need python3 nginx ab
port=$((20000 + $$ % 20000))
mkdir "$WORK/www"
chmod 755 "$WORK" "$WORK/www"
head -c 20000 /dev/zero | tr '\0' x >"$WORK/www/index.html"
cat >"$WORK/nginx.conf" <<END
daemon off;
worker_processes 2;
pid $WORK/nginx.pid;
error_log $WORK/error.log;
events { worker_connections 256; }
http {
	access_log off;
	gzip on; gzip_comp_level 6; gzip_types text/html;
	server { listen 127.0.0.1:$port; root $WORK/www; }
}
END
nginx -c "$WORK/nginx.conf" 2>"$WORK/nginx.out" &
master=$!
started+=("$master")
for ((i = 0; i < 200; i++)); do
	ab -q -n 1 "http://127.0.0.1:$port/" >/dev/null 2>&1 && break
	sleep 0.05
done
load() { ab -q -t "$1" -n 10000000 -c 8 -H "Accept-Encoding: gzip" "http://127.0.0.1:$port/" >"$WORK/ab.out" 2>&1; }

load 6 &
ab=$!
started+=("$ab")
sleep 0.5
before=$(cpu_of $master)
workers=$(cat /proc/$master/task/$master/children)
profile_ok "master and workers" -p $master -children -seconds 3 -hz 200 -profile cpu -o "$WORK/n.pb.gz"
check "profile is sane" proof sane "$WORK/n.pb.gz"
check_complete "$WORK/n.pb.gz" 0.97
check_go_pprof "$WORK/n.pb.gz"
check_equal "pids of the samples are the workers'" 0 \
	"$(proof pids "$WORK/n.pb.gz" | cut -d' ' -f1 | grep -v None | grep -cvwE "$(echo $workers $master | tr ' ' '|')")"
check_number "work of nginx" "$(proof cum "$WORK/n.pb.gz" '[nginx]') + $(proof cum "$WORK/n.pb.gz" deflate) > 0.2"
wait $ab

# A reload: the old workers end, new ones are born.
load 5 &
ab=$!
started+=("$ab")
(sleep 1; kill -HUP $master) &
profile_ok "a reload in the window" -p $master -children -seconds 4 -hz 200 -profile cpu -o "$WORK/r.pb.gz"
wait $ab
sed -n '/^CPU/,/^stops/p' "$WORK/run.err" | sed 's/^/    /'
new=$(cat /proc/$master/task/$master/children)
check_equal "other workers than before" 0 "$(echo $workers | tr ' ' '\n' | grep -cxE "$(echo $new | tr ' ' '|')")"
check_number "new ones sampled" "$(proof pids "$WORK/r.pb.gz" | cut -d' ' -f1 | grep -cxE "$(echo $new | tr ' ' '|')") >= 1"
check "profile is sane" proof sane "$WORK/r.pb.gz"

# By name: this one's among them (another nginx may run on the machine).
profile_ok "by name" -name nginx -profile threads -o "$WORK/t.pb.gz"
check_number "by name: master and workers" \
	"$(proof pids "$WORK/t.pb.gz" | cut -d' ' -f1 | grep -cxE "$(echo $master $new | tr ' ' '|')") == 3"
check_unharmed $master "afterwards" && pass "nginx: unharmed"
check_number "its clients saw no failure" "$(awk '/Failed requests/ { print $3 }' "$WORK/ab.out") == 0"
kill -QUIT $master
wait $master
check_equal "ends well" 0 $?
finish
