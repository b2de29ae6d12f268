# Traps: exit, signals, ignored ones, subshells.
trap 'echo usr1' USR1
kill -USR1 $$
echo "after usr1"
trap 'echo "int $x"' INT
x=5
kill -INT $$
x=6
kill -INT $$
trap '' TERM
kill -TERM $$
echo "term ignored"
sh_=$(trap '' TERM; (kill -TERM $$; echo "ignored below, too"))
echo "$sh_"
trap - TERM USR1
{ (kill -TERM $(exec sh -c 'echo $PPID'); sleep 1; echo "not reached"); } 2>/dev/null
echo "subshell: $?"
(
	trap 'echo "exit of a subshell $?"' EXIT
	exit 4
)
echo "status $?"
(
	trap 'echo hup; exit 9' HUP
	kill -HUP $(exec sh -c 'echo $PPID')
	sleep 1
	echo "not reached"
)
echo "status $?"
f()
{
	trap 'echo "usr2 in f"' USR2
	kill -USR2 $$
}
f
kill -USR2 $$
# A signal while a child runs is served when the child has ended.
trap 'echo late' USR1
sh -c "kill -USR1 $$; echo child"
echo done
n=0
trap 'n=$((n + 1))' USR1
while [ $n -lt 10 ]; do kill -USR1 $$; done
echo "$n signals"
trap 'echo goodbye; exit 3' EXIT
exit 2
