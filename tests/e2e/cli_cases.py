#!/usr/bin/env python3
"""Transcripts of commands: tests/cases/cli/*.txt, each in an empty folder.

A line "$ COMMAND" is run by sh, with `pinline` being the program built; what
follows is what it prints (standard output, then standard error) and, when it
does not end with 0, a line "? CODE".  Lines before the first command are a
remark.  In output <time> stands for a time stamp, <n> for a number, <...> for
any text in a line.

    cli_cases.py [--write] [FILE...]    --write: make them say what is printed
"""
import difflib
import glob
import os
import re
import subprocess
import sys
import tempfile

import lake
from lake import ROOT

PINLINE = lake.pinline()


def run(command, folder, bin_folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PINLINE")}
    env = dict(env, PATH=bin_folder + ":" + os.environ["PATH"],
               NO_COLOR="1", COLUMNS="100")
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=240)
    text = done.stdout + done.stderr
    if text and not text.endswith("\n"):
        text += "\n"
    if done.returncode != 0:
        text += f"? {done.returncode}\n"
    return text


def agree(want, got):
    pattern = re.escape(want)
    pattern = pattern.replace("<time>", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    pattern = pattern.replace(re.escape("<...>"), r"[^\n]*?")
    return re.fullmatch(pattern.replace("<n>", r"\d+"), got) is not None


def kept(want, got):
    """What is printed, with the <...> of lines that stayed as they were."""
    marked = [line for line in want.splitlines(True) if "<" in line]
    return "".join(next((w for w in marked if agree(w, line)), line)
                   for line in got.splitlines(True))


def parts(text):
    """The remark, then (command, output) pairs."""
    remark, *rest = re.split(r"^\$ ", text, flags=re.M)
    return remark, [part.split("\n", 1) for part in rest]


def check(path, write):
    with open(path, encoding="utf-8") as f:
        remark, pairs = parts(f.read())
    ok = True
    out = [remark]
    with tempfile.TemporaryDirectory() as folder, \
            tempfile.TemporaryDirectory() as bin_folder:
        os.symlink(PINLINE, os.path.join(bin_folder, "pinline"))
        for command, want in pairs:
            got = run(command, folder, bin_folder)
            same = agree(want, got)
            if not same and not write:
                ok = False
                lines = difflib.unified_diff(want.splitlines(), got.splitlines(),
                                             "want", "got", lineterm="", n=0)
                print(f"  $ {command}", *list(lines)[:40], sep="\n    ")
            out.append(f"$ {command}\n{want if same else kept(want, got)}")
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(out))
    return ok


def main():
    args = sys.argv[1:]
    write = "--write" in args
    files = [a for a in args if a != "--write"] or sorted(
        glob.glob(os.path.join(ROOT, "tests/cases/cli/*.txt")))
    passed = failed = 0
    for path in files:
        ok = check(path, write)
        print("ok" if ok else "not ok", os.path.basename(path))
        passed += ok
        failed += not ok
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not files else 0


sys.exit(main())
