# whole.sh - the group "whole" of run.sh, which reads it: programs as the host has them, and their input.
# Input is made once, from nothing but awk, so that it is the same everywhere. $work is run.sh's folder.
# shellcheck shell=bash disable=SC2154,SC2034

whole_names=()
command -v busybox >/dev/null && whole_names+=(busybox_sha256sum busybox_gzip busybox_sort)
command -v bash >/dev/null && whole_names+=(bash_loop bash_forks)

# Prints the path of the file of $1 lines, made now if need be: words and numbers, no two lines alike.
lines_file() {
  local file=$work/lines.$1
  [ -e "$file" ] || awk -v n="$1" 'BEGIN {
    for (x = 1; n-- > 0; ) {
      x = (x * 69069 + 12345) % 4294967296
      printf "%d %s line %d of text, %x\n", x % 1000003, substr("magenta cyan ochre umber", x % 17 + 1, 6), n, x
    }
  }' >"$file"
  echo "$file"
}

# Sets run_one's program for benchmark $1 at scale $2.
whole_command() {
  count() { awk "BEGIN { n = int($1 * $2); print (n > 1 ? n : 1) }"; }
  local shell
  case $1 in
    busybox_sha256sum) program=("$(command -v busybox)" sha256sum "$(lines_file "$(count 1200000 "$2")")") ;;
    busybox_gzip) program=("$(command -v busybox)" gzip -c "$(lines_file "$(count 350000 "$2")")") ;;
    busybox_sort) program=("$(command -v busybox)" sort "$(lines_file "$(count 500000 "$2")")") ;;
    bash_loop) shell="for ((i = 0, x = 1; i < $(count 200000 "$2"); i++)); do x=\$((x * 3 + i)); done; echo \$x" ;;
    bash_forks) shell="for ((i = 0; i < $(count 200 "$2"); i++)); do x=\$(echo \$i); done; echo \$x" ;;
  esac
  [ -z "${shell:-}" ] || program=("$(command -v bash)" -c "$shell")
}
