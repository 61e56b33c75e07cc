#!/usr/bin/env python3
"""Sums up a run of ctest: passed, failed and skipped per label, and the lines in which fixture tests count their cases.

usage: test_summary.py BUILD_DIR     reads test-results.xml (ctest --output-junit) there; exit status 1 when the run proves too little
"""
import collections
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

# "torch functional: 163 of 240": what tests against outside numbers print.
FIXTURE_LINE = re.compile(r"^(?:keras|torch) [a-z ]+: (\d+) of \d+$", re.MULTILINE)
OUTCOMES = {"run": "passed", "fail": "failed"}  # everything else did not run


def labels_by_test(build):
    listing = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True, capture_output=True, text=True)
    return {
        test["name"]: next((p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"), ["unlabelled"])
        for test in json.loads(listing.stdout)["tests"]
    }


def main():
    build = sys.argv[1]
    cases = xml.etree.ElementTree.parse(os.path.join(build, "test-results.xml")).getroot().findall("testcase")
    labels = labels_by_test(build)
    results = [(case.get("name"), OUTCOMES.get(case.get("status"), "skipped")) for case in cases]
    totals = collections.Counter(outcome for _, outcome in results)
    per_label = collections.defaultdict(collections.Counter)
    for name, outcome in results:
        for label in labels[name]:
            per_label[label][outcome] += 1
    fixture_lines = [line for case in cases for line in FIXTURE_LINE.finditer(case.findtext("system-out") or "")]

    for label, count in sorted(per_label.items()):
        print(f"{label:12} {count['passed']:5} passed {count['failed']:5} failed {count['skipped']:5} skipped")
    for line in fixture_lines:
        print(line.group(0))
    for outcome in ("failed", "skipped"):
        names = [name for name, result in results if result == outcome]
        if names:
            print(f"{outcome}:", ", ".join(names))
    empty = [line.group(0) for line in fixture_lines if line.group(1) == "0"]
    if empty:
        print("error: no case ran:", "; ".join(empty))
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return 1 if totals["failed"] or not totals["passed"] or empty else 0


if __name__ == "__main__":
    sys.exit(main())
