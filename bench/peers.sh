#!/bin/bash
# peers.sh - the benchmarks natively, under Vellum in both ways, and under what else runs x86-64 Linux programs here.
#
#   ./peers.sh VELLUM [-n ROUNDS] [-b REGEX] [-o RAW.tsv] ...     options: run.sh's
#
# Installs nothing: what is missing is said, and has no column. CPU time, three rounds and none to warm up unless
# said otherwise; the interpreter does a fifth of the iterations. About ten minutes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
vellum=${1:?peers.sh VELLUM [OPTION...]}
shift

engines=("jit::$vellum run --engine=jit" "interp@0.2::$vellum run --engine=interp")
# find_engine LABEL COMMAND [ARGS...]
find_engine() {
  if command -v "$2" >/dev/null; then
    engines+=("$1::${*:2}")
    echo "$1: $("$2" --version 2>&1 | head -n 1)" >&2
  else
    return 1
  fi
}
find_engine qemu qemu-x86_64 || find_engine qemu qemu-x86_64-static ||
  echo "no qemu-x86_64 here (Debian: qemu-user or qemu-user-static): it has no column" >&2
find_engine valgrind valgrind --tool=none ||
  echo "no valgrind here (Debian: valgrind): it has no column" >&2
exec "$here/run.sh" -c -m -n 3 -w 0 "$@" "${engines[@]}"
