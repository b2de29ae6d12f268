# Functions: recursion, arguments, return values, getopts.
fact()
{
	if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi
}
fact 10
fib()
{
	[ "$1" -lt 2 ] && { echo "$1"; return; }
	echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2)))))
}
fib 9
status()
{
	return "$1"
}
for s in 0 1 2 127 255; do
	status $s
	echo "returned $?"
done
args()
{
	echo "$# arguments"
	while [ $# -gt 0 ]; do
		echo "<$1>"
		shift
	done
}
args one 'two words' '' "three
lines"
set -- x y z
args "$@"
echo "outside still $#: $*"
options()
{
	OPTIND=1
	while getopts 'ab:c' o "$@"; do
		case $o in
		a | c) echo "option $o" ;;
		b) echo "option b with $OPTARG" ;;
		*) echo "unknown" ;;
		esac
	done
	shift $((OPTIND - 1))
	echo "rest: $*"
}
options -a -b value -c more words
options -cb glued
inside()
(
	var=changed
	cd /
	echo "$var in $PWD"
)
var=kept
inside
echo "$var"
redirected()
{
	echo out
	echo err >&2
} 2>&1
redirected | sort
