# Vellum is killed at random moments of a script that forks and appends: no process and no file of
# its own stays behind on the host, and what write() has put into a file is there.
#
# MOMENTS=N in the environment: so many (200).
# tags: long
[ "$VELLUM" = native ] && { echo "about Vellum's end"; exit 77; }
moments=${MOMENTS:-200} bad=0 cut=0
cat >script.sh <<'END'
work() {
	i=0
	while [ $i -lt 400 ]; do
		echo "$1 $i" >>"lines.$1"
		[ $((i % 16)) -eq 0 ] && busybox sleep 0.02
		i=$((i + 1))
	done
}
work a &
work b &
echo "$(work c)" | busybox cat >out
wait
echo done >finished
END
# What Vellum could leave behind: temporary files, shared memory.
left_behind()
{
	find /tmp /dev/shm /var/tmp -maxdepth 1 -name '*[vV]ellum*' 2>/dev/null | sort
}
# Each line is "NAME NUMBER", numbered from 0 without a gap: a prefix of what would have come.
check_prefix()
{
	local name
	for name in a b c; do
		[ -e "box/lines.$name" ] || continue
		awk -v name=$name '$0 != name " " NR - 1 { exit 1 }' "box/lines.$name" &&
			[ -z "$(tail -c 1 "box/lines.$name" | tr -d '\n')" ] ||
			{ echo "lines.$name is not a prefix"; tail -n 2 "box/lines.$name"; bad=1; }
	done
}
lines()
{
	cat box/lines.? 2>/dev/null | wc -l
}
rm -rf box
mkdir box
(cd box && exec "$VELLUM" -E PATH="$DATA/bin" "$(command -v busybox)" sh ../script.sh </dev/null) || exit
check_prefix
[ -e box/finished ] && [ "$bad" -eq 0 ] || { echo "the script itself failed"; exit 1; }
all=$(lines)
before=$(left_behind)
RANDOM=1
signals=(TERM INT KILL)
for ((n = 0; n < moments; n++)); do
	rm -rf box
	mkdir box
	signal=${signals[n % 3]}
	# A session of its own, which nobody else is in; bash has its background jobs ignore INT.
	(cd box && exec setsid env --default-signal=INT "$VELLUM" -E PATH="$DATA/bin" \
		"$(command -v busybox)" sh ../script.sh </dev/null >/dev/null 2>&1) &
	pid=$!
	# A moment is told by the lines there are, which no load on the machine moves, and some ms.
	goal=$((RANDOM * all / 32768))
	while [ "$(lines)" -lt "$goal" ] && kill -0 "$pid" 2>/dev/null; do
		sleep 0.002
	done
	sleep "0.00$((RANDOM % 10))"
	seen=$(lines) # these have been written
	{ kill -$signal "$pid"; } 2>/dev/null
	for ((wait = 0; wait < 50; wait++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -0 "$pid" 2>/dev/null && { echo "moment $n: SIG$signal did not end it"; bad=1; }
	kill -KILL "$pid" 2>/dev/null
	{ wait "$pid"; } 2>/dev/null
	[ -e box/finished ] || cut=$((cut + 1))
	[ -z "$(ps -o pid= -g "$pid" 2>/dev/null)" ] || { echo "moment $n: a process is left"; bad=1; }
	check_prefix
	kept=$(lines)
	[ "$kept" -ge "$seen" ] || { echo "moment $n: $seen lines were there, $kept are"; bad=1; }
done
[ "$(left_behind)" = "$before" ] || { echo "files are left:"; left_behind; bad=1; }
echo "$cut of $moments moments were before the end"
exit $bad
