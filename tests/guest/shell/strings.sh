# Parameters, quoting, fields, patterns.
p=/usr/local/lib/libx.so.1
echo "${p##*/} ${p#*/} ${p%.*} ${p%%.*} ${#p}"
unset u
echo "${u-unset} ${u:-empty} ${u+set}|"
u=
echo "${u-unset} ${u:-empty} ${u+set} ${u:+full}|"
echo "${v:=assigned} $v"
(: "${w?message}") 2>/dev/null || echo "w is needed"
IFS=:
set -- $(echo a:b::c)
echo "$#: $1 $2 $3 $4"
echo "$*"
IFS=' 	
'
echo 'single $x "y"' "double \"\$x\" 'z'" mixed\ word
a='  spaces   inside  '
echo $a
echo "$a"
mkdir d
touch d/a.c d/b.c d/c.h 'd/with space.c' d/.hidden
for f in d/*.c; do echo "[$f]"; done
echo d/[!a].?
echo d/*.none
for f in d/.h*; do echo "$f"; done
case abc in a*c) echo matches ;; esac
case 'a*c' in a\*c) echo literally ;; esac
case file.tar.gz in *.tar.*) echo archive ;; esac
rm -r d
printf '%s-%d-%x-%o-%5.2f|%-5s|%05d\n' str 42 255 8 3.14159 ab 7
printf '%b' 'tab\there\n'
printf '%s %s\n' a b c d
eval 'y=$((1 + 1))' 'echo $y'
x=y; eval "echo \$$x"
long=x
while [ ${#long} -lt 5000 ]; do long=$long$long; done
echo "${#long}"
echo "tail: $(printf '%s' "$long" | tail -c 3)"
read -r l1 l2 <<END
one two three
END
echo "$l1 | $l2"
[ abc \< abd ] 2>/dev/null; test -n "$p" -a -z "$u" && echo both
[ 10 -gt 9 ] && [ 10 != 9 ] && echo numbers
