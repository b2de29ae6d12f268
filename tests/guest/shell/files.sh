# find -exec, xargs -P, tar | gzip | tar, and other work on many files.
mkdir -p tree/a/b tree/c
for i in 1 2 3 4 5 6 7 8 9; do
	echo "file $i" >tree/a/f$i.txt
	seq 1 $((i * 300)) >tree/a/b/n$i
done
ln -s ../a/f1.txt tree/c/link
find tree -type f | wc -l
find tree -name 'f*.txt' -exec cat {} \; | sort
find tree -name 'n*' -exec wc -l {} + | sort -n | head -n 3
find tree -type f -exec sh -c 'echo "${1##*/} $(wc -c <"$1")"' sh {} \; | sort | head -n 5
find tree -name '*.txt' -print0 | xargs -0 -n 2 echo | wc -l
seq 1 12 | xargs -P 4 -n 1 sh -c 'echo "worker $0"' | sort -k2n
seq 1 20 | xargs -n 5 echo
find tree -type f | sort | xargs md5sum | md5sum
mkdir out
tar -c tree | gzip | gunzip | tar -x -C out
diff -r tree out/tree && echo same
tar -c -C tree . | gzip -9 | wc -c | awk '{ print ($1 > 1000) }'
(cd tree && tar -c .) | (mkdir copy && cd copy && tar -x)
diff -r tree copy && echo "same again"
find tree -type f -name 'n[1-5]' | sort | while read -r f; do
	sort -rn "$f" | head -n 1
done | paste -s -d + | sed 's/$//' | (read -r e; echo "$e = $((e))")
for f in tree/a/*.txt; do mv "$f" "${f%.txt}.dat"; done
ls tree/a | tr '\n' ' '
echo
rm -r tree out copy
[ -e tree ] || echo gone
