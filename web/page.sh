#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# page.sh SCRIPT...: web/view.html with the style and the scripts in it, on standard output; run in
# the folder above. In view.html the lines @STYLE@ and @SCRIPT@ stand for the content of their
# elements, @STYLE_HASH@ and @SCRIPT_HASH@ for the hashes by which a browser knows them.
set -eu

# hash_of: of standard input, as a Content-Security-Policy has it: SHA-256 in base 64
hash_of()
{
	sha256sum | awk '{
		hex = "0123456789abcdef"
		set = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		for (i = 1; i <= 64; i += 3) {
			n = 0
			for (k = 0; k < 3; k++)
				n = n * 16 + (i + k <= 64 ? index(hex, substr($1, i + k, 1)) - 1 : 0)
			out = out substr(set, int(n / 64) + 1, 1) substr(set, n % 64 + 1, 1)
		}
		print "sha256-" substr(out, 1, 43) "="
	}'
}

# A script is one function of its own: no name in it is seen from outside.
script()
{
	echo
	echo '"use strict";'
	echo '(() => {'
	cat "$@"
	echo '})();'
}

style()
{
	echo
	cat web/view.css
}

style_hash=$(style | hash_of)
script_hash=$(script "$@" | hash_of)
sed "s|@STYLE_HASH@|$style_hash|; s|@SCRIPT_HASH@|$script_hash|" web/view.html | while IFS= read -r line; do
	case $line in
	'<style>@STYLE@</style>')
		printf '<style>'
		style
		echo '</style>'
		;;
	'<script>@SCRIPT@</script>')
		printf '<script>'
		script "$@"
		echo '</script>'
		;;
	*) printf '%s\n' "$line" ;;
	esac
done
