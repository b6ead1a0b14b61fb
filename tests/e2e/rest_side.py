"""What the tests of Kafka REST share: a server on either broker, its clients.

    main(run)   runs it on the embedded topics, or with the word "kafka" on a
                Kafka that is started for it; the exit status
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import far
import lake
import served
from lake import ROOT  # noqa: F401
from served import PINLINE
from told import check, finish, skip_all

lake.libraries()
try:
    import requests
except ImportError:
    skip_all("requests is not installed")

V2 = "application/vnd.kafka.v2+json"
JSON = "application/vnd.kafka.json.v2+json"
BROKER = []  # options that choose the broker
FAR = {}     # what the far side told, if there is one
SANITIZED = "san" in os.environ.get("PINLINE_BUILD", "")


class Server(served.Server):
    """pinline serve; with `data` on a folder that is there, and stays."""

    def __init__(self, *options, topics=(), data=None):
        self.keep = data is not None
        self.told = False
        data = data or tempfile.mkdtemp(prefix="pinline-clients.")
        for name, n in topics:
            subprocess.run([PINLINE, "--data", data, "topics", "create", name,
                            "--partitions", str(n), *BROKER], check=True,
                           stdout=subprocess.DEVNULL)
        super().__init__(data, *BROKER, *options,
                         stderr=None if SANITIZED else subprocess.DEVNULL)

    def __exit__(self, *_):
        began = time.time()
        self.terminate()
        code = self.process.wait(timeout=30)
        self.took = time.time() - began
        self.process.stdout.close()
        if not self.keep:
            shutil.rmtree(self.data, ignore_errors=True)
        check(code == 0 and self.took < 12, "it stops", f"{code} after {self.took:.1f} s")

    def terminate(self):
        """Once; a second SIGTERM would end it at once."""
        if not self.told:
            self.process.send_signal(signal.SIGTERM)
            self.told = True

    def kill(self):
        self.stop(signal.SIGKILL)

    def memory(self, what="VmHWM"):
        """Bytes, as the kernel tells them: the peak, or VmRSS."""
        return self.kb(what) * 1024

    def produce(self, topic, values, **record):
        r = requests.post(f"{self.url}/topics/{topic}", headers={"Content-Type": JSON},
                          data=json.dumps({"records": [{"value": v, **record} for v in values]}))
        assert r.status_code == 200, r.text
        return r.json()["offsets"]

    def consumer(self, group, name, **conf):
        r = requests.post(f"{self.url}/consumers/{group}", headers={"Content-Type": V2},
                          json={"name": name, "format": "json", "auto.offset.reset": "earliest", **conf})
        assert r.status_code == 200, r.text
        return r.json()["base_uri"]


def post(url, body):
    return requests.post(url, data=json.dumps(body), headers={"Content-Type": V2})


def records(uri, key=None, **query):
    headers = {"Accept": JSON}
    if key:
        headers["Idempotency-Key"] = key
    r = requests.get(uri + "/records", params=query, headers=headers, timeout=60)
    assert r.status_code == 200, r.text
    return r.json()


def read_all(uri, n, seconds=30):
    got = []
    until = time.time() + seconds
    while len(got) < n and time.time() < until:
        got += records(uri, timeout=500)
    return got


def token_file():
    path = os.path.join(tempfile.mkdtemp(prefix="pinline-token."), "token")
    with open(path, "w", encoding="ascii") as f:
        f.write("right-token-1\n")
    os.chmod(path, 0o600)
    return path


def main(run):
    kind = (sys.argv[1:] or ["embedded"])[0]
    if kind == "kafka":
        with far.side("kafka") as kafka:
            FAR.update(kafka)
            BROKER.extend(["--broker", "kafka://" + kafka["bootstrap"]])
            run(kind)
    else:
        run(kind)
    return finish()
