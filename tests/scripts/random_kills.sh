# Vellum is killed at random moments of a script that forks and appends, and of processes with threads and
# sockets: no process, no socket and no file of its own stays behind on the host, and what write() has put into
# a file is there. Tasks of the guest are killed as often (tests/guest/doomed.c).
#
# MOMENTS=N in the environment: so many of each of the three (200).
# tags: long
# limit: 1800
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
	for name in a b c 0 1 2 3; do
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
# The programs, in box: each is given what runs it
shell() {
	exec "$@" -E PATH="$DATA/bin" "$(command -v busybox)" sh ../script.sh
}
world() {
	exec "$@" "$GUEST/doomed" run 2000
}
# Nobody listens where the world's server did.
check_port()
{
	local port
	port=$(cat box/port 2>/dev/null)
	[ -z "$port" ] || ! grep -qi "^ *[0-9]*: 0100007F:$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp ||
		{ echo "port $port is still listened on"; bad=1; }
}
# kill_all PROGRAM: it is killed $moments times
kill_all()
{
	local n signal pid goal seen kept wait all
	rm -rf box
	mkdir box
	(cd box && "$1" "$VELLUM" </dev/null) || { echo "$1 itself failed"; exit 1; }
	check_prefix
	all=$(lines)
	for ((n = 0; n < moments; n++)); do
		rm -rf box
		mkdir box
		signal=${signals[n % 3]}
		# A session of its own, which nobody else is in; bash has its background jobs ignore INT.
		(cd box && "$1" setsid env --default-signal=INT "$VELLUM" </dev/null >/dev/null 2>&1) &
		pid=$!
		# A moment is told by the lines there are, which no load on the machine moves, and some ms.
		goal=$((RANDOM * all / 32768))
		while [ "$(lines)" -lt "$goal" ] && kill -0 "$pid" 2>/dev/null; do
			sleep 0.002
		done
		sleep "0.00$((RANDOM % 10))"
		seen=$(lines) # these have been written
		{ kill -$signal "$pid"; } 2>/dev/null
		# At once; but the script's jobs in the background ignore INT, and end when they are done.
		for ((wait = 0; wait < 600; wait++)); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -0 "$pid" 2>/dev/null && { echo "$1, moment $n: SIG$signal did not end it"; bad=1; }
		kill -KILL "$pid" 2>/dev/null
		{ wait "$pid"; } 2>/dev/null
		[ -z "$(ps -o pid= -g "$pid" 2>/dev/null)" ] || { echo "$1, moment $n: a process is left"; bad=1; }
		check_prefix
		check_port
		kept=$(lines)
		[ "$kept" -eq "$all" ] || cut=$((cut + 1))
		[ "$kept" -ge "$seen" ] || { echo "$1, moment $n: $seen lines were there, $kept are"; bad=1; }
	done
}
before=$(left_behind)
RANDOM=1
signals=(TERM INT KILL)
for program in shell world; do
	kill_all $program
done
[ "$(left_behind)" = "$before" ] || { echo "files are left:"; left_behind; bad=1; }
echo "$cut of $((2 * moments)) moments were before the end"
rm -rf box
mkdir box
(cd box && timeout 200 "$VELLUM" "$GUEST/doomed" kills 1 "$moments" </dev/null) || bad=1
exit $bad
