# A machine of 16 MiB runs out properly: ENOMEM or SIGKILL with one line, never a crash of Vellum.
# tags: quick
[ "$VELLUM" = native ] && { echo "about a small machine"; exit 77; }
bad=0
for how in malloc touch vmas files; do
	status=0
	"$VELLUM" --mem 16M "$GUEST/eat_memory" $how >out 2>err </dev/null || status=$?
	echo "$how: exit status $status"
	cat out err
	case $status in
	0) grep -q ENOMEM out || { echo "no ENOMEM seen"; bad=1; } ;;
	137) [ "$(grep -c . err)" -eq 1 ] || { echo "SIGKILL wants one line on stderr"; bad=1; } ;;
	*) bad=1 ;;
	esac
done
exit $bad
