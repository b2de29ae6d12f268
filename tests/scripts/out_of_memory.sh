# A machine of 16 MiB runs out properly: ENOMEM or SIGKILL with one line, never a crash of Vellum; and
# what the kernel fills for a program does not come back short: the program, or who has most, dies.
# tags: quick
[ "$VELLUM" = native ] && { echo "about a small machine"; exit 77; }
bad=0

# run HOW: its output in out, messages in err
run()
{
	status=0
	timeout -k 1 300 "$VELLUM" --mem "${mem-16M}" "$GUEST/eat_memory" "$1" >out 2>err </dev/null || status=$?
	echo "$1: exit status $status"
	cat out err
}

one_line()
{
	[ "$(grep -c . err)" -eq 1 ] && grep -q 'out of memory: killed' err ||
		{ echo "SIGKILL wants one line on stderr"; bad=1; }
}

for how in malloc touch vmas files mlock; do
	run $how
	case $status in
	0) grep -qE 'ENOMEM' out || { echo "no ENOMEM seen"; bad=1; } ;;
	137) one_line ;;
	*) bad=1 ;;
	esac
done
for how in read process_vm madvise populate pipes memfd; do
	run $how
	[ $status -eq 137 ] || bad=1
	one_line
	[ -s out ] && { echo "it came back"; bad=1; }
done
for how in child bystander; do
	run $how
	[ $status -eq 0 ] || bad=1
	one_line
done
grep -q 'small: read all' out && grep -q 'big: killed by 9' out || bad=1
exit $bad
