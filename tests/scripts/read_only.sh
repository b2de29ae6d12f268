# --read-only: what would change the host's files is refused as on a file system mounted read-only, and nothing changes.
# tags: quick
[ "$VELLUM" = native ] && { echo "an option of Vellum's"; exit 77; }
bad=0
mkdir -p folder/d && cd folder || exit
echo text >f; cp "$GUEST/hello-musl" x; ln -s f l; mkfifo p
touch -a -d '2001-02-03' f x # older than the rest, so that relatime would set it
state() { find . -printf '%p %i %m %U %G %s %T@ %C@ %A@ %l\n' | sort; }

state >/dev/null # reads the folders and links for the first time: their access times
state >../before
"$VELLUM" --read-only "$GUEST/read_only" >../out 2>&1 || { echo "exit status $?"; cat ../out; bad=1; }
"$VELLUM" --read-only ./x >/dev/null || bad=1
"$VELLUM" --read-only "$(command -v busybox)" sh -c 'cat f; ls -l . d; echo lost >f; : >new; rm -f f' >/dev/null 2>&1
state >../after
diff ../before ../after || { echo "something has changed"; bad=1; }
grep -c 'EROFS' ../out | grep -qE '^[4-9][0-9]$' || { echo "few were refused:"; cat ../out; bad=1; }
[ "$("$VELLUM" --read-only "$(command -v busybox)" head -n 1 /proc/mounts)" = 'host / hostfs ro,relatime 0 0' ] ||
	{ echo "/proc/mounts does not say so"; bad=1; }
# What was handed in open for writing stays so.
"$VELLUM" --read-only "$(command -v busybox)" sh -c 'echo kept; echo kept >&3' >../handed 3>>../handed
[ "$(cat ../handed)" = "$(printf 'kept\nkept')" ] || { echo "standard output was lost:"; cat ../handed; bad=1; }

# The real thing says the same, if we may have it.
if unshare -m sh -c 'mount --bind . . && mount -o remount,bind,ro .' 2>/dev/null; then
	unshare -m sh -c 'mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && exec "$1"' sh "$GUEST/read_only" >../native
	diff ../native ../out || { echo "not as on a read-only mount (<)"; bad=1; }
else
	echo "no mount of one's own here: not compared with one"
fi
exit $bad
