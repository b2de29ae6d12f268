# What root runs, nobody runs, too: the quick guest cases that ask about rights, owners and limits, by uid 65534.
# tags:
# limit: 600
names='caps devshm sysvshm memfd-.* overcommit vm-sysctl maps memory membarrier memory-merge madvise-kinds mempolicy
	mm-.* hugetlb-.* pidfds prctl-.* proc-.* procps efault-all smaps-.* sys-.* userfaults? userfault-device
	uffd-races xattrs sendfile-kinds pipes polls pipe-pairs sockets socket-msgs inet inet-msgs inet-many fork-.* signal-.* dies-.*
	exec-chain text-busy elf-.* hello-.* find stat ls-l ash-.* sh-.*'
if [ "$(id -u)" != 0 ]; then
	echo "not root: all cases have run without rights already"
	exit 77
fi
command -v setpriv >/dev/null || { echo "setpriv is not installed"; exit 77; }
# The build tree may lie where nobody can go.
box=$(mktemp -d /tmp/nobody.XXXXXX) || exit
trap 'rm -rf "$box"' EXIT
mkdir -p "$box/tests/guest" "$box/out/guest"
cp -r "$SRC/tests/run" "$box/tests"
cp -r "$SRC/tests/guest/make-data" "$SRC/tests/guest/shell" "$SRC/tests/guest/tools" "$box/tests/guest"
cp -r "$DATA" "$box/out"
: >"$box/tests/guest/probes.list"
# One run of each is enough: not "tiny".
grep -E "^($(echo $names | tr ' ' '|'))  *\|.*quick" "$SRC/tests/guest/cases.list" |
	sed 's/ tiny / /' >"$box/tests/guest/cases.list"
grep -oE '\$GUEST/[A-Za-z0-9_-]+' "$box/tests/guest/cases.list" | sort -u | while IFS=/ read -r _ program; do
	[ ! -e "$GUEST/$program" ] || cp "$GUEST/$program" "$box/out/guest"
done
[ "$VELLUM" = native ] || { cp "$VELLUM" "$box/vellum" && VELLUM=$box/vellum; }
chmod -R a+rX "$box"
chown -R 65534:65534 "$box/out"
# MAKE: nothing is built again.
cd "$box/out" && setpriv --reuid=65534 --regid=65534 --clear-groups \
	env HOME=/ OUT="$box/out" GUEST_OUT="$box/out" VELLUM="$VELLUM" MAKE=true bash "$box/tests/run" --quick -j 1 | tee "$box/log"
status=${PIPESTATUS[0]}
sed -n 's/^FAIL .*: see //p' "$box/log" | xargs -r tail -n 30
exit "$status"
