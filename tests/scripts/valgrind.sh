# Unit tests under valgrind's memcheck: nothing reads what was never written, or what was freed.
# tags: long
# limit: 1800
command -v valgrind >/dev/null && [ -e /usr/include/valgrind/memcheck.h ] || { echo "valgrind is not installed"; exit 77; }
[ "$ENABLE_ASAN" = no ] || { echo "AddressSanitizer has the same errors"; exit 77; }
bad=0

# suites ROOM [SKIPPED...]: the room's suites but those
suites()
{
	sed -n 's/^SUITE(\(.*\))$/\1/p' "$SRC/tests/$1/suites.def" | grep -vxF "$(printf '%s\n' "${@:2}")"
}

# check ROOM [SKIPPED...]
check()
{
	# shellcheck disable=SC2046
	valgrind -q --error-exitcode=9 --suppressions="$SRC/tests/valgrind.supp" \
		"$BUILD/tests/$1/check_$1" $(suites "$@") >"$1.log" 2>&1 && return
	echo "tests/$1: exit status $?"
	grep -E '^==|FAILED|bug:' "$1.log" | head -n 40
	bad=1
}

check base
check loader
check syscalls
check fs
check proc
# vma_host tries calls of mremap() on the host that valgrind itself dies of.
check mm vma_host
# Instructions that it does not know, or knows less exactly than the CPU: AVX-512, x87's last pointers.
check cpu fpu lockstep thunk
exit $bad
