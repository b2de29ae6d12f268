# C files are formatted as .clang-format says; tables between clang-format off and on stay as drawn.
# tags:
# limit: 600
command -v clang-format >/dev/null || { echo "clang-format is not installed"; exit 77; }
cd "$SRC" || exit
[ -e .clang-format ] || { echo "no .clang-format: not a source repository"; exit 77; }
find src tests -name probes -prune -o -name '*.[ch]' -print0 |
	xargs -0 clang-format --dry-run -Werror 2>&1 | awk -F : '
		/error:/ { if (!n[$1]++) print $1 ":" $2 ": not as clang-format has it"; bad = 1 }
		END { exit bad }'
