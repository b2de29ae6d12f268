# Exit statuses, and what set -e makes of them.
no_such_command_here 2>/dev/null
echo "not found: $?"
echo text >plain
chmod 644 plain
./plain 2>/dev/null
echo "not executable: $?"
rm plain
sh -c 'exit 77'
echo "child: $?"
{ sh -c 'kill -TERM $$'; } 2>/dev/null
echo "signal: $?"
{ sh -c 'kill -KILL $$'; } 2>/dev/null
echo "signal: $?"
true && echo and || echo or
false && echo and || echo or
(set -e; false; echo "not reached")
echo "set -e: $?"
(set -e; false || true; if false; then :; fi; ! true; echo "reached"; (exit 6); echo "not reached")
echo "set -e: $?"
(set -u; echo "$undefined_thing") 2>/dev/null
[ $? -ne 0 ] && echo "set -u"
cat absent 2>/dev/null || echo "cat: $?"
(exit 300)
echo "modulo: $?"
test 1 -eq 2; echo "test: $?"
sh -c 'nonsense (' 2>/dev/null
[ $? -ne 0 ] && echo "syntax"
printf '#!/bin/busybox sh\necho "script: $0 $*"\nexit 12\n' >script
chmod 755 script
./script a 'b c'
echo "status $?"
printf '#!/no/such/interpreter\n' >bad
chmod 755 bad
./bad 2>/dev/null
echo "bad interpreter: $(($? == 126 || $? == 127))"
rm script bad
(exit 1) || (exit 2) || (exit 3)
echo "last: $?"
exit 42
