"""What the tests of tables share: the program, the real rows, the readers."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("PINLINE_ROOT", os.path.dirname(os.path.dirname(HERE)))
SKIP = 77  # what meson takes for skipped


def pinline():
    return os.path.abspath(os.environ.get(
        "PINLINE", os.path.join(ROOT, "build", "src", "pinline")))


def shared():
    """The folder of real rows, there or not."""
    path = os.environ.get("PINLINE_SHARED", os.path.join(ROOT, "..", "shared"))
    data = os.path.join(path, "data")
    return os.path.abspath(data if os.path.isdir(data) else path)


def need_venv():
    """Run on in the Python that has delta-rs (tools/get-test-deps)."""
    cache = os.environ.get("PINLINE_CACHE", os.path.join(ROOT, ".cache"))
    python = os.path.join(cache, "venv", "test", "bin", "python")
    if sys.prefix == os.path.join(cache, "venv", "test"):
        return
    if not os.path.exists(python) or os.environ.get("LAKE_VENV"):
        print("# skipped: tools/get-test-deps was not run")
        sys.exit(SKIP)
    os.environ["LAKE_VENV"] = "1"
    os.execv(python, [python, *sys.argv])
