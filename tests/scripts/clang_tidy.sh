# clang-tidy finds nothing in src/ of what .clang-tidy asks for, or the place says why it is right.
# tags:
# limit: 600
for tidy in clang-tidy-14 clang-tidy none; do
	command -v "$tidy" >/dev/null && break
done
[ "$tidy" != none ] || { echo "clang-tidy is not installed"; exit 77; }
found=$PWD/found
cd "$SRC" || exit
[ -e .clang-tidy ] || { echo "no .clang-tidy: not a source repository"; exit 77; }
# What it says of a header comes with each file that includes it: here once.
find src -name '*.c' -print0 | xargs -0 -n 16 -P "$(nproc)" "$tidy" --quiet --extra-arg=-std=gnu11 \
	--extra-arg=-D_GNU_SOURCE --extra-arg='-DPACKAGE_STRING=""' --extra-arg=-Isrc 2>"$found.err" |
	tee "$found.out" | grep -E ': (warning|error): ' | sed "s,^$PWD/,," | sort -u >"$found"
ended=${PIPESTATUS[1]} # 123: one of them found something, or did not come to its end
cat "$found"
[ -s "$found" ] || [ "$ended" = 0 ] || { echo "$tidy itself failed:"; tail -n 20 "$found.out" "$found.err"; }
[ ! -s "$found" ] && [ "$ended" = 0 ]
