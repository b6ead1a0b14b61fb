"""What the tests share: the program, the real rows, the libraries."""
import glob
import os
import sys

import told

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("PINLINE_ROOT", os.path.dirname(os.path.dirname(HERE)))
CACHE = os.environ.get("PINLINE_CACHE", os.path.join(ROOT, ".cache"))
VENV = os.path.join(CACHE, "venv", "test")
SKIP = told.SKIP


def pinline():
    """$PINLINE; else what `make check` built, or a build of one's own."""
    made = [os.path.join(ROOT, "build", b, "src", "pinline") for b in ("meson-test", "")]
    return os.path.abspath(os.environ.get("PINLINE") or next(filter(os.path.exists, made), made[0]))


def shared(*names):
    """The folder of real rows, or what else is beside it, there or not."""
    path = os.environ.get("PINLINE_SHARED", os.path.join(ROOT, "..", "shared"))
    return os.path.abspath(os.path.join(path, *(names or ("data",))))


def libraries():
    """Makes what tools/get-test-deps installed importable, where it is there."""
    sys.path[:0] = glob.glob(VENV + "/lib/python3*/site-packages")


def need_venv():
    """Run on in the Python that has delta-rs (tools/get-test-deps)."""
    python = os.path.join(VENV, "bin", "python")
    if sys.prefix == VENV:
        return
    if not os.path.exists(python) or os.environ.get("LAKE_VENV"):
        told.skip_all("tools/get-test-deps was not run")
    os.environ["LAKE_VENV"] = "1"
    os.execv(python, [python, *sys.argv])
