# --stats names each event that happened, as /proc/vmstat counts it; --at-exit prints a program's last /proc files,
# beside --stats, and in compare.
# tags: quick
[ "$VELLUM" = native ] && { echo "about --stats"; exit 77; }
bad=0
fail() { echo "$*"; bad=1; }

"$VELLUM" --stats --log stats "$GUEST/twelve_pages" >out || fail "exit status $?"
sed -n '/^events /,$p' stats | tr -s ' \n' '\n' | sed '1d; s/=/ /' | grep . >events
[ -z "$(awk 'NF != 2 || $2 !~ /^[1-9][0-9]*$/' events)" ] || fail "not pairs of a name and a count"
sed -nE 's/^VM_EVENT\([A-Z]+, *([a-z0-9_]+)\).*/\1/p' "$SRC/src/mm/vmstat.def" >names
[ -z "$(cut -d' ' -f1 events | grep -vxFf names)" ] || fail "events that have no row"
for event in pgfault pgalloc_normal pgfree pgreuse v_fault_anon v_fault_zero v_fault_cow v_buddy_split; do
	grep -q "^$event " events || fail "$event did happen"
done
[ "$(sed -n 's/^faults *\([0-9]*\) .*/\1/p' stats)" = "$(sed -n 's/^pgfault //p' events)" ] ||
	fail "two counts of page faults"

"$VELLUM" --stats --at-exit smaps,status,meminfo --log last "$GUEST/twelve_pages" >out || fail "--at-exit: exit status $?"
for name in smaps status meminfo; do
	grep -q "^--- vellum: $name of twelve_pages-[0-9]* ---\$" last || fail "--at-exit: no $name"
done
grep -q '^events ' last || fail "--at-exit instead of --stats, not beside it"
# Its own count of pages is the sum over its areas.
awk '/^Rss:/ { sum += $2 } /^VmRSS:/ { rss = $2 } /^MemTotal:/ { total = $2 }
	END { if (!sum || sum != rss || total < rss) { print sum, rss, total; exit 1 } }' last || fail "--at-exit: Rss of smaps and status"
"$VELLUM" compare --proc --stats "$GUEST/hello-musl" >out 2>&1 && grep -q '^events ' out && grep -q '^same$' out ||
	fail "compare --proc --stats"
exit $bad
