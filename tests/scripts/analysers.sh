# What two slower analysers find in src/: cppcheck and gcc -fanalyzer. Prints findings and nothing else. A
# finding that is none has its reason: cppcheck's where it stands ("cppcheck-suppress"), gcc's in
# analysers.def beside this. A row there that nothing needs any more is a finding, too.
#
# clang_tidy.sh is the third, quick enough for each `make check`. All three: make analyse.
# tags: long
# limit: 1800
command -v cppcheck >/dev/null || { echo "cppcheck is not installed"; exit 77; }
command -v gcc-12 >/dev/null || { echo "gcc-12 is not installed; another -fanalyzer finds other things"; exit 77; }
here=$PWD known=$SRC/tests/scripts/analysers.def
cd "$SRC" || exit
[ -e "$known" ] || { echo "no tests/scripts/analysers.def"; exit 77; }

# min() and max() as functions: with their statement expressions cppcheck 2.10 loses its way.
cppcheck -j "$(nproc)" --enable=warning,performance,portability --inline-suppr --quiet --std=c11 \
	-D_GNU_SOURCE -D__x86_64__ -D__linux__ -DPACKAGE_STRING='""' -Umin -Umax -Isrc \
	--suppress=missingIncludeSystem --template='{file}:{line}: {message} [{id}]' src >"$here/found" 2>&1 ||
	echo "cppcheck itself failed: exit status $?" >>"$here/found"

# gcc's messages of one file, each as FUNCTION OPTION FILE:LINE: text. The function is the one it is in
# before inlining. At -O1 it sees into small functions, and is done in half the time of -O2.
analyse()
{
	gcc-12 -std=gnu11 -O1 -D_GNU_SOURCE -DPACKAGE_STRING='""' -Isrc -c -o /dev/null -fanalyzer \
		-Wno-analyzer-too-complex -fdiagnostics-plain-output "$1" 2>&1 | awk '
		/In function / { split($0, part, "\x27"); name = part[2] }
		/ error: / { print "no", "analysis", $0 }
		/ warning: .*\[-Wanalyzer/ {
			option = $NF
			gsub(/[][]/, "", option)
			print name, option, $0
		}'
}
export -f analyse
find src -name '*.c' -print0 | LC_ALL=C xargs -0 -n 1 -P "$(nproc)" bash -c 'analyse "$0"' | sort -u >"$here/gcc"

awk -v known="$known" '
	BEGIN {
		while ((getline line < known) > 0)
			if (split(line, word, /[(, )]+/) > 3 && word[1] == "KNOWN")
				reason[word[2] " " word[3]] = 1
	}
	{ if (($1 " " $2) in reason) used[$1 " " $2] = 1; else { sub(/^[^ ]+ [^ ]+ /, ""); print } }
	END {
		for (row in reason)
			if (!(row in used))
				print "tests/scripts/analysers.def: gcc does not find this any more: " row
	}' "$here/gcc" >>"$here/found"
cat "$here/found"
[ ! -s "$here/found" ]
