# cli > loader > syscalls > proc > fs > mm > base, and proc > cpu > mm (docs/architecture.md).
# tags:
cd "$SRC" || exit
find src -name '*.[chS]' -exec grep -HE '^[ \t]*#[ \t]*include[ \t]+"' {} + | awk -F '[:"]' '
	BEGIN {
		rank["base"] = 0; rank["mm"] = 1; rank["cpu"] = 2; rank["fs"] = 2
		rank["proc"] = 3; rank["syscalls"] = 4; rank["loader"] = 5; rank["cli"] = 6
	}
	{
		split($1, from, "/")
		n = split($3, to, "/")
		if (n < 2 || !(to[1] in rank))
			next
		if (rank[to[1]] > rank[from[2]] || (rank[to[1]] == rank[from[2]] && to[1] != from[2])) {
			print $1 " includes " $3 ", which is above it"
			bad = 1
		} else if (to[2] == "internal.h" && to[1] != from[2]) {
			print $1 " includes the private " $3
			bad = 1
		}
	}
	END { exit bad }'
