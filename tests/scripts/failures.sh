# Failure at every step: each system call of whole programs first lacks its first allocation, then its
# second, and so on (tests/syscalls/fail_each.c). What is printed is what is always printed, the checks
# hold after each failure, and at the end nothing is left.
# tags: quick
# limit: 600
[ "$VELLUM" = native ] && { echo "about Vellum's own allocator"; exit 77; }
tool=$BUILD/tests/syscalls/fail_each
[ -x "$tool" ] || { echo "tests/syscalls/fail_each was not built"; exit 1; }
export ASAN_OPTIONS=detect_leaks=0:exitcode=99:${ASAN_OPTIONS-} UBSAN_OPTIONS=exitcode=99:${UBSAN_OPTIONS-}
mem=64 small=64M
[ "$ENABLE_ASAN" = yes ] && mem=256 small=256M
bad=0

# both WHAT... : the program as it is, and with failures, each in a folder of its own
both()
{
	plain=0 status=0
	[ -x "$GUEST/$1" ] || { echo "$1 was not built"; bad=1; return; }
	rm -rf box
	mkdir box
	(cd box && timeout -k 1 60 "$VELLUM" run --mem $small "$GUEST/$1" "${@:2}" >../plain 2>../plain.err </dev/null) || plain=$?
	rm -rf box
	mkdir box
	(cd box && timeout -k 1 100 "$tool" -m $mem -n "${times:-12}" "$GUEST/$1" "${@:2}" >../out 2>../err </dev/null) || status=$?
	echo "$*: $(tail -n 1 err)"
	grep -aE '^fail_each: .*, allocation|left behind|descriptors of|bug:|Sanitizer|runtime error' err && bad=1
	[ $status -ne 125 ] && [ $status -ne 99 ] && [ $status -ne 124 ] || { echo "exit status $status"; bad=1; }
}

# the same text and status, too
same()
{
	both "$@"
	[ $plain = $status ] || { echo "exit status $status, not $plain"; bad=1; }
	diff -a plain out >diffs || { head -n 20 diffs; bad=1; }
}

for program in files memory sysvshm memfd_seals sockets userfaults userfault_device xattrs polls pipe_pairs \
	text_busy sendfile_kinds inet vm_sysctl membarrier memory_merge sys_corners sys_dirs sys_limits proc_access \
	futex_pi futex_waitv seccomp_notify mempolicy memfd_secret hugetlb_empty prctl_mm madvise_kinds; do
	same $program
done
for how in cow groups orphans robust shares waits; do
	same processes $how
done
for how in altstacks blocking torture; do
	same signals $how
done
# Here a part may be done, as in Linux: a short write, a signal without its siginfo, a call counted twice.
for program in devshm pidfds sys_signals mm_reviewed pipes proc_small inet_msgs ptraces ptrace_events ptrace_debug socket_oob socket_msgs; do
	both $program
done
both storm 1 4 100
both random_sockets 1 2 200
for seed in 1 2 3; do
	both random_calls $seed 1000
done
exit $bad
