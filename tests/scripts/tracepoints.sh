# Every row of tracepoints.def is passed by some program and prints its own line; patterns choose; and
# kmem:rss_stat ends at what /proc/self/status says of the same program.
# tags: quick
[ "$VELLUM" = native ] && { echo "about --trace"; exit 77; }
bad=0
fail() { echo "$*"; bad=1; }

"$VELLUM" --trace help >names || fail "--trace help"
"$VELLUM" --trace '*' --log usual "$GUEST/hello-musl" >out || fail "hello-musl under --trace"
"$VELLUM" --trace 'signal:*' --log signals "$GUEST/signals" children >out 2>&1
"$VELLUM" --mem 16M --trace 'vmscan:*,oom:*' --log pressure "$GUEST/eat_memory" touch >out 2>&1 || :
"$VELLUM" --trace 'kmem:rss_stat' "$GUEST/twelve_pages" status >rss 2>&1

# What stands in front of each line: the task, of which there are several.
for log in usual signals pressure rss; do
	[ "$log" = rss ] || [ -z "$(grep -vE '^(vellum: |.{1,15}-[0-9]+ [a-z_]+:[a-z0-9_]+: )' $log)" ] || fail "$log: a line without a task"
	sed -i -E 's/^.{1,15}-([0-9]+) ([a-z_]+:[a-z0-9_]+: )/\1\t\2/' $log
done
[ "$(cut -f1 signals | sort -u | wc -l)" -gt 2 ] || fail "signals' children have no number of their own"
sed -i 's/^[0-9]*\t//' usual signals pressure rss

# Each name has a line, with a field or a number behind the name.
while read -r name; do
	grep -qE "^$name: .*[0-9]" usual signals pressure || fail "$name: a row, and no program passes it"
done <names
[ -z "$(grep -vxFf names <(cut -d' ' -f1 usual | sed 's/:$//' | sort -u))" ] || fail "lines of no row"

# What was not asked for stays silent.
[ -z "$(grep -v '^signal:' signals)" ] || fail "signal:* shows more"
grep -q '^vmscan:' pressure && grep -qE '^oom:mark_victim: pid=[0-9]+ comm=eat_memory ' pressure ||
	fail "two patterns with a comma between"

# The parent's last counters before it asks, in kB, and what it is told.
awk '/^kmem:rss_stat:/ { split($5, s, "[=B]"); split($4, t, "="); last[$2, t[2]] = s[2] / 1024
		if (first == "") first = $2 }
	/^Rss(Anon|File|Shmem):/ { kind = $1 == "RssAnon:" ? "ANON" : $1 == "RssFile:" ? "FILE" : "SHMEM"
		n++; if ($2 != last[first, "MM_" kind "PAGES"] + 0) { print $0, last[first, "MM_" kind "PAGES"]; exit 1 } }
	END { exit n != 3 }' rss || fail "kmem:rss_stat and /proc/self/status differ"
exit $bad
