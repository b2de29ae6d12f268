# Each header compiles alone, it includes what it needs: with gcc and clang, with and without CONFIG_DEBUG_VM.
# And it is in Makefile.am: without, it builds here, and is missing from what `make dist` packs.
# tags:
# limit: 600
cd "$SRC" || exit
mapfile -t headers < <(find src -name '*.h' | sort)
bad=0 tried=0
for header in "${headers[@]}"; do
	grep -qwF "$header" Makefile.am && continue
	echo "$header is not in Makefile.am"
	bad=1
done
for compiler in gcc clang; do
	command -v $compiler || continue
	for option in -UCONFIG_DEBUG_VM -DCONFIG_DEBUG_VM; do
		# Each is a compilation of its own; what it defines and leaves unused is for others.
		printf '%s\0' "${headers[@]}" | xargs -0 -n 16 -P "$(nproc)" $compiler -std=gnu11 -D_GNU_SOURCE $option \
			-Wall -Wextra -Wno-unused -Werror -Isrc -fsyntax-only -x c || bad=1
		tried=$((tried + 1))
	done
done
echo "${#headers[@]} headers, $tried times"
[ $bad = 0 ] && [ $tried -gt 0 ]
