# bash: coprocesses.
coproc { while read -r l; do echo "[$l]"; done; }
pid=$COPROC_PID
for w in a b c; do
	echo $w >&"${COPROC[1]}"
	read -r r <&"${COPROC[0]}"
	echo "$r"
done
exec {out}>&"${COPROC[1]}"
eval "exec ${COPROC[1]}>&-"
exec {out}>&-
wait "$pid"
echo "status $?"
coproc UP { tr a-z A-Z; }
exec {up}>&"${UP[1]}"
exec {from}<&"${UP[0]}"
eval "exec ${UP[1]}>&-"
echo done >&$up
exec {up}>&-
cat <&$from
wait
echo end
