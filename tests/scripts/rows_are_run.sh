# Each row of these tables is passed by a guest program of the tests, as strace's lines and its output show:
# system calls, memory advices, VM flags, signals, files of /proc and /sys.
# tags:
# limit: 600
[ "$VELLUM" = native ] && { echo "about Vellum's own tables"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "only root may read and write all of /proc"; exit 77; }
export VELLUM_STRACE=1 VELLUM_LOG

# The cases as they stand, without a native side to compare with.
compare() { VELLUM_LOG=$PWD/strace.$((++runs)) "$VELLUM" run "${@/#--proc/--check}"; }
models() { compare "${@:2}"; }
apart() { cd start && compare "$@"; }
skip() { exit; }
run_case()
(
	mkdir -p "$1/start" && cd "$1" || exit
	VELLUM_LOG=$PWD/strace.0
	eval "$2" >output 2>/dev/null </dev/null
)
while IFS='|' read -r name tags commands; do
	[[ $tags$commands =~ quick.*GUEST/(bad_elf|code_ch|crypto|gmp|math|numeric|sqlite|random_mm|traps) ]] && continue
	[[ $tags$commands =~ quick.*GUEST/ ]] && run_case "${name// /}" "$commands"
done < <(grep -v '^#' "$SRC/tests/guest/cases.list")
while IFS='|' read -r name tags options; do
	[[ $tags == *later* ]] || run_case "${name// /}" "compare $options $GUEST/probes/${name// /}"
done < <(grep '^[pq][0-9]' "$SRC/tests/guest/probes.list")

# Every file of /proc and /sys, if not all of it; what descriptors lead to could make it wait.
mkdir every_file && cd every_file &&
	compare "$(command -v busybox)" find /proc /sys ! -path '*/fd/*' -exec head -c 200 {} + >text 2>&1 </dev/null
cd ..

find . -name 'strace.*' -exec cat {} + | sed -E 's/^\[pid +[0-9]+\] //' >lines
find . -name output -exec cat {} + >outputs

# column FILE MACRO N: what stands in column N, counted from 0, of the rows
column() { sed -nE "s/^$2\(([^,]*,){$3} *\"?([A-Za-z0-9_]+).*/\2/p" "$SRC/src/$1"; }
bad=0
# passed TABLE ROWS EVIDENCE
passed()
{
	local lacking
	grep -q . "$2" || { echo "$1: no row is read here: has its macro another name?"; bad=1; }
	lacking=$(comm -23 <(sort -u "$2") <(sort -u "$3") | tr '\n' ' ')
	echo "$1: $(sort -u "$2" | wc -l) rows, not run: ${lacking:-none}"
	[ -z "$lacking" ] || bad=1
}

grep -E 'FULL|PARTIAL' "$SRC/src/syscalls/table.def" | sed -nE 's/^SYSCALL\([0-9]+, *([a-z0-9_]+),.*/\1/p' >rows
grep -aE '^[a-z0-9_]+\(.*\) += ([^-]|-[0-9]+$)' lines | sed 's/(.*//' >evidence
printf 'pkey_%s\n' alloc free >>evidence # -ENOSPC, -EINVAL: the CPU has no protection keys (probe q25_pkeys)
printf '%s\n' clock_settime settimeofday >>evidence # -EPERM: the clocks follow the host's (clock_calls)
echo io_cancel >>evidence # -EINVAL: nothing is ever on its way (aio)
printf '%s\n' swapon swapoff >>evidence # -EPERM, -EINVAL and a path's: there are no swap areas (admin_calls)
printf 'lsm_%s_self_attr\n' get set >>evidence # -EOPNOTSUPP: no security module gives attributes (admin_calls)
echo pivot_root >>evidence # -EINVAL and others: the root is never another mount (roots)
passed syscalls/table.def rows evidence

column mm/madvise.def MADV 1 | sed 's/^/MADV_/' >rows
grep -aE '^(process_)?madvise\(.*\) += [0-9]' lines | grep -oE 'MADV_[A-Z_]+' >evidence
passed mm/madvise.def rows evidence

column mm/vm_flags.def VM_FLAG 2 >rows
grep -aoE '\b(rd|wr|ex|mr|sh)( [a-z]{2})+' outputs | tr ' ' '\n' >evidence
passed mm/vm_flags.def rows evidence

column proc/signal.def SIGNAL 1 | sed 's/^/SIG/' >rows
grep -aE '^kill\(.*\) += 0' lines | grep -oE 'SIG[A-Z0-9]+' >evidence
passed proc/signal.def rows evidence

# /proc/PID/maps stands for the file of each process and thread.
sed -nE 's/^(PROC|SYSCTL|SYSCTL_AT)\(([A-Z0-9_]+), *"([^"]+)",[ 0-7]+, *([^,]+), *([^,]+).*/\2 \3 \4 \5/p' \
	"$SRC"/src/proc/procfs/{files,sysctl}.def | awk '
	BEGIN { path["ROOT"] = "/proc"; path["SYSFS"] = "/sys" }
	{ print path[$1] "/" $2 }
	$3 == "DIR" && !($4 in path) { path[$4] = path[$1] "/" $2 }' >rows
grep -aE '\) += [^-]' lines | grep -aoE '"/(proc|sys)/[^"]*"' | tr -d '"' | sed -E '
	s|^/proc/[0-9]+(/task/[0-9]+/)|/proc/PID\1|; s|^/proc/[0-9]+/task/[0-9]+$|/proc/PID/task/TID|
	s|^/proc/(PID/task/)?[0-9]+|/proc/PID|; s|/(fd\|fdinfo)/[0-9]+$|/\1/FD|
	s|/map_files/.*|/map_files/START-END|; s|/hugepages-[0-9]+kB|/hugepages-SIZE|' >evidence
passed procfs/files.def rows evidence
exit $bad
