# bash: process substitution through /dev/fd.
diff <(seq 1 5) <(seq 1 2; echo x; seq 4 5)
echo "status $?"
cat <(echo one) <(echo two) <(cat <(echo three))
paste <(seq 3) <(seq 4 6) <(printf '%s\n' x y z)
while read -r a; do echo "got $a"; done < <(printf '%s\n' p q)
tee >(wc -l >count) < <(seq 100) >/dev/null
while [ ! -s count ]; do sleep 0.01; done
cat count
rm count
[[ <(:) == /dev/fd/* ]] && echo "by number"
comm -12 <(seq 1 2 20 | sort) <(seq 1 3 20 | sort) 2>/dev/null || echo none
f() { cat "$1" "$2"; }
f <(echo a) <(echo b)
wc -c < <(head -c 200000 /dev/zero)
