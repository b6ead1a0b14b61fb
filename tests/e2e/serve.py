#!/usr/bin/env python3
"""`pinline serve` as a user meets it: start, clients, limits, TLS, bad input.

Real clients: http.client, urllib, curl where it is there, and requests when
it can be imported.  Each message is the one a person reads (I9, I10, I12).
"""
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from served import PINLINE, V2, Server
from told import check, finish, quickest, skip, soon, tries



def start(folder, name, *options):
    return Server(os.path.join(folder, name), *options, stderr=subprocess.PIPE)


def refused(folder, name, words, *options, data=None):
    """A start that must fail, with the words and without a ready line."""
    done = subprocess.run(
        [PINLINE, "--data", data or os.path.join(folder, "no"), "serve", *options],
        capture_output=True, text=True, timeout=60, check=False)
    ok = done.returncode in (1, 2) and all(w in done.stderr for w in words) \
        and done.stdout == ""
    check(ok, f"{name} is refused with words", (done.returncode, done.stderr))


def starts(folder):
    once = quickest(lambda: subprocess.run([PINLINE, "--version"], check=True,
                                           stdout=subprocess.DEVNULL))
    took = []
    tries(lambda: took.append(start(folder, f"start{len(took)}")), max(2, 100 * once))
    check(took[-1].took < max(2, 100 * once), "it is ready soon", ([s.took for s in took], once))
    check({s.stop() for s in took} == {0}, "and ends with 0")
    s = start(folder, "first", "--listen", "127.0.0.1:0", "--listen", "localhost:0")
    check(len(s.ports) == 2, "two listeners, two ports in the ready line", s.line)
    rss = s.kb() * 1024
    check(rss < 20e6, "idle it takes less than 20 MB", rss)
    print(f"# ready in {took[-1].took * 1000:.0f} ms, {rss / 1e6:.1f} MB")
    for s.port in s.ports:
        check(s.call("GET", "/topics")[1] == '["geo","pin","user"]',
              "the topics of the configuration exist")
    mode = stat.S_IMODE(os.stat(s.data).st_mode)
    check(mode == 0o700, "the data directory is its owner's", oct(mode))
    refused(folder, "a second server", [str(s.process.pid)], "--listen",
            "127.0.0.1:0", data=s.data)
    refused(folder, "a port in use", ["the port is in use"], "--listen",
            f"127.0.0.1:{s.port}")
    check(s.call("GET", "/healthz")[0] == 200, "the first one goes on")
    check(s.stop(signal.SIGINT) == 0, "SIGINT ends it with 0")


def lands_by_itself(folder):
    with Server(os.path.join(folder, "lands"), "--set", "objects.flush_records=1",
                pipelines=True, stderr=subprocess.DEVNULL) as s:
        s.produce("pin", [{"value": 1}])
        landed = os.path.join(s.data, "lake", "topics", "pin", "**", "*.json")
        # that a line says it serves does not say that its pipelines run already
        check(soon(lambda: glob.glob(landed, recursive=True)), "the server lands a record")
        done = subprocess.run([PINLINE, "--data", s.data, "sink"], capture_output=True, text=True,
                              timeout=60, check=False)
        check(done.returncode == 1 and str(s.process.pid) in done.stderr
              and "--no-pipelines" in done.stderr, "`sink` beside a server that lands says so",
              done.stderr)


def bad_starts(folder):
    token = os.path.join(folder, "token")
    with open(token, "w") as f:
        f.write("secret-token-1\n")
    os.chmod(token, 0o644)
    none = os.path.join(folder, "none")
    refused(folder, "a token file that others read", [token, "chmod"],
            "--token-file", token)
    refused(folder, "a token file that is not there", [none], "--token-file", none)
    refused(folder, "listening to others without a token",
            ["0.0.0.0:0", "--token-file", "--insecure"], "--listen", "0.0.0.0:0")
    refused(folder, "an address that is none", ['"8082"', "ADDR:PORT"],
            "--listen", "8082")
    refused(folder, "TLS without a key", ["certificate and a key"],
            "--tls-cert", token)
    refused(folder, "an unknown option", ["--listn", "--listen"], "--listn", "x")
    if os.geteuid() != 0:
        locked = os.path.join(folder, "locked")
        os.mkdir(locked, 0o500)
        refused(folder, "a folder that cannot be written", [locked],
                data=os.path.join(locked, "d"))
    blocked = os.path.join(folder, "file")
    with open(blocked, "w"):
        pass
    refused(folder, "a data directory that is a file", [blocked], data=blocked)


def clients(folder):
    s = start(folder, "clients")
    base = s.url
    body = json.dumps({"records": [{"value": {"index": 1}}]})
    request = urllib.request.Request(base + "/topics/pin", body.encode(),
                                     {"Content-Type": V2})
    with urllib.request.urlopen(request, timeout=60) as answer:
        check(json.load(answer)["offsets"][0]["offset"] == 0, "urllib posts")
    row = {"ind": 1, "first_name": "A", "last_name": "B", "age": 20,
           "date_joined": "2017-01-01T00:00:00"}
    if shutil.which("curl"):
        out = subprocess.run(
            ["curl", "-s", "-L", "-X", "POST", base + "/user", "-H",
             "Content-Type: application/json", "-d", json.dumps(row)],
            capture_output=True, text=True, check=False).stdout
        check(out and json.loads(out) == row, "curl follows 307 to /user/", out)
        out = subprocess.run(
            ["curl", "-s", base + "/topics/pin", "-H", "Content-Type: " + V2, "-H",
             "Expect: 100-continue", "-d", body],
            capture_output=True, text=True, check=False).stdout
        check('"offset":1' in out, "curl waits for 100 Continue", out)
    try:
        import requests
        out = requests.post(base + "/send_data", params={"topic": "pin"}, json=[1],
                            timeout=60)
        check(out.json() == {"status": "Message sent", "topic": "pin"},
              "requests posts")
    except ImportError:
        skip("the module requests is not here")
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
    for _ in range(50):
        c.request("POST", "/topics/geo", body, {"Content-Type": V2})
        last = c.getresponse().read()
    check(b'"offset":49' in last, "fifty posts on one connection")
    check(s.stop() == 0, "then SIGTERM ends with 0")


def raw(port, data, wait=5.0):
    with socket.create_connection(("127.0.0.1", port), wait) as c:
        c.sendall(data)
        out = b""
        try:
            while True:
                more = c.recv(65536)
                if not more:
                    break
                out += more
                if b"\r\n\r\n" in out:
                    break
        except (socket.timeout, ConnectionError):
            pass
        return out


def bad_http(folder):
    s = start(folder, "bad", "--set", "max_body=100kB")
    head = b"POST /topics/pin HTTP/1.1\r\nHost: localhost\r\n" \
           b"Content-Type: application/vnd.kafka.json.v2+json\r\n"
    table = [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"", "TLS on a plain port"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100000 + b"\r\n\r\n",
         b"HTTP/1.1 431", "a head of 100 kB"),
        (b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
         b"HTTP/1.1 414", "a path of 100 kB"),
        (head + b"Content-Length: 99999999999\r\n\r\n", b"HTTP/1.1 413", "100 GB announced"),
        (head + b"Content-Length: -1\r\n\r\n", b"HTTP/1.1 4", "a negative length"),
        (head + b"Content-Length: x\r\n\r\n", b"HTTP/1.1 4", "a length that is none"),
        (head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 4", "a broken chunk"),
        (b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n", b"", "no path"),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"", "HTTP/9.9"),
        (b"\r\n" * 100, b"", "only line ends"),
        (b"GET /topics/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 404", "a NUL"),
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 200", "HTTP/1.0 without a Host"),
    ]
    for data, want, name in table:
        got = raw(s.port, data, 30 if want else 3)
        check(got.startswith(want) and not got.startswith(b"HTTP/1.1 500"),
              f"{name} does no harm", got[:80])
    deep = b'{"records":[{"value":' + b"[" * 20000 + b"]" * 20000 + b"}]}"
    status, text = s.call("POST", "/topics/pin", deep, {"Content-Type": V2})
    check(status == 400 and "nest" in text, "deep nesting is told", (status, text))
    status, text = s.call("POST", "/topics/pin", b"x" * 100001, {"Content-Type": V2})
    check(status == 413, "a body one over the limit", status)
    check(s.call("GET", "/topics/pin/partitions/0/offsets")[1] ==
          '{"beginning_offset":0,"end_offset":0}', "nothing of it was stored")
    check(s.stop() == 0, "the server that met them ends with 0")


def many_connections(folder):
    s = start(folder, "many")

    def once():
        return s.call("POST", "/topics/pin", '{"records":[{"value":1}]}', {"Content-Type": V2})

    idle, calm = [], quickest(once)
    try:
        for _ in range(1000):
            idle.append(socket.create_connection(("127.0.0.1", s.port), 10))
    except OSError as why:
        print(f"# only {len(idle)} connections could be opened here: {why}")
    status, beside = once()[0], quickest(once)
    check(status == 200 and beside < max(0.5, 20 * calm),
          f"a post is answered beside {len(idle)} idle connections", (status, beside, calm))
    check(s.kb() < 80_000, "and memory stays small", s.kb())
    print(f"# {s.kb() / 1000:.1f} MB with {len(idle)} idle connections")
    began = time.time()
    code = s.stop()
    check(code == 0 and time.time() - began < 10, "SIGTERM ends them all")
    for c in idle:
        c.close()


def tls(folder):
    if not shutil.which("openssl"):
        skip("no openssl here for TLS")
        return
    key, cert, token = (os.path.join(folder, n) for n in ("key.pem", "cert.pem", "tok"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    os.chmod(key, 0o600)
    with open(token, "w") as f:
        f.write("ana planted-secret-token\n")
    os.chmod(token, 0o600)
    s = start(folder, "tls", "--listen", "0.0.0.0:0", "--tls-cert", cert,
              "--tls-key", key, "--token-file", token)
    check("https://" in s.line, "the ready line says https", s.line)
    context = ssl.create_default_context(cafile=cert)
    request = urllib.request.Request(
        f"https://localhost:{s.port}/topics/pin", b'{"records":[{"value":1}]}',
        {"Content-Type": V2, "Authorization": "Bearer planted-secret-token"})
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:
        check(b'"offset":0' in answer.read(), "a post over TLS with a token")
    try:
        urllib.request.urlopen(f"https://localhost:{s.port}/topics", timeout=60,
                               context=context)
        check(False, "no token over TLS is 401")
    except urllib.error.HTTPError as why:
        check(why.code == 401, "no token over TLS is 401", why.code)
    got = raw(s.port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 3)
    check(not got.startswith(b"HTTP/1.1 200"), "plain HTTP gets nothing", got[:60])
    with open(f"/proc/{s.process.pid}/cmdline") as f:
        check("planted-secret" not in f.read(), "no secret in the process list")
    check(s.stop() == 0, "the TLS server ends with 0")
    check("planted-secret" not in s.errors, "no secret in what it said")
    refused(folder, "a certificate that is none", [token],
            "--tls-cert", token, "--tls-key", key)


def main():
    for part in (starts, lands_by_itself, bad_starts, clients, bad_http, many_connections, tls):
        with tempfile.TemporaryDirectory() as folder:
            part(folder)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
