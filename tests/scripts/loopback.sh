# Loopback: servers in the guest with native clients, and the other way round, of AF_INET and AF_UNIX; --no-network.
# tags: quick
[ "$VELLUM" = native ] && { echo "about Vellum and programs outside"; exit 77; }
bad=0
fail() { echo "$*"; bad=1; }
busybox=$(command -v busybox)
many=$GUEST/inet_many

# 200 connections at once, each way.
both() { # SERVER... -- CLIENT...
	local serving=()
	while [ "$1" != -- ]; do serving+=("$1"); shift; done
	shift
	rm -f port
	timeout 60 "${serving[@]}" serve 200 port >served &
	timeout 60 "$@" ask 200 port >asked || fail "the client of ${serving[*]}"
	wait $! || fail "the server ${serving[*]}"
	[ "$(cat served asked)" = "served 200, echoed 500000
asked 200, 500000 right bytes" ] || fail "${serving[*]}: $(cat served asked)"
}
both "$VELLUM" "$many" -- "$many"
both "$many" -- "$VELLUM" "$many"
both "$VELLUM" "$many" -- "$VELLUM" "$many"

# busybox httpd and wget
mkdir www
head -c 300000 "$busybox" >www/big
port=
serve_http() { # SERVER...: at a free port
	local p
	for p in $(seq $((20000 + $$ % 20000)) $((20050 + $$ % 20000))); do
		"$@" "$busybox" httpd -f -p 127.0.0.1:"$p" -h www 2>/dev/null &
		server=$!
		for _ in $(seq 100); do
			kill -0 "$server" 2>/dev/null || continue 2
			if "$busybox" wget -q -O /dev/null "http://127.0.0.1:$p/big" 2>/dev/null; then
				port=$p
				return
			fi
			sleep 0.05
		done
	done
	fail "no httpd"
}
serve_http "$VELLUM"
timeout 60 "$busybox" wget -q -O - "http://127.0.0.1:$port/big" | cmp - www/big || fail "a native wget"
kill "$server"; wait "$server" 2>/dev/null
serve_http
timeout 60 "$VELLUM" "$busybox" wget -q -O - "http://127.0.0.1:$port/big" | cmp - www/big || fail "wget in Vellum"
"$VELLUM" --no-network "$busybox" wget -q -O - "http://127.0.0.1:$port/big" >out 2>&1 && fail "--no-network: wget works"
grep -q "Permission denied" out || fail "--no-network: $(cat out)"
kill "$server"; wait "$server" 2>/dev/null

# AF_UNIX: clients of servers outside, each way. All native, for comparison, first.
unix_pair() { # NAME SERVER-RUNNER CLIENT-RUNNER ARGS...
	local name=$1 runs_server=$2 runs_client=$3
	shift 3
	timeout 60 "$runs_server" "$GUEST/unix_outside" serve here "$@" >"$name.server" &
	timeout 60 "$runs_client" "$GUEST/unix_outside" ask here "$@" >"$name.client" || fail "$name: the client of AF_UNIX"
	wait $! || fail "$name: the server of AF_UNIX"
}
unix_pair all env env
unix_pair client env "$VELLUM"
unix_pair streams env env streams
unix_pair server "$VELLUM" env streams
unix_pair both "$VELLUM" "$VELLUM" streams
same() { # NAME AS
	diff "$2.server" "$1.server" || fail "AF_UNIX, $1: the server saw something else"
	diff "$2.client" "$1.client" || fail "AF_UNIX, $1: the client saw something else"
}
same client all
same server streams
same both streams

# A name is what the server answers to, whenever it was given.
for runner in env "$VELLUM"; do
	timeout 60 "$GUEST/unix_names" serve "$PWD/named" >"named.server" &
	while [ ! -S named ]; do sleep 0.02; done
	for when in before after; do
		timeout 30 "$runner" "$GUEST/unix_names" ask "$PWD/named" "$PWD/own.$when" "$when" >>"named.${runner##*/}" ||
			fail "a named client in $runner"
	done
	wait $! || fail "the server of named clients"
	mv named.server "served.${runner##*/}"; rm named
done
diff served.env "served.${VELLUM##*/}" || fail "the server saw other names"
# Of a line of the client's and one of the server's answer either may be first.
diff <(sort named.env) <(sort "named.${VELLUM##*/}") || fail "named clients saw something else"

timeout 60 "$GUEST/unix_outside" serve there >out &
server=$!
while [ ! -S there.stream ]; do sleep 0.02; done
sleep 0.1
timeout 1 "$VELLUM" --no-network "$GUEST/unix_outside" ask there >/dev/null 2>&1 && fail "--no-network: AF_UNIX goes out"
kill "$server"; wait "$server" 2>/dev/null

# What --no-network leaves: sockets between guest tasks, and tables without rows.
"$VELLUM" --no-network "$busybox" cat /proc/net/tcp /proc/net/unix >out || fail "/proc/net"
[ "$(wc -l <out)" -eq 2 ] || fail "--no-network: /proc/net has rows"
exit $bad
