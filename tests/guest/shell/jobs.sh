# Background jobs, wait and what it reports.
(exit 3) &
wait $!
echo "status $?"
sleep 0.05 &
p=$!
wait $p
echo "slept $?"
wait $p 2>/dev/null
for i in 1 2 3 4 5; do
	(sleep 0.0$((6 - i)); exit $i) &
	eval "p$i=$!"
done
for i in 1 2 3 4 5; do
	eval "wait \$p$i"
	echo "job $i: $?"
done
i=0
while [ $i -lt 20 ]; do
	echo "$i" >job.$i &
	i=$((i + 1))
done
wait
cat job.? job.?? | sort -n | tr '\n' ' '
echo
rm job.*
sleep 60 &
p=$!
kill $p
wait $p 2>/dev/null
echo "killed: $?"
sleep 60 &
p=$!
kill -9 $p
wait $p 2>/dev/null
echo "killed: $?"
kill -0 $p 2>/dev/null || echo "it is gone"
(trap 'echo told; exit 7' TERM; touch ready; while :; do sleep 0.01; done) &
p=$!
while [ ! -e ready ]; do sleep 0.01; done
kill $p
wait $p
echo "it chose $?"
rm ready
{ sleep 0.02; echo background; } &
wait
echo foreground
wait
echo "nothing left: $?"
(sleep 0.01 & wait; echo "a child's child") & wait
x=$(echo one & wait; echo two)
echo $x
