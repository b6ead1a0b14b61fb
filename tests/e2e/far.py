"""The real programs of tools/far-sides, for tests:

    with far.side("kafka", "--brokers", "3") as kafka:
        kafka["bootstrap"]

An instance lives in a folder of its own for the length of the block.  Where
PINLINE_FAR_<NAME> names the folder of one that runs already, that is used and
left running (handy while writing a test).  What PINLINE_FAR_<NAME>_OPTIONS says
goes behind the options: one test, another version of its far side.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile

from lake import ROOT
from told import skip_all

TOOL = os.path.join(ROOT, "tools", "far-sides")
# librdkafka starts C11 threads, which the thread sanitizer does not know: its
# first allocation in one ends the program
KAFKA_RUNS = "tsan" not in os.path.basename(os.environ.get("PINLINE_BUILD", ""))


def call(name, verb, *options, timeout=2000):
    """Runs tools/far-sides; returns its key=value lines as a dict."""
    out = subprocess.run([TOOL, name, verb, *options], stdout=subprocess.PIPE,
                         stdin=subprocess.DEVNULL, text=True, timeout=timeout,
                         check=True).stdout
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


@contextlib.contextmanager
def side(name, *options):
    if name == "kafka" and not KAFKA_RUNS:
        skip_all("librdkafka does not run under the thread sanitizer")
    given = os.environ.get("PINLINE_FAR_" + name.upper())
    folder = given or tempfile.mkdtemp(prefix=f"pinline-{name}.")
    more = os.environ.get(f"PINLINE_FAR_{name.upper()}_OPTIONS", "").split()
    try:
        values = call(name, "start", "--dir", folder, *options, *more)
        values["dir"] = folder
        yield values
    finally:
        if not given:
            call(name, "stop", "--dir", folder)
            shutil.rmtree(folder, ignore_errors=True)
