#!/bin/sh
# Builds the library. The one place that knows how; the Makefile and setup.py
# call it.
#
#   capi/build.sh OUT [TAGS]
#
# OUT is the file to write: an archive when its name ends in .a, else the shared
# library. TAGS are Go build tags; pgqrs_testing adds the
# functions that crash on purpose. Linux with glibc and a GNU-compatible linker
# only: the exports are limited by a version script, which other platforms'
# linkers do not take.
set -eu

out=${1:?usage: capi/build.sh OUT [TAGS]}
tags=${2:-}
case $out in /*) ;; *) out=$PWD/$out ;; esac
capi=$(cd "$(dirname "$0")" && pwd)

[ "$(uname -s)" = Linux ] || { echo "build.sh: only Linux is supported" >&2; exit 1; }

map=$capi/pgqrs.map
case ",$tags," in *,pgqrs_testing,*) map=$capi/pgqrs_testing.map ;; esac
# The linker's flags are split at blanks and quotes: lend it a plain path.
case $map in *[!A-Za-z0-9/._-]*)
    plain=$(mktemp /tmp/pgqrs-map.XXXXXX)
    trap 'rm -f "$plain"' EXIT
    cp "$map" "$plain"
    map=$plain
    ;;
esac

# asyncpreemptoff: our Go runtime leaves SIGURG to the host (guard.c). The linker
# variable is the only way to set it, and the last -X of it wins.
mkdir -p "$(dirname "$out")"
rm -f "$out" # processes that have it loaded keep theirs, and the map is read anew
cd "$capi/.."
mode=c-shared
ldflags="-s -w -X=runtime.godebugDefault=asyncpreemptoff=1"
case $out in
*.a) mode=c-archive ;;
*) ldflags="$ldflags -extldflags '-Wl,--version-script=$map,-soname,libpgqrs.so.1'" ;;
esac
CGO_ENABLED=1 ${GO:-go} build -buildmode=$mode -trimpath -buildvcs=false -tags "$tags" -ldflags "$ldflags" -o "$out" ./capi

# cgo writes a header of its own beside the library; include/pgqrs.h is ours.
rm -f "${out%.*}.h"
