# bash: traps on signals, ERR, DEBUG, RETURN, EXIT.
trap 'echo "err $? at $LINENO"' ERR
false
(exit 3)
trap - ERR
f() { trap 'echo return' RETURN; echo "in f"; }
f
trap - RETURN
trap 'echo "got USR1"' USR1
kill -USR1 $$
kill -USR1 $BASHPID
(trap 'echo "child TERM"; exit 5' TERM; kill -TERM $BASHPID; sleep 1)
echo $?
sleep 5 & p=$!
(sleep 0.05; kill -USR1 $$) &
wait $p
echo "wait was ended: $(($? > 128))"
kill $p; wait $p 2>/dev/null; echo "$?"
wait
for s in HUP QUIT ALRM USR2; do trap "echo $s" $s; kill -$s $$; trap - $s; done
trap '' USR2; kill -USR2 $$; echo ignored
trap -p USR2
trap 'echo "bye $?"' EXIT
exit 6
