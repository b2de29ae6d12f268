#!/bin/bash
# run.sh - times the benchmarks under several engines and prints Markdown.
#
#   ./run.sh [-c] [-m] [-n ROUNDS] [-w ROUNDS] [-t SECONDS] [-b REGEX] [-o RAW.tsv] ENGINE...
#   ./run.sh [-c] [-m] -r RAW.tsv
#
#   ENGINE      'native', or the command a benchmark is put after, such as
#               'qemu-x86_64' or '/path/vellum run'; LABEL::COMMAND names it
#               in the tables ('native' is always run, for the reference).
#               LABEL@F::COMMAND: with F of the iterations, and so is native,
#               once more, for this engine's ratios: for what is slow
#   -n ROUNDS   counted rounds (5); each round runs every engine in turn, so
#               that ratios are between neighbours in time
#   -w ROUNDS   rounds before them, which do not count (1)
#   -t SECONDS  limit for one run (60); a run past it is a FAIL
#   -b REGEX    only benchmarks whose group/name matches, e.g. '^mm/' 'nbody';
#               groups are compute, real, mm, whole (programs of the host,
#               whole.sh) and start (hello, hello-musl: nothing but starting)
#   -c          whole-process tables from CPU time (user + system, children
#               too) and not wall time: steadier where others use the machine
#   -m          tables of peak memory, too: the largest process's
#   -o RAW.tsv  keep every run's figures there, as they come; -r takes several
#               such files, one behind the other, if no benchmark is in two
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
rounds=5 warm=1 limit=60 filter=. raw='' replay='' clock=wall memory=0
while getopts cmn:w:t:b:o:r: option; do
  case $option in
    c) clock=cpu ;;
    m) memory=1 ;;
    n) rounds=$OPTARG ;;
    w) warm=$OPTARG ;;
    t) limit=$OPTARG ;;
    b) filter=$OPTARG ;;
    o) raw=$OPTARG ;;
    r) replay=$OPTARG ;;
    *) sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))

labels=() commands=() scales=()
add_engine() { labels+=("$1") commands+=("$2") scales+=("$3"); }
add_engine native "" 1
for engine; do
  [ "$engine" = native ] && continue
  label=${engine%%::*} part=1
  if [ "$label" != "$engine" ] && [ "${label##*@}" != "$label" ]; then
    part=${label##*@}
    [[ " ${labels[*]} " == *" native@$part "* ]] ||
      add_engine "native@$part" "" "$part"
  fi
  add_engine "$label" "${engine#*::}" "$part"
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
  local group=$1 name=$2 number=$3 round=$4 status verdict=ok scale
  local out=$work/out reference=$work/reference.$2.${scales[$3]} program
  scale=$(awk "BEGIN { print ${SCALE:-1} * ${scales[number]} }")
  case $group in
    start) program=("$built/$name") ;;
    whole) whole_command "$name" "$scale" ;;
    *) program=("$built/$group/$name" "x$scale") ;;
  esac
  # The prefix is meant to be split into words.
  # shellcheck disable=SC2086
  timeout -k 1 "$limit" "$built/start" -o "$work/time" ${commands[number]} \
    "${program[@]}" >"$out" 2>"$work/err" </dev/null
  status=$?
  if [ "$group" = whole ] || [ "$group" = start ]; then
    cksum <"$out" >"$work/checksums"
  else
    grep '^checksum ' "$out" >"$work/checksums"
  fi
  if [ $status -eq 124 ] || [ $status -eq 137 ]; then
    verdict=timeout
    echo "$limit $limit 0" >"$work/time"
  elif [ $status -ne 0 ]; then
    verdict="exit $status"
  elif [[ ${labels[number]} == native* ]] && [ ! -e "$reference" ]; then
    cp "$work/checksums" "$reference"
  elif ! cmp -s "$work/checksums" "$reference"; then
    verdict=checksum
  fi
  # "wall cpu rss" in seconds and KiB
  awk -v OFS='\t' -v g="$group" -v n="$name" -v e="${labels[number]}" \
    -v r="$round" -v v="$verdict" \
    '{ print "wall", g, n, e, r, v, $1; print "cpu", g, n, e, r, v, $2
       print "rss", g, n, e, r, v, $3 / 1024 }' "$work/time" >>"$figures"
  # "rate NAME OPS SECONDS NS_PER_OP OPS_PER_S"
  awk -v OFS='\t' -v g="$group" -v e="${labels[number]}" -v r="$round" \
    -v v="$verdict" '$1 == "rate" { print "rate", g, $2, e, r, v, $5 }' \
    "$out" >>"$figures"
  [ "$verdict" = ok ]
}

# shellcheck source=whole.sh
. "$here/whole.sh"
for path in "$built"/{compute,real,mm}/* "${whole_names[@]/#/whole/}" \
  start/hello start/hello-musl; do
  [ -n "$replay" ] && break
  group=$(basename "$(dirname "$path")") name=$(basename "$path")
  [[ $group/$name =~ $filter ]] || continue
  [ "$group" != start ] || [ -x "$built/$name" ] || continue
  failed=()
  for ((round = 1 - warm; round <= rounds; round++)); do
    for number in "${!labels[@]}"; do
      [ -n "${failed[number]:-}" ] && continue
      run_one "$group" "$name" "$number" "$round" || failed[number]=1
    done
  done
  echo "$group/$name" >&2
done

# Tables.  For each kind: a row per benchmark, native's median, and for each
# engine the median ratio and in brackets its lowest and highest; for start the
# medians themselves, for memory the largest.
awk -F '\t' -v clock=$clock -v memory=$memory '
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
    if (!($4 in known)) {
      known[$4] = 1
      if ($4 !~ /^native/) engine[++engines] = $4
    }
    key = $1 SUBSEP $2 SUBSEP $3
    if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
    if ($6 != "ok") { failure[key, $4] = $6; next }
    if ($5 < 1) next
    value[key, $4, $5] = $7
    if ($5 + 0 > last) last = $5 + 0
  }
  # What native needed for as many iterations as this engine had.
  function reference(name) {
    return name ~ /@/ ? "native" substr(name, index(name, "@")) : "native"
  }
  function figures_of(key, name,    r, list) {
    for (r = 1; r <= last; r++)
      if ((key, name, r) in value)
        list = list " " value[key, name, r]
    return list
  }
  function ratios_of(key, name,    r, list, by) {
    by = reference(name)
    for (r = 1; r <= last; r++)
      if ((key, name, r) in value && (key, by, r) in value && value[key, by, r] > 0)
        list = list " " value[key, name, r] / value[key, by, r]
    return list
  }
  # One cell: its text; x is its figure, or 0.
  function cell(key, name, how, digits,    list) {
    x = 0
    if ((key, name) in failure) return "FAIL (" failure[key, name] ")"
    list = how == "ratio" ? ratios_of(key, name) : figures_of(key, name)
    if (list == "") return "-"
    x = median(list)
    if (how == "largest") return sprintf("%.1f", highest)
    if (how == "plain") return sprintf("%." digits "f", x * 1000)
    return sprintf("%.2f (%.2f-%.2f)", x, lowest, highest)
  }
  function table(kind, group, title, unit, digits, how,    k, part, e, row,
                 list, any, sum, count) {
    any = 0
    split("", sum); split("", count)
    for (k = 1; k <= keys; k++) {
      split(order[k], part, SUBSEP)
      if (part[1] != kind || part[2] != group) continue
      if (!any++) {
        printf "\n### %s\n\n| %s | native %s |", title, group, unit
        for (e = 1; e <= engines; e++) printf " %s |", engine[e]
        printf "\n|---|---:|"
        for (e = 1; e <= engines; e++) printf "---:|"
        print ""
      }
      if (how == "ratio") {
        list = figures_of(order[k], "native")
        row = sprintf("%." digits "f", median(list))
      } else {
        row = cell(order[k], "native", how, digits)
      }
      row = "| " part[3] " | " row " |"
      for (e = 1; e <= engines; e++) {
        row = row " " cell(order[k], engine[e], how, digits) " |"
        if (x > 0) { sum[e] += log(x); count[e]++ }
      }
      print row
    }
    if (!any || how != "ratio") return
    row = "| **geomean** | |"
    for (e = 1; e <= engines; e++)
      row = row (count[e] ? sprintf(" **%.2f** (n=%d) |",
                                    exp(sum[e] / count[e]), count[e]) : " - |")
    print row
  }
  END {
    n = split("compute real mm whole", group, " ")
    for (i = 1; i <= n; i++)
      table(clock, group[i],
            group[i] ": whole process (" clock " time), ratio to native",
            "s", 3, "ratio")
    for (i = 1; i <= n; i++)
      table("rate", group[i], group[i] ": measured in the guest, ratio of ns/op",
            "ns/op", 1, "ratio")
    table(clock, "start", "start: whole process (" clock " time), ms", "ms", 2, "plain")
    group[++n] = "start"
    for (i = 1; memory && i <= n; i++)
      table("rss", group[i], group[i] ": peak memory, MiB", "MiB", 1, "largest")
  }' "$figures"
