# Here-documents of all kinds.
name=world
cat <<END
Hello, $name: $((6 * 7)), $(echo substituted) and \$escaped
END
cat <<'END'
Not expanded: $name $(echo no) `echo no`
END
cat <<-END
	tabs are gone
		all of them, $name
	END
f()
{
	cat <<A; cat <<B
first $1
A
second $2
B
}
f one two
cat <<END | tr a-z A-Z | sed 's/^/> /'
through a pipeline
with $name
END
while read -r a b; do echo "$b $a"; done <<END
1 one
2 two
3 three
END
x=$(cat <<END
inside a substitution
END
)
echo "[$x]"
if cat <<END
condition
END
then
	echo true
fi
# Larger than a pipe holds.
big=$(seq 1 20000)
wc -l <<END
$big
END
cat <<END | tail -n 1
$big
END
cat <<ONE - <<TWO /dev/null
one
ONE
two
TWO
