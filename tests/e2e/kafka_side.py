"""What the tests on a real Kafka share: the far side, a server on it, counts."""
import os
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402

lake.need_venv()
import far  # noqa: E402
import served  # noqa: E402
from told import check, finish  # noqa: E402

PINLINE = lake.pinline()


class Kafka:
    """The far side, and a folder for what belongs to it."""

    def __init__(self, values, folder):
        self.bootstrap = values["bootstrap"]
        self.kt_path = values["kt"]
        self.url = "kafka://" + self.bootstrap
        self.folder = folder

    def data(self, name):
        return os.path.join(self.folder, name)

    def kt(self, tool, *words, stdin=None):
        done = subprocess.run(
            [self.kt_path, tool, "--bootstrap-server", self.bootstrap, *words],
            input=stdin, capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{tool} {words}: {done.stderr.decode()[-800:]}")
        return done.stdout.decode()

    def pinline(self, name, *words, code=0, stdin=None):
        done = subprocess.run(
            [PINLINE, "--data", self.data(name), *words, "--broker", self.url],
            input=stdin, capture_output=True, timeout=300, check=False)
        if done.returncode != code:
            raise RuntimeError(f"pinline {words}: {done.returncode}, not {code}: "
                               f"{done.stderr.decode()[-800:]}")
        return done.stdout

    def kcat(self, *words, stdin=None):
        return subprocess.run(["kcat", "-q", "-b", self.bootstrap, *words],
                              input=stdin, capture_output=True, timeout=60,
                              check=True).stdout


class Server(served.Server):
    """pinline serve on this Kafka."""

    def __init__(self, k, name, *words):
        super().__init__(k.data(name), "--broker", k.url, *words, pipelines=True)


def name_of(word):
    """A topic of this case alone, whoever else uses the broker."""
    return f"{word}-{uuid.uuid4().hex[:8]}"


def run_cases(cases):
    """Each on one Kafka; words on the command line choose.  The exit status."""
    with far.side("kafka") as values, tempfile.TemporaryDirectory() as folder:
        k = Kafka(values, folder)
        for name in sys.argv[1:] or list(cases):
            began = time.monotonic()
            try:
                cases[name](k)
            except Exception as e:  # pylint: disable=broad-except
                check(False, f"{name} runs to its end", repr(e))
            print(f"# {name}: {time.monotonic() - began:.1f} s", flush=True)
    return finish()
