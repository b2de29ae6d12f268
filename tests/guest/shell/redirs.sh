# Redirections and descriptors.
echo one >file
echo two >>file
cat <file
cat file - <file 2>/dev/null
exec 3>third
echo to three >&3
echo also >&3
exec 3>&-
cat third
exec 4<file
read -r a <&4
read -r b <&4
echo "$a, $b"
exec 4<&-
{ echo out; echo err >&2; } >both 2>&1
cat both
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/only /'
{ echo swapped; echo err >&2; } 3>&1 1>&2 2>&3 3>&- | sed 's/^/piped /'
exec 5<>rw
echo "read and write" >&5
exec 5>&-
cat rw
(echo lost >&9) 2>/dev/null || echo "nine is not open"
(cat <absent) 2>/dev/null || echo "absent"
set -C
echo new >fresh
(echo again >fresh) 2>/dev/null || echo "noclobber"
echo again >|fresh
cat fresh
set +C
echo through | cat /dev/fd/0
echo through | cat /proc/self/fd/0
: >empty
[ -s empty ] || echo "empty"
f()
{
	echo "f writes"
} >ffile
f
cat ffile
for i in 1 2 3; do echo "$i"; done >loop
wc -l <loop
while read -r n; do echo "n $n"; done <loop
# One offset for all who share the description.
(read -r x; echo "sub $x"; cat >/dev/null) <loop
{ head -c 2 >/dev/null; cat; } <loop
exec 6<loop
sh -c 'read -r x; echo "child $x"' <&6
exec 6<&-
exec 7>append
(echo a >&7; (echo b >&7); echo c >&7)
echo d >&7
exec 7>&-
tr '\n' ' ' <append
echo
rm file third both rw fresh empty ffile loop append
