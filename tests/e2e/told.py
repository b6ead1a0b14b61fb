"""What a test tells: a line a check, and the closing line that tests/run adds up.

    from told import check, finish, skip
    check(got == want, "the rows are there", got)
    sys.exit(finish())

A program that dies before finish() prints no closing line and counts as failed.
"""
import re
import subprocess
import sys
import time

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$", re.M)
SKIP = 77  # what meson takes for skipped
counts = [0, 0, 0]  # passed, failed, skipped


def check(ok, name, *why):
    """One thing that must be so; why is shown where it is not."""
    counts[not ok] += 1
    print("ok" if ok else "not ok", name, *(() if ok else (str(w)[:3000] for w in why)),
          flush=True)


def named(name, ok, *why):
    """check for those who say the name first."""
    check(ok, name, *why)


def same(name, got, want):
    check(got == want, name, f"\n  got    {got!r:.900}\n  wanted {want!r:.900}")


def quickest(what, times=5):
    """Seconds of the fastest of so many calls: what it takes, and not what else
    the machine had to do meanwhile.  Bounds are multiples of it."""
    best = float("inf")
    for _ in range(times):
        began = time.monotonic()
        what()
        best = min(best, time.monotonic() - began)
    return best


def tries(what, bound, times=3):
    """Seconds of its calls until one took less than the bound: the machine may
    stall in one of them, and what is slow is so in all."""
    took = []
    while len(took) < times and (not took or took[-1] >= bound):
        began = time.monotonic()
        what()
        took.append(time.monotonic() - began)
    return took


def soon(look, seconds=60, pause=0.05, at_least=0.0):
    """look()'s first true answer, or its last: what is waited for comes much
    sooner, but a busy machine may take long."""
    until = time.monotonic() + seconds
    time.sleep(at_least)
    while not (got := look()) and time.monotonic() < until:
        time.sleep(pause)
    return got


def skip(why):
    """A part that cannot be tried here; tests/run shows why."""
    counts[2] += 1
    print("skip", why, flush=True)


def skip_all(why):
    skip(why)
    finish()
    sys.exit(SKIP)


def program(argv, name="", **more):
    """Another test program, whose checks count as one's own; several may run at
    a time, in threads: what one tells stays together, behind its name."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False, **more)
    print((f"# {name}\n" if name else "") + done.stdout, end="", flush=True)
    found = CLOSING.findall(done.stdout)
    if not found:
        check(False, f"{argv[0]} comes to its end", f"status {done.returncode}")
        return
    passed, failed, skipped = (int(n or 0) for n in found[-1])
    failed += done.returncode not in (0, SKIP) and failed == 0
    for i, n in enumerate((passed, failed, skipped)):
        counts[i] += n


def finish():
    """The closing line, and the exit status; a test that checked nothing failed."""
    if not any(counts):
        check(False, "something is checked")
    print("{} passed, {} failed, {} skipped".format(*counts), flush=True)
    return 1 if counts[1] else 0
