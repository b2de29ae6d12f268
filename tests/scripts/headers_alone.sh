# Each header compiles alone: it includes what it needs.
# tags: quick
cd "$SRC" || exit
bad=0
while read -r header; do
	${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -DCONFIG_DEBUG_VM -Wall -Wextra -Werror -Isrc -fsyntax-only \
		-x c -include "$header" /dev/null || { echo "$header does not compile alone"; bad=1; }
done < <(find src -name '*.h' | sort)
exit $bad
