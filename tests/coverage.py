#!/usr/bin/env python3
"""coverage.py GCOVR_JSON - lines and functions that ran, by folder of src/, as docs/testing.md has them,
and the functions that never ran. `make coverage` calls it; gcovr, which it follows, is Python, too."""
import collections
import json
import os
import sys


def percent(part, whole):
    return f"{100 * part / whole:.1f}" if whole else "-"


def main(path):
    lines = collections.defaultdict(lambda: [0, 0])
    functions = collections.defaultdict(dict)
    with open(path, encoding="utf-8") as text:
        files = json.load(text)["files"]
    for file in files:
        folder = os.path.dirname(file["file"])
        if not folder.startswith("src/"):
            continue
        for line in file["lines"]:
            if not line["gcovr/noncode"]:
                lines[folder][0] += line["count"] > 0
                lines[folder][1] += 1
        for function in file["functions"]:
            name = file["file"], function["name"]
            ran = functions[folder].get(name, 0) + function["execution_count"]
            functions[folder][name] = ran
    print("| folder | lines | of | percent | functions | of | percent |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    total = [0, 0, 0, 0]
    for folder in sorted(lines):
        ran = sum(count > 0 for count in functions[folder].values())
        row = *lines[folder], ran, len(functions[folder])
        total = [a + b for a, b in zip(total, row)]
        print(f"| {folder} | {row[0]} | {row[1]} | {percent(*row[:2])} | {row[2]} | {row[3]} | "
              f"{percent(*row[2:])} |")
    print(f"| all | {total[0]} | {total[1]} | {percent(*total[:2])} | {total[2]} | {total[3]} | "
          f"{percent(*total[2:])} |")
    print("\nFunctions that never ran:")
    for folder in sorted(functions):
        for (file, name), count in sorted(functions[folder].items()):
            if not count:
                print(f"{file}: {name}")


main(sys.argv[1])
