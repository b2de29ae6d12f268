# Not a forwarder: while a shell runs 500 commands, the host sees no fork, no clone and one execve,
# that of Vellum itself.
# tags:
[ "$VELLUM" = native ] && { echo "about Vellum's own calls"; exit 77; }
[ "$ENABLE_ASAN" = yes ] && { echo "the sanitizer's own calls would be counted"; exit 77; }
command -v strace >/dev/null || { echo "strace is not installed"; exit 77; }
strace -o probe true 2>/dev/null || { echo "strace may not trace here"; exit 77; }
cat >commands.sh <<'END'
i=0
while [ $i -lt 250 ]; do
	busybox echo $i >>numbers
	(exit 0) | busybox cat
	i=$((i + 1))
done
busybox wc -l <numbers
END
strace -f -o calls -e trace=clone,clone3,fork,vfork,execve,execveat \
	"$VELLUM" -E PATH="$DATA/bin" "$(command -v busybox)" sh commands.sh >out || exit
cat out calls
[ "$(tr -d ' ' <out)" = 250 ] || exit
[ "$(grep -cE 'execve(at)?\(' calls)" -eq 1 ] || { echo "a host execve for the guest"; exit 1; }
if grep -E '(clone3?|v?fork)\(' calls; then
	echo "the host forked for the guest"
	exit 1
fi
