#!/usr/bin/env python3
"""tools/install: what it puts below a prefix works there, and --remove takes it away."""
import os
import subprocess
import sys
import tempfile

from lake import ROOT
from told import check, finish, same

PINLINE = os.environ["PINLINE"]
TOOL = os.path.join(ROOT, "tools", "install")


def tree(top):
    return sorted(os.path.relpath(os.path.join(at, f), top)
                  for at, _, files in os.walk(top) for f in files)


def tool(*words, **env):
    return subprocess.run([TOOL, *words, PINLINE], env=dict(os.environ, **env), text=True,
                          capture_output=True, timeout=60, check=False)


def works(top, prefix, folder):
    """The program below the prefix answers, without what it was built beside."""
    program = top + "/bin/pinline"
    env = {"PATH": "/usr/bin:/bin", "HOME": folder, "LD_DEBUG": "files"}
    done = subprocess.run([program, "-q", "run", "--rows", "50"], cwd=folder, env=env, text=True,
                          capture_output=True, timeout=120, check=False)
    check(done.returncode == 0 and "closes" in done.stdout, "the installed program does a run",
          done.stderr[-2000:])
    check(f"file={top}/lib/pinline/libduckdb.so " in done.stderr, "with the library that was installed",
          done.stderr[-2000:])
    done = subprocess.run(["bash", "-euc", f". {top}/share/bash-completion/completions/pinline\n"
                           "COMP_WORDS=(pinline topics l); COMP_CWORD=2; _pinline\n"
                           'echo "${COMPREPLY[@]}"'], text=True, capture_output=True, check=False)
    check({"list", "lag"} <= set(done.stdout.split()), "bash completes words of commands", done)
    with open(top + "/lib/systemd/system/pinline.service", encoding="utf-8") as f:
        check(f"ExecStart={prefix}/bin/pinline " in f.read(), "the unit starts the installed program")
    with open(top + "/share/man/man1/pinline-run.1", encoding="utf-8") as f:
        check(f.read().startswith(".TH PINLINE"), "there is a man page of each command")


def main():
    with tempfile.TemporaryDirectory() as folder:
        top = folder + "/stage/opt/pin"
        done = tool(PREFIX="/opt/pin", DESTDIR=folder + "/stage")
        check(done.returncode == 0 and top in done.stdout, "it installs below DESTDIR and PREFIX",
              done.stderr)
        there = tree(folder + "/stage")
        check(all(name.startswith("opt/pin/") for name in there), "and nowhere else", there)
        commands = [n for n in os.listdir(ROOT + "/docs/man") if n.endswith(".1")]
        same("every man page is there", len([n for n in there if n.endswith(".1")]), len(commands))
        check("opt/pin/share/doc/pinline/licences/yyjson.txt" in there,
              "licences of what is compiled in are there", there)
        modes = {n: os.stat(os.path.join(folder, "stage", n)).st_mode & 0o777 for n in there}
        same("only the program can be run", [n for n in there if modes[n] != 0o644],
             ["opt/pin/bin/pinline"])
        # a prefix of one's own, without DESTDIR
        own = folder + "/own"
        done = tool(PREFIX=own)
        check(done.returncode == 0, "a prefix of one's own", done.stderr)
        works(own, own, folder)
        done = tool("--remove", PREFIX=own)
        same("--remove leaves no file", (done.returncode, tree(own)), (0, []))
        done = tool(PREFIX="here")
        check(done.returncode == 2 and "absolute" in done.stderr, "a relative prefix is refused", done)
        done = tool(PREFIX="/proc/pin")  # where even root may not write
        check(done.returncode == 1 and "choose a PREFIX" in done.stderr, "no right to write is told",
              done)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
