#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Load every hostile archive with $MYBOX (default: mybox in PATH); prints TAP.  Needs root.
#   tests/hostile/archives.sh [-k WORD]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP extraction needs root"
	exit 0
fi
top=$(mktemp -d /tmp/mybox-hostile-XXXXXX)
trap 'rm -rf "$top"' EXIT
if [ "${1-}" = -k ]; then
	set -- -k "$2"
else
	set --
fi
# shellcheck disable=SC2086
python3 "$here/archives.py" run "$@" "$top" ${MYBOX:-mybox}
