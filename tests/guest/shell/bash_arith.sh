# bash: arithmetic.
echo $((2 ** 62)) $((-17 / 5)) $((-17 % 5)) $((0xff & 0x0f | 16)) $((1 ? 2 : 3)) $((16#ff)) $((2#1011))
((x = 5, y = x++ * 2))
echo "$x $y"
((0)) || echo "zero is false"
for ((i = 0, j = 10; i < j; i += 3, j--)); do echo "$i $j"; done
let 'z = 7 << 3' z+=1
echo $z
echo $((9223372036854775807 + 1))
primes=0
for ((n = 2; n < 500; n++)); do
	for ((d = 2; d * d <= n; d++)); do ((n % d)) || continue 2; done
	((primes++))
done
echo "$primes primes"
gcd() { (($2)) && gcd "$2" $(($1 % $2)) || echo "$1"; }
gcd 1071 462
(echo $((1 / 0))) 2>/dev/null || echo "division by zero"
printf -v p '%08.3f' 3.14159
echo "$p"
[[ 10 -gt 9 && abc < abd && file.c == *.c && 2024-05-06 =~ ^([0-9]+)-([0-9]+) ]] && echo "${BASH_REMATCH[1]}/${BASH_REMATCH[2]}"
