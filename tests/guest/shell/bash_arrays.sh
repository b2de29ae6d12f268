# bash: arrays, associative arrays, mapfile.
a=(one 'two words' three)
a+=(four)
a[10]=eleven
echo "${#a[@]} ${!a[*]} ${a[1]} ${a[-1]}"
for x in "${a[@]}"; do echo "<$x>"; done
echo "${a[@]:1:2}" "${a[@]/o/0}"
unset 'a[1]'
declare -p a
declare -A m=([x]=1 [y]=2)
m[z]=3
for k in $(printf '%s\n' "${!m[@]}" | sort); do echo "$k=${m[$k]}"; done
mapfile -t lines < <(seq 5 8)
echo "${lines[*]} ${#lines[@]}"
IFS=, read -ra parts <<<'p,q,r'
echo "${parts[2]}"
sorted=($(printf '%s\n' "${lines[@]}" | sort -rn))
echo "${sorted[0]}"
big=()
for ((i = 0; i < 3000; i++)); do big[i]=$((i * i)); done
echo "${big[2999]} ${#big[*]}"
str=abcdef
echo "${str:2:3} ${str^^} ${str/cd/-} ${str: -2}"
