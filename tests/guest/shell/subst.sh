# Command substitution, nested, with all that it drops and keeps.
echo "$(echo "$(echo "$(echo three deep)")")"
echo $(echo $(echo $(echo $(echo $(echo five)))))
echo `echo \`echo \\\`echo backquotes\\\`\``
x=$(printf 'trailing\n\n\n')
echo "[$x]"
x=$(printf 'a\n\nb')
echo "[$x]"
echo "$(false)status $?"
x=$(exit 5)
echo "status $?"
y=$(seq 1 5000)
echo "${#y}"
set -- $(echo a b c)
echo $#
set -- "$(echo a b c)"
echo $#
for f in $(for g in 1 2 3; do echo "f$g"; done); do echo "$f"; done
outer=$(inner=$(echo deep | tr a-z A-Z); echo "<$inner>"; echo "$(echo "$inner" | rev)")
echo "$outer"
echo "$(cat <<END
a document in $(echo a substitution)
END
)"
echo "$(( $(echo 3) * $(echo 4) ))"
a=$(echo 'quotes " and '"'"' inside')
echo "$a"
echo $(( (1 << 10) + 0x1f - 010 % 3 )) $((5 > 3 && 2 < 1)) $((7 / 2)) $((-7 / 2)) $((-7 % 3))
n=1; while [ ${#n} -lt 9 ]; do n=$(echo $((n * 7))); done; echo $n
case $(uname -s) in Linux) echo penguin ;; esac
