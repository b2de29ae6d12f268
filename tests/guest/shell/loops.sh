# Loops and conditions.
for i in 1 2 3; do
	for j in a b c; do
		[ "$i$j" = 2b ] && continue 2
		[ "$i$j" = 3c ] && break 2
		echo "$i$j"
	done
done
n=0
while [ $n -lt 5 ]; do
	n=$((n + 1))
	case $n in
	1) echo one ;;
	2 | 3) echo "two or three: $n" ;;
	[4-9]) echo "more: $n" ;;
	esac
done
until [ $n -eq 0 ]; do n=$((n - 1)); done
echo "n is $n"
sum=0
for x in $(seq 1 200); do sum=$((sum + x * x % 7)); done
echo "sum $sum"
seq 1 5 | while read -r line; do echo "line $line"; done
printf '%s\n' 'a b' c | while read -r first rest; do echo "[$first][$rest]"; done
i=0
while :; do
	i=$((i + 1))
	if [ $i -gt 3 ]; then break; elif [ $i -eq 2 ]; then echo two; else echo other; fi
done
for word in "$@"; do echo "argument $word"; done
for empty in; do echo never; done
echo "status $?"
