#!/bin/bash
# run.sh - times the benchmarks under several engines and prints Markdown.
#
#   ./run.sh [-c] [-n ROUNDS] [-t SECONDS] [-b REGEX] [-o RAW.tsv] ENGINE...
#   ./run.sh [-c] -r RAW.tsv
#
#   ENGINE      'native', or the command a benchmark is put after, such as
#               'qemu-x86_64' or '/path/vellum run'; LABEL::COMMAND names it
#               in the tables ('native' is always run, for the reference)
#   -n ROUNDS   counted rounds (5); each round runs every engine in turn, so
#               that ratios are between neighbours in time
#   -t SECONDS  limit for one run (60); a run past it is a FAIL
#   -b REGEX    only benchmarks whose group/name matches, e.g. '^mm/' 'nbody'
#   -c          whole-process tables from CPU time (user + system, children
#               too) and not wall time: steadier where others use the machine
#   -o RAW.tsv  keep every run's figures there, as they come
#   -r RAW.tsv  run nothing; print the tables of such a file
#   SCALE=F     in the environment: multiplies every iteration count
#   O=DIR       in the environment: where make put the programs (build/)
#
# A run counts only if it exits 0 and prints the same "checksum" lines as
# native; otherwise the table says FAIL and why, and gives no time.
# Ratios are medians of each round's engine/native.  Build first: make.

set -u
here=$(cd "$(dirname "$0")" && pwd)
built=${O:-$here/build}
rounds=5 limit=60 filter=. raw= replay= clock=wall
while getopts cn:t:b:o:r: option; do
  case $option in
    c) clock=cpu ;;
    n) rounds=$OPTARG ;;
    t) limit=$OPTARG ;;
    b) filter=$OPTARG ;;
    o) raw=$OPTARG ;;
    r) replay=$OPTARG ;;
    *) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))

labels=(native) commands=("")
for engine; do
  [ "$engine" = native ] && continue
  case $engine in
    *::*) labels+=("${engine%%::*}") commands+=("${engine#*::}") ;;
    *) labels+=("$engine") commands+=("$engine") ;;
  esac
done

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if [ -n "$replay" ]; then
  figures=$replay
else
  figures=${raw:-$work/figures}
  : >"$figures" || exit 1
fi

# Runs one benchmark under one engine and appends its figures.
#   run_one GROUP NAME ENGINE_NUMBER ROUND
run_one() {
  local group=$1 name=$2 number=$3 round=$4 status verdict=ok
  local out=$work/out reference=$work/reference TIMEFORMAT='%3R %3U %3S'
  # The prefix is meant to be split into words.
  # shellcheck disable=SC2086
  { time timeout -k 1 "$limit" ${commands[number]} "$built/$group/$name" \
      "x${SCALE:-1}" >"$out" 2>"$work/err" </dev/null; } 2>"$work/time"
  status=$?
  grep '^checksum ' "$out" >"$work/checksums"
  if [ $status -eq 124 ] || [ $status -eq 137 ]; then
    verdict=timeout
  elif [ $status -ne 0 ]; then
    verdict="exit $status"
  elif [ "$number" -eq 0 ] && [ ! -e "$reference.$name" ]; then
    cp "$work/checksums" "$reference.$name"
  elif ! cmp -s "$work/checksums" "$reference.$name"; then
    verdict=checksum
  fi
  # "real user sys" in seconds
  awk -v OFS='\t' -v g="$group" -v n="$name" -v e="${labels[number]}" \
    -v r="$round" -v v="$verdict" \
    '{ print "wall", g, n, e, r, v, $1; print "cpu", g, n, e, r, v, $2 + $3 }' \
    "$work/time" >>"$figures"
  # "rate NAME OPS SECONDS NS_PER_OP OPS_PER_S"
  awk -v OFS='\t' -v g="$group" -v e="${labels[number]}" -v r="$round" \
    -v v="$verdict" '$1 == "rate" { print "rate", g, $2, e, r, v, $5 }' \
    "$out" >>"$figures"
  [ "$verdict" = ok ]
}

for path in "$built"/{compute,real,mm}/*; do
  [ -n "$replay" ] && break
  group=$(basename "$(dirname "$path")") name=$(basename "$path")
  [[ $group/$name =~ $filter ]] || continue
  failed=()
  for ((round = 0; round <= rounds; round++)); do # round 0 is the warm-up
    for number in "${!labels[@]}"; do
      [ -n "${failed[number]:-}" ] && continue
      run_one "$group" "$name" "$number" "$round" || failed[number]=1
    done
  done
  echo "$group/$name" >&2
done

# Tables.  For each kind: a row per benchmark, native's median, and for each
# engine the median ratio and in brackets its lowest and highest.
awk -F '\t' -v clock=$clock '
  function median(list, n,    v, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++)
      for (j = i; j > 1 && v[j] + 0 < v[j-1] + 0; j--) {
        t = v[j]; v[j] = v[j-1]; v[j-1] = t
      }
    lowest = v[1]; highest = v[n]
    return n % 2 ? v[(n+1)/2] : (v[n/2] + v[n/2+1]) / 2
  }
  {
    if (!($4 in known)) { known[$4] = 1; engine[++engines] = $4 }
    key = $1 SUBSEP $2 SUBSEP $3
    if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
    if ($6 != "ok") { failure[key, $4] = $6; next }
    if ($5 == 0) next
    value[key, $4, $5] = $7
    if ($5 > last) last = $5
  }
  function table(kind, group, title, unit, digits,    k, part, key, e, r, row,
                 list, x, any, sum, count) {
    any = 0
    split("", sum); split("", count)
    for (k = 1; k <= keys; k++) {
      split(order[k], part, SUBSEP)
      if (part[1] != kind || part[2] != group) continue
      if (!any++) {
        printf "\n### %s\n\n| %s | native %s |", title, group, unit
        for (e = 2; e <= engines; e++) printf " %s |", engine[e]
        printf "\n|---|---:|"
        for (e = 2; e <= engines; e++) printf "---:|"
        print ""
      }
      key = order[k]
      list = ""
      for (r = 1; r <= last; r++)
        if ((key, "native", r) in value)
          list = list " " value[key, "native", r]
      row = "| " part[3] " | " sprintf("%." digits "f", median(list)) " |"
      for (e = 2; e <= engines; e++) {
        list = ""
        for (r = 1; r <= last; r++)
          if ((key, engine[e], r) in value && (key, "native", r) in value)
            list = list " " value[key, engine[e], r] / value[key, "native", r]
        if ((key, engine[e]) in failure) {
          row = row " FAIL (" failure[key, engine[e]] ") |"
        } else if (list == "") {
          row = row " - |"
        } else {
          x = median(list)
          row = row sprintf(" %.2f (%.2f-%.2f) |", x, lowest, highest)
          if (x > 0) { sum[e] += log(x); count[e]++ }
        }
      }
      print row
    }
    if (!any) return
    row = "| **geomean** | |"
    for (e = 2; e <= engines; e++)
      row = row (count[e] ? sprintf(" **%.2f** (n=%d) |",
                                    exp(sum[e] / count[e]), count[e]) : " - |")
    print row
  }
  END {
    n = split("compute real mm", group, " ")
    for (i = 1; i <= n; i++)
      table(clock, group[i],
            group[i] ": whole process (" clock " time), ratio to native",
            "s", 3)
    for (i = 1; i <= n; i++)
      table("rate", group[i], group[i] ": measured in the guest, ratio of ns/op",
            "ns/op", 1)
  }' "$figures"
