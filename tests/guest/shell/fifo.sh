# Fifos: both ends wait for each other.
mkfifo fifo
echo "through the fifo" >fifo &
cat fifo
wait
(sleep 0.05; seq 1 3 >fifo) &
while read -r n; do echo "got $n"; done <fifo
wait
cat fifo | tr a-z A-Z &
sleep 0.02
echo "the reader first" >fifo
wait
seq 1 20000 >fifo &
wc -l <fifo
wait
mkfifo back
(while read -r q; do echo $((q * q)); done <fifo >back) &
exec 3>fifo 4<back
for i in 3 5 12; do
	echo $i >&3
	read -r a <&4
	echo "$i squared is $a"
done
exec 3>&- 4<&-
wait
exec 3<>fifo
echo "both ways" >&3
read -r x <&3
echo "$x"
exec 3>&-
rm fifo back
