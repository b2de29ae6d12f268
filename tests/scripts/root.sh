# --root: a tree of its own, out of which no path leads; /dev, /proc and /sys are ours, whatever the tree has there.
# tags:
[ "$VELLUM" = native ] && { echo "an option of Vellum's"; exit 77; }
bad=0
busybox=$(command -v busybox)
mkdir -p tree/bin tree/etc tree/a/b outside && echo secret >outside/secret && echo own >tree/etc/name
cp "$busybox" tree/bin/busybox
for name in sh cat ls echo pwd readlink head; do ln -s busybox tree/bin/$name; done
out=$PWD/outside
ln -s "$out/secret" tree/absolute     # of the host: leads nowhere here
ln -s ../../../outside/secret tree/a/up
ln -s ../../../../../../../../.. tree/a/b/top
ln -s /etc/name tree/own              # absolute, and the tree's own
ln -s /proc/self tree/me

# says WANT COMMAND: in a shell with the tree as its root
says() {
	local got
	got=$("$VELLUM" --root tree sh -c "$2" 2>&1 </dev/null)
	[ "$got" = "$1" ] && return
	printf '%s\n  says   %s\n  wanted %s\n' "$2" "$got" "$1"
	bad=1
}
says / pwd
says own 'cat /own'
says own 'cd /a/b/top && cat etc/name'
says own 'cd a/b; cat ../../../../../etc/name'
says /bin/busybox 'readlink /proc/self/exe'
says /bin/busybox 'readlink /me/exe'
says / 'readlink /proc/self/root'
says / 'cd /bin/../..; pwd'
says gone "cat /absolute 2>/dev/null || echo gone"
says gone "cat /a/up 2>/dev/null || echo gone"
says gone "cat $out/secret 2>/dev/null || echo gone"
says gone "cat ..$out/secret 2>/dev/null || echo gone"
says gone "cat /proc/1/root$out/secret 2>/dev/null || echo gone"
says gone "cat /proc/self/cwd/../outside/secret 2>/dev/null || echo gone"
says gone 'cat /proc/../../outside/secret 2>/dev/null || echo gone'
says gone 'cat /dev/fd/../../../outside/secret 2>/dev/null || echo gone'
# A directory from outside, handed in: what is in it, but nothing above.
says secret 'cat <&3' 3<outside/secret
says 'secret gone' 'echo $(cat /proc/self/fd/3/secret) $(cat /proc/self/fd/3/../tree/etc/name 2>/dev/null || echo gone)' 3<outside

# Nor does a name of a socket, not even of one that is the host's since it is connected.
cp "$GUEST/unix_names" tree/bin/
for at in tree outside; do
	"$GUEST/unix_names" serve "$PWD/$at/socket" >"$at.served" &
done
while [ ! -S tree/socket ] || [ ! -S outside/socket ]; do sleep 0.02; done
says "connect: done
sendto: ENOENT
bind: ENOENT
connect: ENOENT
connect: ECONNREFUSED" "unix_names leave /socket $out/socket"
kill $(jobs -p); wait
[ ! -e outside/socket.made ] && ! grep -q out outside.served || { echo "a socket's name leads out"; bad=1; }
rm tree/socket tree/bin/unix_names
# Some sixty ways more, by calls that a shell has no words for.
cp "$GUEST/escapes" tree/bin/
before=$(ls -l outside)
for option in --seed=1 --read-only; do
	"$VELLUM" --root tree $option escapes "$out/secret" >out 2>/dev/null 3<&-
	[ "$(cat out)" = 'tried all' ] || { echo "$option:"; cat out; bad=1; }
done
[ "$(ls -l outside)" = "$before" ] && [ "$(cat outside/secret)" = secret ] || { echo "what is outside was changed"; bad=1; }
rm tree/bin/escapes

# /dev without a /dev in the tree
says 'console fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero' \
	'echo $(ls /dev | busybox grep -v userfaultfd)'
says '0000000 000000 000000
0000004' 'busybox od -N 4 /dev/zero | busybox sed "s/  */ /g"'
says '' 'echo x >/dev/null; cat /dev/null'
says 3 'busybox head -c 3 /dev/urandom | busybox wc -c'
says 'sh: write error: No space left on device' 'echo x >/dev/full'
says in 'echo in | cat /dev/stdin'
says out 'echo out >/dev/stdout'
says x 'echo x >/dev/shm/file; cat /dev/shm/file'
[ ! -e tree/dev ] && [ ! -e tree/proc ] || { echo "something was made in the tree"; bad=1; }
says 'a absolute bin dev etc me own proc sys' 'echo $(ls /)'
# ... and with one that only looks so
mkdir tree/dev tree/proc && echo false >tree/dev/null && echo false >tree/proc/version
says '' 'cat /dev/null'
says Linux 'busybox cut -d " " -f 1 /proc/version'
[ "$(cat tree/dev/null tree/proc/version)" = "$(printf 'false\nfalse')" ] || { echo "the tree's own /dev was written"; bad=1; }
rm -r tree/dev tree/proc

# What is made is made in the tree; the working directory stays if it is below it.
says '' 'echo made >/made; mkdir -p /new/dir'
[ "$(cat tree/made)" = made ] && [ -d tree/new/dir ] || { echo "nothing was made in the tree"; bad=1; }
[ "$(cd tree/a/b && "$VELLUM" --root ../.. pwd)" = /a/b ] || { echo "the working directory was left"; bad=1; }
echo 'only one' >tree/file
[ "$("$VELLUM" --root tree --read-only sh -c 'echo x >/file; cat /file; echo x >/dev/shm/y && cat /dev/shm/y' 2>/dev/null)" = \
	"$(printf 'only one\nx')" ] || { echo "--root with --read-only"; bad=1; }

# A dynamically linked program runs with the tree's libraries, not with the host's.
interp=/lib64/ld-linux-x86-64.so.2
cp /bin/true tree/bin/true
status=0
"$VELLUM" --root tree true 2>err || status=$?
[ "$status" = 127 ] && grep -q "^vellum: /[a-z/]*true: interpreter $interp: No such file or directory$" err ||
	{ echo "without libraries: exit status $status"; cat err; bad=1; }
mkdir -p tree/lib64 && cp -L "$interp" tree/lib64/
ldd /bin/true | grep -oE '/[^ ]+' | while read -r lib; do
	mkdir -p "tree${lib%/*}" && cp -L "$lib" "tree$lib"
done
"$VELLUM" --root tree true || { echo "with libraries: exit status $?"; bad=1; }

# What cannot be a root, and what is not in it
mistake() { # STATUS WORDS COMMAND...
	local status=0 want=$1 words=$2
	shift 2
	"$@" >out 2>err || status=$?
	[ "$status" = "$want" ] && [ "$(grep -c . err)" = 1 ] && grep -qE "^vellum: $words$" err && return
	echo "$*: exit status $status, not $want, or not: $words"
	cat err
	bad=1
}
mistake 125 '--root: no-such: No such file or directory' "$VELLUM" --root no-such sh
mistake 125 '--root: err: Not a directory' "$VELLUM" --root err sh
mistake 127 'no-such-program: not found in PATH' "$VELLUM" --root tree no-such-program
mistake 127 "$GUEST/hello-musl: No such file or directory" "$VELLUM" --root tree "$GUEST/hello-musl"
mistake 126 '/etc/name: not executable: no x in its mode' "$VELLUM" --root tree /etc/name
mistake 126 '/etc: is a directory' "$VELLUM" --root tree /etc
if [ "$(id -u)" = 0 ]; then # chroot(2) is root's
	"$VELLUM" compare --root tree sh -c 'cd /a; pwd; cat /own; cat /absolute; ls /a /a/b; readlink /own' >out || { cat out; bad=1; }
fi
exit $bad
