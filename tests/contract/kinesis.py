#!/usr/bin/env python3
"""kinesis.py CONTRACT - the broker "kinesis" on kinesalite (resharded by boto3
there), on moto with authentication on, and on what `pinline serve` speaks."""
import concurrent.futures
import http.server
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

ROOT = os.environ["PINLINE_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import far  # noqa: E402
from served import Server  # noqa: E402
from told import check, finish, program  # noqa: E402

CACHE = os.environ.get("PINLINE_CACHE", ROOT + "/.cache")
SPLIT = """#!/bin/sh
exec "%s" - "$1" <<'PY'
import sys, time
import boto3
k = boto3.client("kinesis", endpoint_url="%s", region_name="us-east-1",
                 aws_access_key_id="any", aws_secret_access_key="any")
k.split_shard(StreamName=sys.argv[1], ShardToSplit="shardId-000000000000",
              NewStartingHashKey=str(2**127))
for _ in range(100):
    d = k.describe_stream(StreamName=sys.argv[1])["StreamDescription"]
    if d["StreamStatus"] == "ACTIVE" and len(d["Shards"]) == 3:
        break
    time.sleep(0.1)
PY
"""

def contract(name, url, key, secret, *more):
    program([sys.argv[1], "kinesis+" + url, *more], name,
            env=dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_REGION="us-east-1",
                     AWS_SECRET_ACCESS_KEY=secret))


def ours(folder):
    keys = folder + "/keys"
    with open(os.open(keys, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("AKIAOURS our-secret-123456\n")
    with Server(folder + "/data", "--aws-keys-file", keys, before=["-q"]) as server:
        contract("pinline serve", server.url, "AKIAOURS", "our-secret-123456")


class Grudging(http.server.BaseHTTPRequestHandler):
    """Stands before kinesalite: of each PutRecords every third record is
    refused the first time it comes, every tenth call is 500 unread, every
    seventh call of others is throttled."""
    protocol_version = "HTTP/1.1"
    target, seen, calls, refused = "", set(), 0, 0

    def do_POST(self):  # noqa: N802  pylint: disable=invalid-name
        cls = type(self)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cls.calls += 1
        if cls.calls % 10 == 0:
            cls.refused += 1
            self.answer(500, {"__type": "InternalFailure"})
        elif not self.headers["X-Amz-Target"].endswith(".PutRecords"):
            if cls.calls % 7 == 0:
                cls.refused += 1
                self.answer(400, {"__type": "ProvisionedThroughputExceededException"})
            else:
                self.answer(*self.forward(body))
        else:
            self.put(json.loads(body))

    def put(self, request):
        cls = type(self)
        records = request["Records"]
        bad = [i for i, r in enumerate(records) if i % 3 == 0 and r["Data"] not in cls.seen]
        cls.seen |= {records[i]["Data"] for i in bad}
        cls.refused += len(bad)
        good = [r for i, r in enumerate(records) if i not in bad]
        told = iter([])
        if good:
            status, answer = self.forward(json.dumps(dict(request, Records=good)).encode())
            if status != 200:
                self.answer(status, answer)
                return
            told = iter(answer["Records"])
        self.answer(200, {"FailedRecordCount": len(bad), "Records": [
            {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slowly"}
            if i in bad else next(told) for i in range(len(records))]})

    def forward(self, body):
        request = urllib.request.Request(self.target, body, {
            n: self.headers[n] for n in ("Authorization", "Content-Type", "X-Amz-Date",
                                         "X-Amz-Target")})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as why:
            return why.code, json.loads(why.read() or b"{}")

    def answer(self, status, document):
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


def grudging_job(folder, k):
    """Every record once through a far side that refuses much of it."""
    Grudging.target = k["url"] + "/"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Grudging)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    main_job(folder, f"http://127.0.0.1:{server.server_port}", "any", "any-secret", "grudging")
    server.shutdown()
    check(Grudging.refused > 100, "records and calls were refused meanwhile", Grudging.refused)


def main_job(folder, url, key, secret, name):
    """The whole path with streams for topics: 60 posts of each table."""
    done = subprocess.run(
        [os.environ["PINLINE"], "-q", "--data", folder + "/" + name, "run", "--broker",
         "kinesis+" + url, "--prefix", name, "--rows", "60", "--format", "json"],
        capture_output=True, text=True, check=False,
        env=dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret,
                 AWS_REGION="us-east-1"))
    sums = json.loads(done.stdout)["accounting"] if done.returncode == 0 else {}
    good = len(sums) == 3 and all(
        t["received"] == t["stored"] == 60 and
        t["stored"] + t["expanded"] == t["cleaned"] + t["rejected"] + t["duplicate"]
        for t in sums.values())
    check(good, f"the main job ({name}) runs on streams and its sums close", sums,
          done.stderr[-500:])


class Skewed(http.server.BaseHTTPRequestHandler):
    """What AWS says to a signature of another time; the servers here do not."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802  pylint: disable=invalid-name
        self.rfile.read(int(self.headers["Content-Length"]))
        text = json.dumps({
            "__type": "com.amazon.coral.service#InvalidSignatureException",
            "message": "Signature expired: 20260101T000000Z is now earlier than "
                       "20260101T001000Z (20260101T001500Z - 5 min.)"}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


def wrong_input(folder, k):
    """Each way of being wrong is told in these words; no secret is."""
    skewed = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Skewed)
    threading.Thread(target=skewed.serve_forever, daemon=True).start()
    whose = "; are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY those of this server?"
    listing = ("topics", "list")
    for what, words, url, keys, code, want in (
            ("an unknown key", listing, k["moto_url"], ("AKIANOBODY", "hidden-1"), 1,
             "Kinesis refused ListStreams: InvalidClientTokenId: The security token included in the "
             "request is invalid. (status 403)" + whose),
            ("a wrong secret", listing, k["moto_url"], (k["access_key"], "hidden-1"), 1,
             "Kinesis refused ListStreams: SignatureDoesNotMatch: The request signature we "
             "calculated does not match the signature you provided. Check your AWS Secret Access Key "
             "and signing method. Consult the service documentation for details. (status 403)" + whose),
            ("a clock that is wrong", listing, f"http://127.0.0.1:{skewed.server_port}",
             ("any", "hidden-1"), 1,
             "Kinesis refused ListStreams: InvalidSignatureException: Signature expired: "
             "20260101T000000Z is now earlier than 20260101T001000Z (20260101T001500Z - 5 min.) "
             "(status 400); the clocks differ too much for a signature: set this machine's, by NTP "
             "for example"),
            ("no key", listing, k["url"], ("", ""), 2,
             "calls of Kinesis are signed: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
            ("a missing stream", ("topics", "read", "none"), k["url"], ("any", "hidden-1"), 1,
             'there is no stream "none"')):
        done = subprocess.run(
            [os.environ["PINLINE"], "--data", folder + "/wrong", *words, "--broker", "kinesis+" + url],
            capture_output=True, text=True, check=False, timeout=120,
            env=dict(os.environ, AWS_ACCESS_KEY_ID=keys[0], AWS_SECRET_ACCESS_KEY=keys[1],
                     AWS_REGION="us-east-1"))
        good = (done.returncode, done.stderr) == (code, f"pinline topics: {want}\n")
        good = good and "hidden-1" not in done.stderr + done.stdout
        check(good, f"{what} is told in these words", (done.returncode, done.stderr))
    skewed.shutdown()


def main():
    with tempfile.TemporaryDirectory() as folder:
        with far.side("kinesis") as k:
            split = folder + "/split"
            with open(split, "w", encoding="utf-8") as f:
                f.write(SPLIT % (CACHE + "/venv/test/bin/python", k["url"]))
            os.chmod(split, stat.S_IRWXU)
            # most of their time they wait, and no server is another's
            with concurrent.futures.ThreadPoolExecutor() as crew:
                for one in [crew.submit(ours, folder),
                            crew.submit(contract, "kinesalite", k["url"], "any", "any-secret",
                                        split),
                            crew.submit(contract, "moto", k["moto_url"], k["access_key"],
                                        k["secret_key"])]:
                    one.result()
            main_job(folder, k["moto_url"], k["access_key"], k["secret_key"], "job")
            grudging_job(folder, k)
            wrong_input(folder, k)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
