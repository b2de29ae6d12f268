# Pipelines of six stages and more, their status, and what flows through them.
seq 1 1000 | grep 7 | sed 's/7/x/g' | sort | uniq | wc -l
seq 1 30000 | cat | cat | cat | cat | cat | cat | cat | tail -n 2
seq 1 5000 | awk '{ print $1 % 13, $1 }' | sort -n -k1,1 -k2,2 | cut -d ' ' -f 1 | uniq -c | sort -k2,2n | head -n 3
echo abc | rev | tr a-c x-z | sed 's/^/</' | sed 's/$/>/' | cat
true | false
echo "status $?"
false | true
echo "status $?"
! false | false
echo "status $?"
# The reader goes first: the writers die of SIGPIPE.
seq 1 1000000 | head -n 1
yes | head -n 3 | tail -n 1
(while :; do echo again; done) 2>/dev/null | head -n 2
{ echo a; echo b; } | { read -r x; echo "first $x"; cat; }
echo data | (cat; echo more) | { cat; echo most; }
seq 1 3 | while read -r n; do seq 1 "$n" | tr '\n' ' '; echo; done
x=outer
echo inner | { read -r x; echo "$x"; }
head -c 300000 /dev/zero | tr '\0' a | wc -c
head -c 200000 /dev/zero | tee copy.$$ | md5sum
wc -c <copy.$$
rm copy.$$
for i in 1 2 3; do echo "$i"; done | sort -r | tr '\n' ,
echo
seq 1 2000 | (cat; cat) | wc -l
: | : | : | : | : | : | echo end
