#!/usr/bin/env python3
"""What `serve` tells while records come in: as text, as JSON, and to the real
systemd-journald, which runs in a private mount namespace (root only).

Also the systemd unit: systemd-analyze accepts it, and the readiness that it
waits for is told when the server answers.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from served import PINLINE, V2, Server
from told import check, finish, skip, soon

ROOT = os.environ["PINLINE_ROOT"]
JOURNALD = "/lib/systemd/systemd-journald"


def post(port, topic, records, request_id):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/topics/{topic}", json.dumps({"records": records}).encode(),
        {"Content-Type": V2, "X-Request-Id": request_id})
    with urllib.request.urlopen(request, timeout=60) as answer:
        check(answer.headers["X-Request-Id"] == request_id, "the request's id comes back")


def traffic(folder, form, env=None):
    """Three records in two requests to pin, one to geo; then SIGTERM."""
    server = Server(folder + "/" + form, before=["--log-format", form],
                    stderr=subprocess.PIPE, env=env)
    post(server.port, "pin", [{"value": {"index": 1}}, {"value": {"index": 2}}], "first")
    post(server.port, "geo", [{"value": {"ind": 1}}], "second")
    post(server.port, "pin", [{"value": {"index": 3}}], "third")
    time.sleep(1.3)  # a second's line is told; what comes now is told at the end
    post(server.port, "user", [{"value": 1}, {"value": 2, "partition": 7}], "fourth")
    check(server.stop() == 0, f"serve with --log-format {form} ends with 0")
    return server.errors


def complete(lines, name):
    """The lines, as dicts of texts, say what was stored."""
    pins = [l for l in lines if l.get("topic") == "pin"]
    check(sum(int(l["count"]) for l in pins) == 3, f"{name}: every record is told once", lines)
    check(min(int(l["offset_first"]) for l in pins) == 0
          and max(int(l["offset_last"]) for l in pins) == 2
          and {str(l["partition"]) for l in pins} == {"0"}, f"{name}: with its offsets", pins)
    check(sum(int(l["bytes"]) for l in pins) == 33, f"{name}: with its bytes", pins)
    check(pins[-1]["client"] == "127.0.0.1" and pins[-1]["request_id"] == "third",
          f"{name}: with client and request id", pins)
    check(len(pins) <= 2 and sum(int(l["requests"]) for l in pins) == 2,
          f"{name}: one line a topic and second", pins)
    users = [l for l in lines if l.get("topic") == "user"]
    check([(str(l["received"]), str(l["count"]), str(l["refused"])) for l in users]
          == [("2", "1", "1")], f"{name}: what was refused is told too, up to the end", users)


def of_text(out):
    return [{k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|\S+)', line)}
            for line in out.splitlines()]


def plain(folder):
    complete(of_text(traffic(folder, "text")), "text")
    complete([json.loads(l) for l in traffic(folder, "json").splitlines()], "JSON")
    if not os.path.exists("/run/systemd/journal/socket"):
        out = traffic(folder, "journal")
        check("no journal listens at /run/systemd/journal/socket: logging as text"
              in out.splitlines()[0], "a journal that is not there is told", out[:200])
        complete(of_text(out), "without a journal")


def notified(folder):
    path = folder + "/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(60)
        traffic(folder, "text", dict(os.environ, NOTIFY_SOCKET=path))
        check([s.recv(100), s.recv(100)] == [b"READY=1", b"STOPPING=1"],
              "the service manager hears when it is ready and when it stops")


def unit(folder):
    if not shutil.which("systemd-analyze"):
        skip("systemd-analyze is not here")
        return
    path = folder + "/pinline.service"
    with open(ROOT + "/packaging/pinline.service", encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("/usr/local/bin/pinline", PINLINE))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path],
                          capture_output=True, text=True, check=False)
    about = [l for l in done.stderr.splitlines() if "pinline" in l]
    check(done.returncode == 0 and not about, "systemd-analyze accepts the unit",
          done.stderr)
    done = subprocess.run(["systemd-analyze", "security", "--offline=true",
                           "--threshold=20", "--no-pager", path],
                          capture_output=True, text=True, check=False)
    check(done.returncode == 0, "and finds little that is exposed", done.stdout[-200:])


def journal(folder):
    """In the namespace: a journald of our own under a private /run."""
    subprocess.run(["mount", "-t", "tmpfs", "t", "/run"], check=True)
    os.makedirs("/run/systemd/journal")
    os.makedirs("/run/log/journal")
    journald = subprocess.Popen([JOURNALD], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
    try:
        soon(lambda: os.path.exists("/run/systemd/journal/socket"))
        err = traffic(folder, "journal")
        check(err == "", "nothing of it goes to standard error", err)

        def kept():
            out = subprocess.run(["journalctl", "-D", "/run/log/journal", "--quiet",
                                  "-t", "pinline", "-o", "json"], capture_output=True,
                                 text=True, check=True).stdout
            return [json.loads(l) for l in out.splitlines()]

        soon(lambda: any(l.get("TOPIC") == "user" for l in kept()), pause=0.5)
        lines = kept()
        complete([{k.lower(): v for k, v in l.items()} for l in lines], "journal")
        check({l["PRIORITY"] for l in lines} == {"4", "6"}, "priorities are syslog's")
        got = subprocess.run(["journalctl", "-D", "/run/log/journal", "--quiet",
                              "TOPIC=geo", "-o", "cat"], capture_output=True, text=True,
                             check=True).stdout
        check(got == "geo: 1 received, 1 stored\n", "journalctl TOPIC=geo finds it", got)
    finally:
        journald.terminate()
        journald.wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1:] == ["inside"]:
            journal(folder)
            return finish()
        plain(folder)
        notified(folder)
        unit(folder)
    if os.geteuid() != 0 or not os.path.exists(JOURNALD) or not shutil.which("unshare"):
        skip("a private journald wants root, unshare and systemd-journald")
    else:
        done = subprocess.run(["unshare", "-m", "--propagation", "private", sys.executable,
                               os.path.abspath(__file__), "inside"],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0, "the real journald has it all",
              done.stdout + done.stderr)
        print("".join("# " + l + "\n" for l in done.stdout.splitlines()), end="")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
