# A small history in git: commits, branches, merges, packs and checks. Prints the same on each run.
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' HOME=/nonexistent
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_NOSYSTEM=1
git init -q -b main repo && cd repo || exit
for i in 1 2 3 4 5; do
	seq $((i * 1000)) >"file$i"
	git add . && git commit -q -m "commit $i"
done
git checkout -q -b side && echo side >new && git add new && git commit -q -m side
git checkout -q main && git merge -q --no-ff -m merged side
git gc -q && git fsck
git log --oneline --stat | tail -20
git diff --stat HEAD~3
git blame file1 | head -3
git grep -n 777 | head
git clone -q . ../copy && git -C ../copy rev-parse HEAD
cd .. && rm -rf repo copy
