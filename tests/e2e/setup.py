#!/usr/bin/env python3
"""tools/setup on a machine that lacks packages: what it says and does there.

dpkg-query, apt-get, id and sudo are stand-ins that tell what they were asked.
"""
import os
import shutil
import subprocess
import sys
import tempfile

from lake import ROOT
from told import check, finish

TOOL = os.path.join(ROOT, "tools", "setup")
NEEDS = ("basename", "bash", "cat", "comm", "env", "mktemp", "python3", "rm", "sed", "sort", "tail", "tr")
SAID = 'echo "$(basename "$0") $*" >> "$CALLS"\n'


class Machine:
    """A PATH of its own; user: what `id -u` says."""

    def __init__(self, folder, user, have=(), sudo=False, apt=0):
        self.calls = os.path.join(folder, "calls")
        self.path = os.path.join(folder, "bin")
        os.makedirs(self.path)
        for name in NEEDS:
            os.symlink(shutil.which(name), os.path.join(self.path, name))
        self.put("id", f"echo {user}")
        self.put("dpkg-query", "".join(f"echo installed {p}\n" for p in have))
        self.put("apt-get", SAID + f"echo E: as planned; exit {apt}")
        if sudo:
            self.put("sudo", SAID + '[ "$1" = -n ] && exit 0\nexec "$@"')

    def put(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/bash\n" + text + "\n")
        os.chmod(path, 0o755)

    def setup(self, *tiers):
        return subprocess.run([TOOL, *tiers], env={"PATH": self.path, "CALLS": self.calls},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)

    def called(self):
        if not os.path.exists(self.calls):
            return []
        with open(self.calls, encoding="utf-8") as f:
            return f.read().splitlines()


def main():
    with tempfile.TemporaryDirectory() as folder:
        nobody = Machine(folder + "/nobody", 1000)
        done = nobody.setup("build")
        lines = done.stderr.splitlines()
        check(done.returncode == 1 and "administrator" in lines[0] and len(lines) == 2,
              "without root and sudo it says whom to ask", done.stderr)
        line = lines[-1].strip()
        check(line.startswith("apt-get update && apt-get install -y") and "meson" in line
              and "libmicrohttpd-dev" in line, "with the one line that is to be run", line)
        check(nobody.called() == [], "and runs nothing", nobody.called())
        have = line.split("--no-install-recommends ")[1].split()
        done = Machine(folder + "/whole", 1000, have).setup("build")
        check(done.returncode == 0 and done.stderr == "", "what is there is not asked for",
              done.stderr)
        done = Machine(folder + "/one", 1000, have[1:]).setup("build")
        check(done.stderr.splitlines()[-1].endswith("recommends " + have[0]),
              "only what is missing is", done.stderr)
        root = Machine(folder + "/root", 0)
        done = root.setup("build")
        check(done.returncode == 0 and root.called()[0] == "apt-get update"
              and "meson" in root.called()[1], "root installs it", root.called())
        lent = Machine(folder + "/lent", 1000, sudo=True)
        done = lent.setup("build")
        check(done.returncode == 0 and any(c.startswith("sudo env") and "meson" in c
                                           for c in lent.called()), "so does sudo", lent.called())
        done = Machine(folder + "/broken", 0, apt=100).setup("build")
        check(done.returncode == 1 and "as planned" in done.stderr and "failed" in done.stderr,
              "what apt says is shown when it fails", done.stderr)
        done = root.setup("kitchen")
        check(done.returncode == 2 and "usage" in done.stderr, "an unknown tier is told", done)
    return finish()


sys.exit(main())
