# mm/, fs/, proc/ and syscalls/ take nothing from the host's heap, and ask the host's kernel only through
# base/'s host_x(): what they use from outside Vellum computes, and no more.
# tags: quick
. "$SRC/tests/scripts/rules.bash"
# Strings; constant names of an errno; an address of the network as text; a hash, for KSM; what gcc (stpcpy, too),
# clang and the linker put in.
pure='^(mem(chr|cmp|cpy|move|set)|bcmp|stpcpy|str(cat|chr|chrnul|cmp|cpy|cspn|len|ncmp|nlen|pbrk|rchr|spn|str)|v?snprintf|strtou?l|
	|strerror(desc|name)_np|inet_ntop|XXH64|__popcountdi2|_GLOBAL_OFFSET_TABLE_)$'
cat >exceptions <<'END'
__errno_location  strtoul() says there that a number is too large; else errno is base/'s alone
fprintf           a test prints docs/compat.md with it (syscalls/compat.c)
fputc             what the compiler makes of it
fwrite            what the compiler makes of it
END
symbols $every >all || { tail -n 1 all; exit 77; }
awk -v pure="${pure//[$'\n\t']/}" '
	$2 != "U" { ours[$3]; next }
	$1 ~ /^src\/(mm|fs|proc|syscalls)\// && $3 !~ pure { user[$3] = $1 }
	END { for (name in user) if (!(name in ours)) print name, user[name] }' all >found
excepted exceptions found uses
