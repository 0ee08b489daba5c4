# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For scripts that use Go itself: sets GOS, each go on this machine with another version, that of PATH
# first, and what all need in the environment.
GOS=()
export GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)} # newer ones build their tools there, once
[ "${GOCACHE:-off}" != off ] || GOCACHE=$WORK/cache
export GO111MODULE=off GOTOOLCHAIN=local PPROF_TMPDIR=$WORK PPROF_BINARY_PATH=/nonexistent

find_gos()
{
	local go version versions=

	for go in "$(command -v go)" /usr/bin/go /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
		version=$("$go" version 2>/dev/null | awk '{ print $3 }')
		[ "$version" ] && [[ " $versions " != *" $version "* ]] || continue
		versions+=" $version"
		GOS+=("$go")
	done
}
find_gos

go_version() { "$1" version | awk '{ print $3 }'; }	# GO
