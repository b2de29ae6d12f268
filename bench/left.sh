#!/bin/bash
# left.sh - what translated code still does besides the guest's work, by benchmark, as a Markdown table.
#
#   SCALE=0.3 O=DIR ./left.sh VELLUM [REGEX]      group/name must match it
#
# From vellum --stats: code made; and what it did, per 1,000 guest instructions of translated code: accesses that
# needed no look-up of their own, look-ups left by kind; exits to C per million.
set -u
here=$(cd "$(dirname "$0")" && pwd)
built=${O:-$here/build}
vellum=${1:?left.sh VELLUM [REGEX]}

echo "| program | instructions, M | translated | bytes each | out of line | accesses free | look-ups | TLB | constant | stack | exits/M |"
echo "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
for path in "$built"/{compute,real}/*; do
  name=$(basename "$(dirname "$path")")/$(basename "$path")
  [[ $name =~ ${2:-.} ]] || continue
  "$vellum" run --engine=jit --stats "$path" "x${SCALE:-1}" 2>&1 >/dev/null </dev/null | tr '\n' ' ' | tr -s ' ' |
    awk -v name="${name#*/}" '
      # The number before the first match of what comes behind it; or, with before, behind that.
      function number(re, before,    s) {
        s = $0
        if (before != "" && !match(s, before)) return "-"
        if (before != "") s = substr(s, RSTART + RLENGTH)
        if (!match(s, "[0-9.]+" re)) return "-"
        s = substr(s, RSTART, RLENGTH)
        sub(/[^0-9.].*/, "", s)
        return s
      }
      {
        made = number(" instructions,", "units of ")
        printf "| %s | %.0f | %s | %s | %.1f | %s | %s | %s | %s | %s | %s |\n", name,
          number(" instructions", "jit ran ") / 1e6, made, number(" each"),
          (made > 0 ? number(" out of line") / made : 0),
          number(" accesses without"), number(" look-ups:"), number(" in the TLB"), number(" of constants"),
          number(" in the stack"), number(" exits to C")
      }'
done
