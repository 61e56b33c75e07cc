"""Each rule of tools/check_tree fires on a tree that breaks it, and only that rule; a clean tree has no violation."""
import importlib.machinery
import importlib.util
import os
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "check_tree")
loader = importlib.machinery.SourceFileLoader("check_tree", SCRIPT)
check_tree = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_tree", loader))
loader.exec_module(check_tree)

PIPELINE = "Compilation compile_until() {\n}\n"
CLEAN = {
    "README.md": "the project\n" + PIPELINE,
    "CMakeLists.txt": "project(x)",
    ".gitignore": "/build/\n/build-*/\n*.pyc\n",
    "compiler/README.md": "",
    "compiler/compile.cc": '#include "runtime/array.h"\n' + PIPELINE,
    "compiler/codegen/README.md": "",
    "compiler/codegen/jit.cc": "#include <llvm/IR/IRBuilder.h>\n",
    "runtime/README.md": "",
    "runtime/array.h": "#include <vector>\n",
    "tests/README.md": "",
    "tests/runtime/README.md": "",
    "tests/runtime/array_test.cc": '#include "runtime/array.h"\n',
}


class CheckTreeTest(unittest.TestCase):
    def violations(self, changes, cross_cutting_tests=None):
        """Checks the clean tree with `changes` applied: path -> text, or None to leave the file out."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**CLEAN, **changes}.items():
                if text is not None:
                    os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                    with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                        file.write(text)
            return check_tree.check(root, cross_cutting_tests or {})

    def assert_one(self, changes, *parts, **options):
        found = self.violations(changes, **options)
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def test_clean_tree(self):
        self.assertEqual(self.violations({}), [])

    def test_six_hundred_lines_are_the_most(self):
        self.assertEqual(self.violations({"runtime/a.cc": "\n" * 600}), [])
        self.assert_one({"runtime/a.cc": "\n" * 601}, "runtime/a.cc", "601")
        self.assert_one({"tools/README.md": "", "tools/mica": "#!/bin/sh\n" + "\n" * 600}, "tools/mica", "601")
        self.assertEqual(self.violations({"README.md": PIPELINE + "\n" * 700}), [])

    def test_the_readme_quotes_the_pipeline(self):
        self.assert_one({"README.md": "the project"}, "README.md", "does not quote")
        self.assert_one({"compiler/compile.cc": '#include "runtime/array.h"\n'}, "compiler/compile.cc", "no function")

    def test_llvm_outside_codegen(self):
        self.assert_one({"compiler/a.cc": '\n#include "llvm/IR/Module.h"\n'}, "compiler/a.cc:2", "llvm/IR/Module.h")
        self.assert_one({"tests/compiler/README.md": "", "tests/compiler/compile_test.cc": "#include <llvm-c/Core.h>"}, "compile_test.cc:1")
        self.assertEqual(self.violations({"tests/compiler/README.md": "", "tests/compiler/codegen/jit_test.cc": "#include <llvm/IR/Module.h>"}), [])

    def test_dnnl_in_a_third_file(self):
        two = {"runtime/a.cc": "#include <dnnl.hpp>", "runtime/b.cc": '#include "oneapi/dnnl/dnnl.hpp"'}
        self.assertEqual(self.violations(two), [])
        self.assert_one({**two, "compiler/c.cc": "#include <dnnl.h>"}, "3 files", "compiler/c.cc")

    def test_layering(self):
        self.assert_one({"runtime/a.cc": '#include "compiler/compile.h"'}, "runtime/a.cc:1", "compiler/compile.h")
        self.assert_one({"runtime/a.cc": "#include <mica/mica.h>"}, "runtime/a.cc:1", "mica/mica.h")
        self.assert_one({"compiler/codegen/a.cc": '#include "frontend/graph/call.h"'}, "compiler/codegen/a.cc:1")
        readmes = {"frontend/README.md": "", "frontend/mica/README.md": "", "frontend/graph/README.md": ""}
        self.assertEqual(self.violations({**readmes, "frontend/graph/a.cc": '#include "compiler/compile.h"'}), [])
        self.assert_one({**readmes, "frontend/mica/a.h": '#include "compiler/graph/graph.h"'}, "frontend/mica/a.h:1")

    def test_slow_headers(self):
        self.assertEqual(self.violations({"runtime/a.cc": "#include <nlohmann/json.hpp>"}), [])
        self.assert_one({"runtime/a.h": "#include <nlohmann/json.hpp>"}, "runtime/a.h:1")
        self.assert_one({"runtime/a.h": "#include <CLI/CLI.hpp>"}, "runtime/a.h:1")

    def test_readmes_down_to_depth_two(self):
        self.assert_one({"runtime/README.md": None}, "runtime:")
        self.assert_one({"compiler/codegen/README.md": None}, "compiler/codegen:")
        self.assertEqual(self.violations({"compiler/codegen/deep/a.cc": "", "docs/a.md": ""}), [])

    def test_tests_mirror_the_tree(self):
        self.assert_one({"tests/runtime/other_test.cc": ""}, "tests/runtime/other_test.cc", "runtime/other.cc")
        listed = {"tests/runtime/other_test.cc": "crosses folders"}
        self.assertEqual(self.violations({"tests/runtime/other_test.cc": ""}, cross_cutting_tests=listed), [])
        self.assert_one({}, "not there", cross_cutting_tests=listed)
        self.assertEqual(self.violations({"tools/README.md": "", "tools/check": "", "tests/tools/README.md": "", "tests/tools/check_test.py": ""}), [])

    def test_top_level(self):
        self.assert_one({"notes.txt": ""}, "notes.txt")
        self.assert_one({"lib/a.cc": ""}, "lib:")
        self.assertEqual(self.violations({".clang-format": "", "build/x.cc": "", "build-asan/y.cc": "", "docs/a.md": ""}), [])

    def test_machine_paths(self):
        self.assert_one({"docs/a.md": "\nsee /" + "work/x\n"}, "docs/a.md:2")
        self.assert_one({"tools/README.md": "", "tools/a.py": "pip --index" + "-url x"}, "tools/a.py:1")
        self.assertEqual(self.violations({"docs/a.md": "the frame/work/ of https://example.org/work.html\n"}), [])


if __name__ == "__main__":
    unittest.main()
