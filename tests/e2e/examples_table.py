#!/usr/bin/env python3
"""docs/examples.md names steps of the examples' scripts: each exists, and no
step of a script is left out."""
import glob
import os
import re
import sys

from lake import ROOT
from told import check, finish

# starting a far side is no part of a description's sentence by itself
SCRIPTS = sorted(glob.glob(os.path.join(ROOT, "examples", "*", "run*")))


def steps(path):
    """What a script says that it does, in order."""
    with open(path, encoding="utf-8") as f:
        return re.findall(r'^(?:say "|echo "== )(.*)"$', f.read(), re.M)


def named():
    """(script, step) of every row."""
    found = []
    with open(os.path.join(ROOT, "docs", "examples.md"), encoding="utf-8") as f:
        for line in f:
            if not line.startswith("| ") or line.startswith("| in the"):
                continue
            script = ""
            for part in line.rsplit("|", 2)[1].split("; "):
                told = re.match(r"`([^`]+)`: (.*)", part.strip())
                script, step = told.groups() if told else (script, part.strip())
                found.append((script, step.strip()))
    return found


def main():
    have = {os.path.relpath(p, os.path.join(ROOT, "examples")): steps(p) for p in SCRIPTS}
    rows = named()
    check(len(rows) > 30, "the table has rows", str(len(rows)))
    missing = [r for r in rows if not any(s.startswith(r[1]) for s in have.get(r[0], []))]
    check(not missing, "every step that docs/examples.md names is in its script", str(missing))
    left = [(script, s) for script, all_steps in have.items() for s in all_steps
            if not any(r[0] == script and s.startswith(r[1]) for r in rows)]
    check(not left, "every step of the scripts is in docs/examples.md", str(left))
    return finish()


if __name__ == "__main__":
    sys.exit(main())
