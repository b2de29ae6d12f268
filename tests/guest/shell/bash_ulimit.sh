# bash: ulimit.
ulimit -n 64; ulimit -n
(ulimit -n 32; ulimit -n)
ulimit -S -n 40; ulimit -S -n; ulimit -H -n
ulimit -n 100 2>/dev/null || echo "not above the hard limit"
ulimit -c 0; ulimit -c
ulimit -s 4096; ulimit -s; ulimit -S -s
ulimit -f 8
(trap '' XFSZ; head -c 100000 /dev/zero >toobig) 2>/dev/null || echo "too big"
stat -c %s toobig
rm toobig
(trap - XFSZ; head -c 100000 /dev/zero >toobig) 2>/dev/null
echo "status $?"
rm toobig
ulimit -t 100; ulimit -t
ulimit -n 20
for ((i = 3; i < 40; i++)); do eval "exec $i</dev/null" 2>/dev/null || { echo "$i fails"; break; }; done
