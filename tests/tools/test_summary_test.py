"""tools/test_summary.py counts per label what ctest ran, repeats fixture lines, and fails on runs that prove too little."""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "test_summary.py")


class TestSummaryTest(unittest.TestCase):
    def summarize(self, *tests):
        """Runs ctest on (name, label, shell command) triples; returns the exit status and the lines of the summary."""
        with tempfile.TemporaryDirectory() as build:
            with open(os.path.join(build, "CTestTestfile.cmake"), "w", encoding="utf-8") as file:
                for name, label, command in tests:
                    file.write(f'add_test({name} "/bin/sh" "-c" "{command}")\n')
                    file.write(f"set_tests_properties({name} PROPERTIES LABELS {label} SKIP_RETURN_CODE 4)\n")
            subprocess.run(["ctest", "--output-junit", "test-results.xml"], cwd=build, check=False, capture_output=True)
            done = subprocess.run([sys.executable, SCRIPT, build], check=False, capture_output=True, text=True)
            return done.returncode, done.stdout.splitlines()

    def test_counts_per_label_and_closing_line(self):
        status, lines = self.summarize(("a", "unit", "true"), ("b", "unit", "true"), ("c", "files", "true"))
        self.assertEqual(status, 0)
        self.assertEqual([line.split()[:3] for line in lines[:2]], [["files", "1", "passed"], ["unit", "2", "passed"]])
        self.assertEqual(lines[-1], "3 passed, 0 failed, 0 skipped")

    def test_a_failure_is_named_and_fails(self):
        status, lines = self.summarize(("a", "unit", "true"), ("b", "unit", "false"))
        self.assertEqual(status, 1)
        self.assertIn("failed: b", lines)
        self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")

    def test_a_skipped_test_is_named(self):
        status, lines = self.summarize(("a", "unit", "true"), ("gpu_test", "gpu", "exit 4"))
        self.assertEqual(status, 0)
        self.assertIn("skipped: gpu_test", lines)
        self.assertEqual(lines[-1], "1 passed, 0 failed, 1 skipped")

    def test_fixture_lines_are_repeated(self):
        status, lines = self.summarize(("a", "fixtures", "echo torch functional: 163 of 240"))
        self.assertEqual(status, 0)
        self.assertIn("torch functional: 163 of 240", lines)

    def test_fixtures_that_ran_no_case_fail(self):
        status, lines = self.summarize(("a", "fixtures", "echo keras infer: 0 of 12"))
        self.assertEqual(status, 1)
        self.assertIn("error: no case ran: keras infer: 0 of 12", lines)

    def test_no_test_at_all_fails(self):
        self.assertEqual(self.summarize()[0], 1)


if __name__ == "__main__":
    unittest.main()
