"""`pinline serve`, for tests:

    with Server(folder + "/data", "--set", "max_body=1MB") as s:
        s.url, s.port, s.ports, s.produce("pin", [1, 2])

It listens on a free port of this machine unless the options say where, and runs
no pipelines unless asked to.  At the block's end it is sent SIGTERM and must end
with 0.
"""
import http.client
import json
import re
import signal
import subprocess
import time

import lake

PINLINE = lake.pinline()
V2 = "application/vnd.kafka.json.v2+json"


class Server:
    def __init__(self, data, *options, pipelines=False, before=(), log=None, **popen):
        """before: words in front of `serve`; log: the file that standard error
        is appended to; data: None for the one of the working directory."""
        words = [PINLINE, *before, *(["--data", data] if data else []), "serve"]
        words += [] if pipelines else ["--no-pipelines"]
        words += [] if "--listen" in options else ["--listen", "127.0.0.1:0"]
        if log:
            popen["stderr"] = open(log, "ab")
        self.data, self.log = data, log
        self.code, self.errors = None, ""
        self.began = time.monotonic()
        self.process = subprocess.Popen([*words, *options], stdout=subprocess.PIPE,
                                        text=True, **popen)
        if log:
            popen["stderr"].close()
        self.line = self.process.stdout.readline()
        self.took = time.monotonic() - self.began
        self.ports = [int(p) for p in re.findall(r"//[^ ,]*:(\d+)", self.line)]
        if not self.ports:
            self.stop()
            raise RuntimeError(f"serve did not start: {self.line!r} {self.said()}")
        self.port = self.ports[0]
        self.url = re.search(r"https?://[^ ,]*:\d+", self.line)[0]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.code is None and self.stop() != 0 and kind is None:
            raise RuntimeError(f"serve ended with {self.code}: {self.said()}")

    def said(self):
        """The end of what it wrote to standard error, where that was kept."""
        if self.log:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                return f.read()[-800:]
        return self.errors[-800:]

    def stop(self, sig=signal.SIGTERM, timeout=30):
        """The exit code; None when it did not end in time."""
        self.process.send_signal(sig)
        late = False
        try:
            self.code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.code, late = self.process.wait(), True
        self.process.stdout.close()
        if self.process.stderr:
            self.errors = self.process.stderr.read()
            self.process.stderr.close()
        return None if late else self.code

    def kb(self, field="VmRSS"):
        """Of the kernel's account: VmRSS is held now, VmHWM was at the most."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return int(re.search(field + r":\s+(\d+)", f.read())[1])

    def call(self, method, path, body=None, headers=None, timeout=30):
        """(status, text) of a request on a connection of its own."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            c.request(method, path, body, headers or {})
            answer = c.getresponse()
            return answer.status, answer.read().decode()
        finally:
            c.close()

    def get(self, path, timeout=30):
        return self.call("GET", path, timeout=timeout)

    def produce(self, topic, records, kind="json", **headers):
        """Posts records as a client of Kafka REST v2; (status, document)."""
        status, text = self.call(
            "POST", f"/topics/{topic}", json.dumps({"records": records}).encode(),
            {"Content-Type": V2.replace("json", kind, 1), **headers})
        return status, json.loads(text)
