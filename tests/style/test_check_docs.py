#!/usr/bin/env python3
"""test_check_docs.py - tools/check-docs passes what is right, fails what is not."""
import os
import subprocess
import sys
import tempfile

TOOL = os.path.join(os.environ.get("PINLINE_ROOT", "."), "tools", "check-docs")
CASES = [
    ("a command that works", 0, "1 passed, 0 failed", "```sh test\necho hi\n```\n"),
    ("a command that fails", 1, "0 passed, 1 failed", "```sh test\nfalse\n```\n"),
    ("a failure that is said", 0, "1 passed", "```sh test fails=3\nexit 3\n```\n"),
    ("its output", 0, "2 passed", "```sh test\necho took 3 s\n```\n\n```text\ntook ... s\n```\n"),
    ("other output", 1, "1 passed, 1 failed", "```sh test\necho a\n```\n```text\nb\n```\n"),
    ("output with other numbers", 0, "2 passed",
     "```sh test\necho took 1,234 in 0.5 s\n```\n```text like\ntook 9 in 12.25 s\n```\n"),
    ("other words beside numbers", 1, "1 passed, 1 failed",
     "```sh test\necho took 1,234 in 0.5 s\n```\n```text like\ntook 9 on 12.25 s\n```\n"),
    ("one folder for a document", 0, "2 passed",
     "```sh test\necho x > f\n```\n\nthen\n\n```sh test\ncat f\n```\n"),
    ("blocks not marked are left alone", 0, "0 passed, 0 failed", "```sh\nfalse\n```\n"),
    ("ports are free ones, the same in all blocks", 0, "2 passed",
     "```sh test\nA=127.0.0.1:18099 B='--port 18099'\n[ ${A#*:} = ${B#* } ] && "
     "[ ${A#*:} != 180''99 ] && echo at $A\n```\n```text\nat 127.0.0.1:18099\n```\n"),
    ("a port below 10000 is what it says", 0, "1 passed",
     "```sh test\nA=127.0.0.1:8082\n[ ${A#*:} = 80''82 ]\n```\n"),
    ("a command that a test runs", 0, "1 passed, 0 failed",
     "```sh run-by=tools/setup\nROWS=3 apt-get update  # so\n```\n"),
    ("a command that no test runs", 1, "0 passed, 1 failed",
     "```sh run-by=tools/embed\nexamples/no/run FOLDER\n```\n"),
    ("a test that is not there", 1, "0 passed, 1 failed", "```sh run-by=tests/no.py\nx\n```\n"),
    ("targets of make", 0, "1 passed, 0 failed", "```sh make\nmake help   # words\nmake run\n```\n"),
    ("a target that is not there", 1, "0 passed, 1 failed", "```sh make\nmake nothing\n```\n"),
    ("a configuration", 0, "1 passed, 0 failed", "```yaml\nrows: 3\n```\n"),
    ("a wrong configuration", 1, "0 passed, 1 failed", "```yaml\nrow: 3\n```\n"),
    ("a server", 0, "2 passed",
     "```sh test server\nbash -c 'echo http; sleep 100'\n```\n\n```sh test\necho ok\n```\n"),
]


def main():
    failed = 0
    for name, status, words, text in CASES:
        with tempfile.NamedTemporaryFile("w", suffix=".md") as f:
            f.write(text)
            f.flush()
            done = subprocess.run([TOOL, f.name], capture_output=True, text=True,
                                  check=False)
        good = done.returncode == status and words in done.stdout
        failed += not good
        print("ok" if good else "not ok", name)
        if not good:
            print(done.stdout, done.stderr)
    print(f"{len(CASES) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
