# Two hundred lines and more: a small inventory, a calculator, sorting, text and files.
failures=0
check()
{
	if [ "$1" = "$2" ]; then echo "ok: $3"; else echo "not ok: $3: $1, not $2"; failures=$((failures + 1)); fi
}

# A stack machine.
stack=
push() { stack="$1 $stack"; }
pop() { top=${stack%% *}; stack=${stack#* }; }
rpn()
{
	stack=
	for token in $1; do
		case $token in
		+) pop; b=$top; pop; push $((top + b)) ;;
		-) pop; b=$top; pop; push $((top - b)) ;;
		x) pop; b=$top; pop; push $((top * b)) ;;
		/) pop; b=$top; pop; push $((top / b)) ;;
		*) push "$token" ;;
		esac
	done
	pop
	echo "$top"
}
check "$(rpn '31 39 x 14 -')" 1195 "rpn 0"
check "$(rpn '62 20 + 12 +')" 94 "rpn 1"
check "$(rpn '52 71 + 38 +')" 161 "rpn 2"
check "$(rpn '67 69 - 47 +')" 45 "rpn 3"
check "$(rpn '14 34 + 28 x')" 1344 "rpn 4"
check "$(rpn '34 35 + 25 -')" 44 "rpn 5"
check "$(rpn '38 81 - 94 +')" 51 "rpn 6"
check "$(rpn '78 44 - 86 x')" 2924 "rpn 7"
check "$(rpn '32 23 - 32 -')" -23 "rpn 8"
check "$(rpn '12 71 + 39 -')" 44 "rpn 9"
check "$(rpn '74 91 x 40 +')" 6774 "rpn 10"
check "$(rpn '53 55 - 77 -')" -79 "rpn 11"
check "$(rpn '58 21 - 30 -')" 7 "rpn 12"
check "$(rpn '6 11 - 6 x')" -30 "rpn 13"
check "$(rpn '36 67 x 69 -')" 2343 "rpn 14"
check "$(rpn '90 44 x 19 +')" 3979 "rpn 15"
check "$(rpn '9 53 x 26 x')" 12402 "rpn 16"
check "$(rpn '57 36 - 24 -')" -3 "rpn 17"
check "$(rpn '96 76 x 42 x')" 306432 "rpn 18"
check "$(rpn '26 42 + 13 x')" 884 "rpn 19"
check "$(rpn '30 36 x 98 x')" 105840 "rpn 20"
check "$(rpn '31 16 + 43 -')" 4 "rpn 21"
check "$(rpn '59 4 - 6 x')" 330 "rpn 22"
check "$(rpn '11 37 x 95 -')" 312 "rpn 23"
check "$(rpn '3 42 - 37 +')" -2 "rpn 24"
check "$(rpn '84 53 x 80 +')" 4532 "rpn 25"
check "$(rpn '38 80 - 25 -')" -67 "rpn 26"
check "$(rpn '18 33 x 49 +')" 643 "rpn 27"
check "$(rpn '43 74 - 2 +')" -29 "rpn 28"
check "$(rpn '59 22 - 47 -')" -10 "rpn 29"

# Sorting, by hand and by sort.
bubble()
{
	set -- $1
	done_=
	while [ -z "$done_" ]; do
		done_=yes
		prev= list=
		for e in "$@"; do
			if [ -n "$prev" ] && [ "$prev" -gt "$e" ]; then list="$list $e"; done_=
			else [ -n "$prev" ] && list="$list $prev"; prev=$e; fi
		done
		set -- $list $prev
	done
	echo "$*"
}
check "$(bubble '37 7 29 14 28')" "7 14 28 29 37" "bubble 0"
check "$(bubble '8 4 48 11')" "4 8 11 48" "bubble 1"
check "$(bubble '39 44 10 3 35')" "3 10 35 39 44" "bubble 2"
check "$(bubble '32 38 16 21 3 8')" "3 8 16 21 32 38" "bubble 3"
check "$(bubble '34 19 50 27 42 13')" "13 19 27 34 42 50" "bubble 4"
check "$(bubble '31 13 16 29 27 32')" "13 16 27 29 31 32" "bubble 5"
check "$(bubble '3 15 27 29 16 42')" "3 15 16 27 29 42" "bubble 6"
check "$(bubble '28 14 32 13 3')" "3 13 14 28 32" "bubble 7"

# An inventory in a file.
: >stock
add() { echo "$1:$2:$3" >>stock; }
total() { awk -F: '{ s += $2 * $3 } END { print s }' stock; }
find_() { grep "^$1:" stock | cut -d : -f "$2"; }
add item0 9 65
add item1 8 135
add item2 7 198
add item3 8 107
add item4 9 37
check "$(total)" 4240 "total after 4"
check "$(find_ item4 2)" 9 "quantity 4"
add item5 11 14
add item6 11 145
add item7 4 146
add item8 13 168
add item9 2 127
check "$(total)" 9011 "total after 9"
check "$(find_ item9 2)" 2 "quantity 9"
add item10 13 24
add item11 14 54
add item12 19 43
add item13 11 76
add item14 16 165
check "$(total)" 14372 "total after 14"
check "$(find_ item14 2)" 16 "quantity 14"
add item15 11 108
add item16 17 56
add item17 9 87
add item18 13 128
add item19 3 72
check "$(total)" 19175 "total after 19"
check "$(find_ item19 2)" 3 "quantity 19"
add item20 7 12
add item21 13 159
add item22 5 197
add item23 9 171
add item24 2 43
check "$(total)" 23936 "total after 24"
check "$(find_ item24 2)" 2 "quantity 24"
sed -i '/^item7:/d' stock
check "$(wc -l <stock | tr -d " ")" 24 "one less"
check "$(sort -t : -k 3n stock | wc -l | tr -d " ")" 24 "sorted"

# Words.
text="the quick brown fox jumps over the lazy dog the end"
check "$(echo "$text" | tr " " "\n" | sort | uniq -c | sort -rn | head -n 1 | tr -s " ")" " 3 the" "most frequent"
check "$(echo alpha | rev)" ahpla "rev alpha"
check "$(echo alpha | tr a-z A-Z | cut -c 1-3)" ALP "upper alpha"
check "$(echo beta | rev)" ateb "rev beta"
check "$(echo beta | tr a-z A-Z | cut -c 1-3)" BET "upper beta"
check "$(echo gamma | rev)" ammag "rev gamma"
check "$(echo gamma | tr a-z A-Z | cut -c 1-3)" GAM "upper gamma"
check "$(echo delta | rev)" atled "rev delta"
check "$(echo delta | tr a-z A-Z | cut -c 1-3)" DEL "upper delta"
check "$(echo epsilon | rev)" nolispe "rev epsilon"
check "$(echo epsilon | tr a-z A-Z | cut -c 1-3)" EPS "upper epsilon"
check "$(echo zeta | rev)" atez "rev zeta"
check "$(echo zeta | tr a-z A-Z | cut -c 1-3)" ZET "upper zeta"
check "$(echo eta | rev)" ate "rev eta"
check "$(echo eta | tr a-z A-Z | cut -c 1-3)" ETA "upper eta"
check "$(echo theta | rev)" ateht "rev theta"
check "$(echo theta | tr a-z A-Z | cut -c 1-3)" THE "upper theta"
check "$(echo iota | rev)" atoi "rev iota"
check "$(echo iota | tr a-z A-Z | cut -c 1-3)" IOT "upper iota"
check "$(echo kappa | rev)" appak "rev kappa"
check "$(echo kappa | tr a-z A-Z | cut -c 1-3)" KAP "upper kappa"
check "$(echo lambda | rev)" adbmal "rev lambda"
check "$(echo lambda | tr a-z A-Z | cut -c 1-3)" LAM "upper lambda"
check "$(echo mu | rev)" um "rev mu"
check "$(echo mu | tr a-z A-Z | cut -c 1-3)" MU "upper mu"
check "$(echo nu | rev)" un "rev nu"
check "$(echo nu | tr a-z A-Z | cut -c 1-3)" NU "upper nu"
check "$(echo xi | rev)" ix "rev xi"
check "$(echo xi | tr a-z A-Z | cut -c 1-3)" XI "upper xi"
check "$(echo omicron | rev)" norcimo "rev omicron"
check "$(echo omicron | tr a-z A-Z | cut -c 1-3)" OMI "upper omicron"
check "$(echo pi | rev)" ip "rev pi"
check "$(echo pi | tr a-z A-Z | cut -c 1-3)" PI "upper pi"
check "$(echo rho | rev)" ohr "rev rho"
check "$(echo rho | tr a-z A-Z | cut -c 1-3)" RHO "upper rho"
check "$(echo sigma | rev)" amgis "rev sigma"
check "$(echo sigma | tr a-z A-Z | cut -c 1-3)" SIG "upper sigma"
check "$(echo tau | rev)" uat "rev tau"
check "$(echo tau | tr a-z A-Z | cut -c 1-3)" TAU "upper tau"
check "$(echo upsilon | rev)" nolispu "rev upsilon"
check "$(echo upsilon | tr a-z A-Z | cut -c 1-3)" UPS "upper upsilon"
check "$(echo phi | rev)" ihp "rev phi"
check "$(echo phi | tr a-z A-Z | cut -c 1-3)" PHI "upper phi"
check "$(echo chi | rev)" ihc "rev chi"
check "$(echo chi | tr a-z A-Z | cut -c 1-3)" CHI "upper chi"
check "$(echo psi | rev)" isp "rev psi"
check "$(echo psi | tr a-z A-Z | cut -c 1-3)" PSI "upper psi"
check "$(echo omega | rev)" agemo "rev omega"
check "$(echo omega | tr a-z A-Z | cut -c 1-3)" OME "upper omega"

# Files in a tree, in parallel.
mkdir -p t/1 t/2 t/3
for d in 1 2 3; do
	(
		i=0
		while [ $i -lt 10 ]; do
			echo "$d$i" >t/$d/f$i
			i=$((i + 1))
		done
	) &
done
wait
check "$(find t -type f | wc -l | tr -d " ")" 30 "thirty files"
check "$(cat t/*/f* | sort -n | head -n 1)" 10 "the first"
for f in t/1/*; do mv "$f" "$f.moved"; done
check "$(ls t/1 | head -n 1)" f0.moved "moved"
check "$(find t -name "*.moved" -exec cat {} + | sort | tail -n 1)" 19 "the last"
tar -c t | gzip -c | gunzip -c | tar -t | grep -c f1 >n
check "$(cat n)" 3 "tar"
rm -r t n stock
echo "$failures failures"
exit $failures
