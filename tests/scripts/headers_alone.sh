# Each header compiles alone, it includes what it needs: with gcc and clang, with and without CONFIG_DEBUG_VM.
# tags:
cd "$SRC" || exit
mapfile -t headers < <(find src -name '*.h' | sort)
bad=0 tried=0
for compiler in gcc clang; do
	command -v $compiler || continue
	for option in -UCONFIG_DEBUG_VM -DCONFIG_DEBUG_VM; do
		# Each is a compilation of its own; what it defines and leaves unused is for others.
		$compiler -std=gnu11 -D_GNU_SOURCE $option -Wall -Wextra -Wno-unused -Werror -Isrc -fsyntax-only \
			-x c "${headers[@]}" || bad=1
		tried=$((tried + 1))
	done
done
echo "${#headers[@]} headers, $tried times"
[ $bad = 0 ] && [ $tried -gt 0 ]
