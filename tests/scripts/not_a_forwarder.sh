# The guest's memory calls never become the host's: 10,000 more of each in the guest leave the
# host's counts as they were.
# tags:
[ "$VELLUM" = native ] && { echo "about Vellum's own calls"; exit 77; }
[ "$ENABLE_ASAN" = yes ] && { echo "the sanitizer's own calls would be counted"; exit 77; }
command -v strace >/dev/null || { echo "strace is not installed"; exit 77; }
strace -o probe true 2>/dev/null || { echo "strace may not trace here"; exit 77; }
bad=0
for n in 1 10000; do
	strace -f -c -U calls,name -e trace=mmap,munmap,brk,mprotect,mremap,madvise,clone,clone3,fork \
		-o "counts.$n" "$VELLUM" "$GUEST/mm_calls" "$n" >"out.$n" || exit
	cat "out.$n"
done
for call in mmap munmap brk mprotect mremap madvise clone; do
	few=$(awk -v c=$call '$2 == c { print $1 }' counts.1)
	many=$(awk -v c=$call '$2 == c { print $1 }' counts.10000)
	echo "$call: ${few:-0} host calls with 1 guest call of each, ${many:-0} with 10,000"
	# The prefault of guest RAM may take a few more madvise calls; never one for each of the guest's.
	[ "$((${many:-0} - ${few:-0}))" -le 20 ] || bad=1
	# Vellum itself maps memory: where none is seen, strace has counted nothing.
	[ $call != mmap ] || [ "${few:-0}" -gt 0 ] || { echo "no mmap at all"; bad=1; }
done
exit $bad
