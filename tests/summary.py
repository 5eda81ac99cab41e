#!/usr/bin/env python3
"""Adds up what the test programs reported: 'N passed, N failed, N skipped' on the last line.

Reads meson's testlog.json. Criterion programs end in 'Synthesis: Tested: A | Passing: B | ...',
scripts in 'N passed, N failed[, N skipped]'. A program that reports nothing counts as one test.
"""
import json
import re
import sys

CRITERION = re.compile(r"Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def counts(entry):
    """(passed, failed, skipped) of one test program."""
    text = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
    good = entry["result"] in ("OK", "EXPECTEDFAIL")
    if entry["result"] == "SKIP":
        return 0, 0, 1
    found = CRITERION.findall(text)
    if found:
        tested, passed, failed, crashed = (int(n) for n in found[-1])
        result = passed, failed + crashed, tested - passed - failed - crashed
    else:
        found = PLAIN.findall(text)
        if not found:
            return (1, 0, 0) if good else (0, 1, 0)
        result = tuple(int(n or 0) for n in found[-1])
    if not good and result[1] == 0:  # died or timed out after its last report
        result = result[0], 1, result[2]
    return result


def main(path):
    total = [0, 0, 0]
    with open(path) as log:
        for line in log:
            entry = json.loads(line)
            result = counts(entry)
            total = [a + b for a, b in zip(total, result)]
            print(f"{entry['name']:<32} {result[0]:>5} passed {result[1]:>3} failed "
                  f"{result[2]:>3} skipped {entry['duration']:8.1f} s")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
