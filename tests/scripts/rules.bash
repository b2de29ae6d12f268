# Sourced by the rules that read object files.
# shellcheck disable=SC2034 # "every" is for those who source this

every="base mm cpu fs proc syscalls loader cli"
instrument='^_*(asan|ubsan|odr_asan|gcov|gcda|llvm|start___sancov|stop___sancov)[_.]' # sanitizers, coverage

# objects FOLDER...: the object files of these folders of src/, relative to the build tree, without those
# whose source is gone. The test is skipped if nothing is built here.
objects()
{
	local object source found=
	while read -r object; do
		source=$SRC/${object/libvcore_a-/}
		[ -e "${source%.o}.c" ] || [ -e "${source%.o}.S" ] || continue
		echo "$object"
		found=1
	done < <(cd "$BUILD" && find "${@/#/src/}" -name '*.o' 2>/dev/null | sort)
	[ -n "$found" ]
}

# symbols FOLDER...: a line "OBJECT TYPE SYMBOL" for each, types as nm has them
symbols()
{
	local list
	list=$(objects "$@") || { echo "no object files here: make them first"; exit 77; }
	# shellcheck disable=SC2086 # a word a file
	(cd "$BUILD" && "${NM:-nm}" -A $list) | awk -v instrument="$instrument" '
		$NF !~ instrument { sub(/:.*/, "", $1); print $1, $(NF - 1), $NF }'
}

# excepted EXCEPTIONS FOUND WHAT: FOUND has lines "NAME WHERE", EXCEPTIONS has lines "NAME reason".
# Prints each exception with its reason, and fails on a name that is none, or an exception without need.
excepted()
{
	awk -v what="$3" '
		FILENAME == ARGV[1] { reason[$1] = $0; next }
		$1 in reason { needed[$1]; next }
		{ print $2 " " what " " $1; bad = 1 }
		END {
			for (name in reason)
				if (name in needed) {
					print "exception: " reason[name]
				} else {
					print name " is excepted, but not there"
					bad = 1
				}
			exit bad
		}' "$1" "$2"
}
