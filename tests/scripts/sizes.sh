# What can be held in the head: no file over 900 lines, no function over 80, in src/ and tests/.
# tags: quick
cd "$SRC" || exit
find src tests -name '*.[chS]' -o -name '*.def' -o -name '*.sh' | sort | xargs awk -v longest_file=900 -v longest=80 '
	FNR == 1 { if (NR > 1) end_of_file(); file = FILENAME }
	{ lines = FNR }
	# As clang-format has it: a definition starts in the first column, and so do its two braces.
	/^[A-Za-z_]/ { start = FNR; name = $0 }
	/^}/ && body {
		functions++
		if (FNR - start + 1 > longest) {
			print file ":" start ": " FNR - start + 1 " lines: " name
			bad = 1
		}
	}
	/^{/ { body = 1 }
	/^}/ { body = 0 }
	END {
		end_of_file()
		print files " files, " functions " functions"
		exit bad || functions < 1000
	}
	function end_of_file() {
		files++
		if (lines > longest_file) {
			print file ": " lines " lines"
			bad = 1
		}
	}'
