# Includes, and calls as the object files have them, point one way: cli > loader > syscalls > proc > fs >
# mm > base, and proc > cpu > mm; each room's internal.h, and its like, is its own (docs/architecture.md).
# tags: quick
. "$SRC/tests/scripts/rules.bash"
symbols $every >all || { tail -n 1 all; exit 77; }
bad=0
(cd "$SRC" && find src -name '*.[chS]' -exec grep -HnE '^[ \t]*#[ \t]*include[ \t]+"' {} +) |
	grep -vE "\"(${every// /|})/" && { echo "not by its path below src/"; bad=1; }
# A line for each arrow: FROM TO HOW
(cd "$SRC" && find src -name '*.[chS]' -exec grep -HE '^[ \t]*#[ \t]*include[ \t]+"[a-z]+/' {} +) |
	awk -F '[:"]' '{ print $1, "src/" $3, "includes" }' >arrows
awk '$2 ~ /^[BDRTV]$/ { home[$3] = $1 }
	$2 == "U" { user[++n] = $1; used[n] = $3 }
	END { for (i = 1; i <= n; i++) if (used[i] in home) print user[i], home[used[i]], "uses", used[i], "of" }' \
	all >>arrows
awk '
	BEGIN {
		rank["base"] = 0; rank["mm"] = 1; rank["cpu"] = 2; rank["fs"] = 2
		rank["proc"] = 3; rank["syscalls"] = 4; rank["loader"] = 5; rank["cli"] = 6
	}
	{
		split($1, from, "/")
		split($2, to, "/")
		if (!(to[2] in rank) || from[2] == to[2])
			next
		looked++
		if (rank[to[2]] >= rank[from[2]])
			print $1, $3, $4, $5, $2 ", which is not below it"
		else if ($2 ~ /internal\.h$/)
			print $1 " includes the private " $2
		else
			next
		bad = 1
	}
	END { print looked " arrows between rooms"; exit bad || looked < 1000 }' arrows && [ $bad = 0 ]
