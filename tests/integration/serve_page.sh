#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The page that -http serves, in a browser: it takes profiles, shows all threads, ends what is cancelled,
# and asks nothing but its server, below the token's address.
. "$(dirname "$0")/../lib/harness.sh"
need python3 chromium
. "$LIB/serve.sh"

start_target shares
shares=$TARGET
start_target idle 0 5 1
echo "a-secret-of-some-length" >"$WORK/token"
chmod 600 "$WORK/token"
serve "page" -p "$shares,$TARGET" -hz 200 -http 127.0.0.1:0 -http-token "$WORK/token"
judge serve_page.py page "${URL%/a-secret-of-some-length}/a-secret-of-some-length" "$shares" "$TARGET"
end_of_server "page" 0
finish
