# What children inherit: environment, directory, umask; exec.
A=1 B='two words' sh -c 'echo "$A $B"'
export C=3
D=4
sh -c 'echo "$C ${D-none}"'
unset C
sh -c 'echo "${C-none}"'
env -i E=5 /bin/busybox env
mkdir sub
(cd sub && touch made-here && ls && umask 077 && touch private && ls -l private | cut -c 1-10)
umask
cd sub
sh -c 'cd ..; ls -d sub'
ls made-here
cd - >/dev/null
(umask 027; sh -c umask; mkdir dir; ls -ld dir | cut -c 1-10; rmdir dir)
(exec echo "exec replaces")
(exec sh -c 'exec sh -c "exec echo three times"')
echo "level" | (exec cat)
rm -r sub
PATH=/nowhere
export PATH
(/bin/busybox echo "absolute still works")
(ls) 2>/dev/null || echo "no path, no ls"
