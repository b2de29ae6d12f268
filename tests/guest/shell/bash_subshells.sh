# bash: subshells, pipefail, lastpipe, PIPESTATUS, wait -n.
x=1
(x=2; (x=3; echo $x $BASH_SUBSHELL); echo $x $BASH_SUBSHELL)
echo $x
false | true | (exit 3)
echo "${PIPESTATUS[@]}"
set -o pipefail
false | true
echo $?
set +o pipefail
shopt -s lastpipe
echo value | read -r got
echo "$got"
(exit 4) & (exit 4) &
# Where both end at once, bash may tell 127 before the second 4.
ends=()
for i in 1 2 3; do wait -n 2>/dev/null; ends+=($?); done
printf '%s\n' "${ends[@]}" | sort -n
v=$(exec 2>&1; echo out; echo err >&2)
echo "$v"
f() { local x=local; g; }
g() { echo "$x"; x=seen; }
f
echo $x
echo "$(< <(echo file))"
printf 'echo "no first line: $#"\n' >bare
chmod 755 bare
./bare x y
rm bare
exec 3< <(seq 3); while read -r -u 3 n; do echo "n$n"; done; exec 3<&-
time_() { for ((i = 0; i < 30; i++)); do (:); done; echo "30 subshells"; }
time_
