# docs/: compat.md and cpu.md end with what the tables print; the files, functions and tests that the pages name exist, and
# a function is in the file that a page puts it in.
# tags: quick
cd "$SRC" || exit
bad=0
# up_to_date PAGE PROGRAM TARGET: the end of the page is what the program prints
up_to_date()
{
	[ -x "$BUILD/$2" ] || return 0
	sed '1,/^<!-- from here on/d' "$1" | diff - <("$BUILD/$2") ||
		{ echo "$1 is not what the tables say: make $3"; bad=1; }
}
up_to_date docs/compat.md tests/syscalls/print_compat compat
up_to_date docs/cpu.md tests/diff/print_rows cpu-rows
# Names of files, as `src/mm/vma.c` or [text](architecture.md); NAME and NN stand for any, and a program is Makefile.am's.
for page in README.md docs/*.md docs/adr/*.md; do
	grep -oE '`(src|tests|docs|bench)/[A-Za-z0-9_./-]*[A-Za-z0-9_]`' "$page" | tr -d '`' | sort -u |
		while read -r file; do
			[ -e "$file" ] || grep -qE "(^|[ \\t])$file( |\$)" Makefile.am || [[ $file == *NAME* || $file == *NN* ]] ||
				echo "$page names $file, which is not there"
		done
	grep -oE '\]\([A-Za-z0-9_./-]+\)' "$page" | sed 's/^](//; s/)$//' | sort -u |
		while read -r file; do
			[ -e "$(dirname "$page")/$file" ] || echo "$page links to $file, which is not there"
		done
done | grep . && bad=1
# Shorter names too, as mm/tlb.h, [fault.c, do_wp_page], function(); of the decisions in adr/ some are history.
files=$(find src tests bench -name '*.[chS]' -o -name '*.def')
names=$(find src tests bench -name '*.[chS]' -exec grep -ohE '[A-Za-z_][A-Za-z0-9_]*\(' {} + | tr -d '(' | sort -u)
for page in README.md docs/*.md; do
	grep -oE '[A-Za-z0-9_/.-]*[A-Za-z0-9_]\.(c|h|def|S)\b' "$page" | sort -u | while read -r file; do
		grep -qE "(^|/)${file//./\\.}$" <<<"$files" || echo "$page names $file, which is not there"
	done
	{
		grep -oE '[*A-Za-z0-9_]+\(\)' "$page" | tr -d '()' | grep -v '\*'
		grep -E '^## .*\[.*\.c' "$page" | sed 's/.*\[//; s/\].*//' | tr ';, ' '\n' | grep '_' | grep -v '\.'
	} | sort -u | comm -23 - <(echo "$names") | sed "s|.*|$page names &(), which is not there|"
done | grep . && bad=1
# A function named with a file is defined there (or declared, if it is a header): `do_wp_page()` (mm/fault.c), do_wp_page(),
# mm/fault.c, a table's row | mm/fault.c | `do_wp_page()`, ... |, and a heading's [fault.c, do_wp_page; zap.c].
defined=$(awk '/^[A-Za-z_#].*\(/ && (FILENAME !~ /c$/ || !/\);$/) {
	for (rest = $0; match(rest, /[A-Za-z_][A-Za-z0-9_]*\(/); rest = substr(rest, RSTART + RLENGTH))
		print substr(rest, RSTART, RLENGTH - 1), "/" FILENAME }' $files)
# said PAGE: a line "function file" for each
said()
{
	local function='[A-Za-z_][A-Za-z0-9_]*\(\)' file='[A-Za-z0-9_/]+\.(c|h|S|def)'
	grep -oE "$function\`? \($file|$function\`?, (in )?$file" "$1" | sed -E 's/\(\)`?,? (in )?\(?/ /'
	grep -oE "^\| [^|]*\| $file \|[^|]*\|" "$1" | awk -F ' *\\| *' '{
		for (n = split($4, name, /[`(), ]+/); n; n--) if (name[n] != "") print name[n], $3 }'
	grep -E '^## .*\[.*\.c' "$1" | sed 's/.*\[//; s/\].*//; s/; *\(then \)\?/\n/g' | awk -F ', *' '{
		for (i = 2; i <= NF; i++) if ($i ~ /^[a-z0-9_]*_[a-z0-9_]*$/) print $i, $1 }'
}
for page in README.md docs/*.md; do
	said "$page" | awk -v page="$page" 'NR == FNR { at[$1] = at[$1] $2 " "; next }
		!index(at[$1], "/" $2 " ") { print page " says that " $1 "() is in " $2 ", which it is not" }' \
		<(echo "$defined") - | sort -u
done | grep . && bad=1
said docs/architecture.md | grep -c . | grep -qE '^[1-9][0-9]{2}$' || { echo "the walks were not understood"; bad=1; }
# In seed.md a test is named as `name` in the third column: a unit test, case, probe or script.
awk -F '|' '/^\|/ && NR > 3 { print $4 }' docs/seed.md | grep -oE '`[a-z][a-zA-Z0-9_-]+`' | tr -d '`' | sort -u |
	while read -r name; do
		grep -rqE "UNIT_TEST\($name\)" tests || grep -qE "^$name " tests/guest/*.list ||
			[ -e "tests/scripts/$name.sh" ] || echo "docs/seed.md names the test $name, which is not there"
	done | grep . && bad=1
exit $bad
