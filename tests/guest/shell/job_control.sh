# A script with job control of its own (set -m), on a terminal: bash, by on_tty. Each function is one matter.
# It is long on purpose: what shells do all day, in one process that goes on.
set -m
shopt -s extglob nullglob
declare -i checks=0 failed=0
LC_ALL=C
# What bash says of jobs that are killed has pids of any width in it: to /dev/null.

# is NAME GOT WANTED
is() {
	checks+=1
	if [[ $2 == "$3" ]]; then
		printf 'ok %s\n' "$1"
	else
		printf 'not ok %s: %q, not %q\n' "$1" "$2" "$3"
		failed+=1
	fi
}

# state PID: the letter of /proc/PID/stat, or gone
state() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || { echo gone; return; }
	stat=${stat##*) }
	echo "${stat%% *}"
}

# field N: of our own /proc/self/stat, counted from the state
field() {
	local stat rest
	read -r stat <"/proc/$1/stat" || return
	read -r -a rest <<<"${stat##*) }"
	echo "${rest[$2]}"
}

# until_state PID LETTER: waits for it, five seconds
until_state() {
	local n
	for ((n = 0; n < 250; n++)); do
		[[ $(state "$1") == "$2" ]] && return
		sleep 0.02
	done
	return 1
}

# --- jobs and their groups ---------------------------------------------------------------------------

own_groups() {
	local a b
	sleep 100 &
	a=$!
	sleep 100 | cat &
	b=$!
	is 'a job leads its group' "$(field $a 2)" "$a"
	is 'a pipeline is one group' "$(($(field $b 2) != b && $(field $b 2) != a))" 1
	is 'the session is one' "$(field $a 3)" "$(field $$ 3)"
	is 'the terminal is one' "$(field $a 4)" "$(field $$ 4)"
	is 'we are in the foreground' "$(field $$ 5)" "$(field $$ 2)"
	is 'two jobs' "$(jobs -p | wc -l)" 2
	kill %1
	wait %1
	is 'killed by TERM' $? 143
	kill -KILL %2
	wait %2 2>/dev/null
	is 'killed by KILL' $? 137
	is 'no jobs' "$(jobs -r | wc -l)" 0
}

stopped_and_continued() {
	local pid
	sleep 100 &
	pid=$!
	kill -STOP $pid
	until_state $pid T
	is 'it is stopped' "$(state $pid)" T
	is 'jobs -s knows' "$(jobs -s | grep -c Stopped)" 1
	bg %% >/dev/null
	until_state $pid S
	is 'bg continues it' "$(state $pid)" S
	is 'jobs -r knows' "$(jobs -r | grep -c Running)" 1
	kill -TSTP $pid
	until_state $pid T
	env kill -TERM $pid # bash's own continues it, too
	is 'TERM waits for CONT' "$(state $pid)" T
	env kill -CONT $pid
	until_state $pid gone
	wait $pid
	is 'and then ends it' $? 143
}

foreground() {
	local got
	(sleep 0.05; exit 7) &
	fg %% >/dev/null
	is 'fg gives the status' $? 7
	got=$("$BASH" -c 'exec 2>/dev/null; read -r s </proc/self/stat; s=${s##*) }; set -- $s; [ "$3" = "$6" ] && echo in; [ "$3" = "$6" ] || echo out')
	is 'a substitution stays where we are' "$got" in
	"$BASH" -c 'kill -STOP $$; exit 4'
	is 'one that stops itself' $? 147
	fg >/dev/null
	is 'goes on in the foreground' $? 4
	is 'it is ours again' "$(field $$ 5)" "$(field $$ 2)"
}

reads_in_the_background() {
	local pid
	cat &
	pid=$!
	until_state $pid T
	is 'who reads in the background stops' "$(state $pid)" T
	is 'by TTIN' "$(jobs -l %% | grep -o 'tty input')" 'tty input'
	disown %%
	kill -KILL $pid
	stty tostop
	(echo not seen) &
	pid=$!
	until_state $pid T
	is 'who writes stops, too' "$(jobs -l %% | grep -o 'tty output')" 'tty output'
	disown %%
	kill -KILL $pid
	stty -tostop
}

# --- waiting -----------------------------------------------------------------------------------------

waiting() {
	local pids=() pid i got
	for i in 1 2 3 4 5; do
		(exit $i) &
		pids+=($!)
	done
	got=
	for pid in "${pids[@]}"; do
		wait $pid
		got+=$?
	done
	is 'each status' "$got" 12345
	sleep 100 &
	pid=$!
	(exit 9) &
	wait -n
	is 'wait -n takes the first' $? 9
	kill $pid
	wait $pid
	wait 1 2>/dev/null
	is 'not a child' $? 127
	trap 'got=trapped' USR1
	got=
	sleep 100 &
	pid=$!
	(sleep 0.1; kill -USR1 $$) &
	wait $pid
	is 'a trap ends wait' "$? $got" '138 trapped'
	trap - USR1
	kill $pid
	wait $pid
	false | true
	is 'a pipe is its last' $? 0
	(exit 3) | (exit 4) | true
	is 'PIPESTATUS' "${PIPESTATUS[*]}" '3 4 0'
	set -o pipefail
	(exit 3) | (exit 4) | true
	is 'pipefail' $? 4
	set +o pipefail
}

chld() {
	local n=0 i
	trap 'n=$((n + 1))' CHLD
	for i in 1 2 3; do
		cat </dev/null
	done
	trap - CHLD
	is 'a CHLD each' "$((n >= 3))" 1
}

# --- signals and traps -------------------------------------------------------------------------------

traps() {
	local got sig
	for sig in HUP INT QUIT TERM USR1 USR2 WINCH; do
		trap "got+=$sig," $sig
	done
	for sig in HUP INT QUIT TERM USR1 USR2 WINCH; do
		kill -$sig $$
	done
	is 'each trap' "$got" HUP,INT,QUIT,TERM,USR1,USR2,WINCH,
	trap - HUP INT QUIT TERM USR1 USR2 WINCH
	got=$(trap 'echo bye' EXIT; echo hello)
	is 'EXIT in a substitution' "$got" $'hello\nbye'
	got=$("$BASH" -c 'trap "" TERM; kill -TERM $$; echo alive')
	is 'ignored' "$got" alive
	{ (kill -SEGV $BASHPID); } 2>/dev/null
	is 'a subshell that dies' $? 139
	got=$("$BASH" -c 'trap "echo err" ERR; false; true')
	is 'ERR' "$got" err
	got=$("$BASH" -c 'f() { trap "echo ret" RETURN; :; }; f')
	is 'RETURN' "$got" ret
}

timeouts() {
	local x=old
	read -r -t 0.05 x < <(sleep 1)
	is 'read -t' "$(($? > 128))" 1
	timeout 0.1 sleep 10
	is 'timeout, in the background' "$(($? == 124 || $? == 143))" 1
}

# --- pipes, coprocesses, here documents --------------------------------------------------------------

plumbing() {
	local line got= i
	coproc UP { while read -r line; do echo "<$line>"; done; }
	for i in a b c; do
		echo "$i" >&"${UP[1]}"
		read -r line <&"${UP[0]}"
		got+=$line
	done
	is 'a coprocess' "$got" '<a><b><c>'
	eval "exec ${UP[1]}>&-"
	wait "$UP_PID" 2>/dev/null
	got=$(paste <(printf '1\n2\n') <(printf '3\n4\n'))
	is 'two substitutions' "$got" $'1\t3\n2\t4'
	got=$(tee >(tr a-z A-Z) <<<word | sort)
	is 'one to write to' "${got,,}" $'word\nword'
	got=$(cat <<-HERE
		$((6 * 7)) ${#BASH_VERSINFO[@]}
	HERE
	)
	is 'a here document' "$got" '42 6'
	mkfifo pipe
	echo through >pipe &
	read -r got <pipe
	wait
	is 'a fifo' "$got" through
	rm pipe
	exec 7<>file
	echo text >&7
	exec 7>&-
	is 'a descriptor' "$(<file)" text
	set -C
	{ echo more >file; } 2>/dev/null
	is 'noclobber' $? 1
	set +C
	rm file
}

# --- the language ------------------------------------------------------------------------------------

language() {
	local -A map=([one]=1 [two]=2 [three]=3)
	local -a list=({1..5})
	local -n ref=list
	local text=/a/path/to/some.tar.gz key sum=0
	for key in "${!map[@]}"; do
		sum=$((sum + map[$key]))
	done
	is 'a map' "$sum ${#map[@]}" '6 3'
	ref+=(6)
	is 'a reference' "${list[*]: -3}" '4 5 6'
	is 'suffix and prefix' "${text##*/} ${text%%.*} ${text/path/way}" 'some.tar.gz /a/path/to/some /a/way/to/some.tar.gz'
	is 'case' "${text^^[a-p]}" '/A/PAtH/tO/sOME.tAr.Gz'
	[[ 2024-02-29 =~ ^([0-9]+)-([0-9]+)-([0-9]+)$ ]]
	is 'a regex' "${BASH_REMATCH[*]:1}" '2024 02 29'
	is 'arithmetic' "$((0x1f ^ 2#101)) $((2 ** 62)) $((-7 / 2)) $((-7 % 2))" '26 4611686018427387904 -3 -1'
	is 'printf' "$(printf '%05d|%-4s|%x|%q' 42 ab 255 'a b')" '00042|ab  |ff|a\ b'
	case foobar in
	+(fo|ob)*) key=first ;;&
	*bar) key+=second ;;
	*) key+=third ;;
	esac
	is 'case goes on' "$key" firstsecond
	mkdir globs
	is 'globs' "$(cd globs; touch x{1..3}.c y.h; echo !(*.c) x[12].c none*)" 'y.h x1.c x2.c'
	rm -r globs
	mapfile -t list < <(seq 3)
	is 'mapfile' "${list[*]}" '1 2 3'
}

factorial() {
	local -i n=$1
	((n < 2)) && { echo 1; return; }
	echo $((n * $(factorial $((n - 1)))))
}

options() {
	local OPTIND=1 opt got=
	while getopts 'ab:c' opt -a -b value -c rest; do
		got+=$opt${OPTARG:+=$OPTARG},
	done
	is 'getopts' "$got" a,b=value,c,
	is 'recursion in subshells' "$(factorial 10)" 3628800
}

for matter in own_groups stopped_and_continued foreground reads_in_the_background waiting chld traps \
	timeouts plumbing language options; do
	echo "# $matter"
	$matter
done
wait
echo "$checks checks, $failed failed"
exit $((failed > 0))
