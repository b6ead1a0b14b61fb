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
import time
import urllib.error
import urllib.request

ROOT = os.environ["PINLINE_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import far  # noqa: E402
from served import Server  # noqa: E402
from told import check, finish, program, soon  # noqa: E402

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


class Between(http.server.BaseHTTPRequestHandler):
    """Stands before kinesalite and hands on what it is asked."""
    protocol_version = "HTTP/1.1"
    target = ""

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

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

    @classmethod
    def stand(cls, k):
        """The server; its url is .url."""
        cls.target = k["url"] + "/"
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), cls)
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


class Grudging(Between):
    """Of each PutRecords every third record is refused the first time it comes,
    every tenth call is 500 unread, every seventh call of others is throttled."""
    seen, calls, refused = set(), 0, 0

    def do_POST(self):  # noqa: N802  pylint: disable=invalid-name
        cls = type(self)
        body = self.body()
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


class Counting(Between):
    """Notes what it is asked: (seconds, action, its request, its answer)."""
    asked = []

    def do_POST(self):  # noqa: N802  pylint: disable=invalid-name
        body = self.body()
        status, document = self.forward(body)
        self.asked.append((time.monotonic(), self.headers["X-Amz-Target"].split(".")[1],
                           json.loads(body), document))
        self.answer(status, document)


def counted_job(folder, k, split):
    """A stream that follows two shards, one of which is split meanwhile: AWS
    takes 20 DescribeStreamSummary a second of an account, 5 GetRecords of a
    shard, so what is asked is bounded by time and not by how often one looks."""
    server = Counting.stand(k)
    name = "counted.user"
    words = [os.environ["PINLINE"], "-q", "--data", folder + "/counted"]
    broker = ["--set", "broker=kinesis+" + server.url, "--set", "prefix=counted"]
    env = dict(os.environ, AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any-secret",
               AWS_REGION="us-east-1")
    subprocess.run([*words, "topics", "create", name, "--partitions", "1", *broker], env=env,
                   check=True)
    stream = subprocess.Popen([*words, "stream", "--trigger", "500ms", *broker], env=env)
    try:
        check(soon(lambda: asked_of(0, "GetRecords", 0)), "a stream looks at its shard")
        began = time.monotonic()
        time.sleep(4)
        spent = time.monotonic() - began
        # three tables' threads list the streams, of which one is counted here
        for action, most in (("DescribeStreamSummary", spent + 2), ("ListShards", spent + 2)):
            n = len(asked_of(began, action, name))
            check(1 <= n <= most, f"{action} is asked {n} times in {spent:.1f} s")
        n = len(asked_of(began, "GetRecords", 0))
        check(1 <= n <= 4 * spent + 2, f"GetRecords is asked {n} times in {spent:.1f} s")
        subprocess.run([split, name], check=True)
        began = time.monotonic()
        check(soon(lambda: asked_of(began, "GetRecords", 1) and
                       asked_of(began, "GetRecords", 2)),
              "both children of a split are read")
    finally:
        stream.terminate()
        check(stream.wait(timeout=60) == 0, "the stream ends on SIGTERM")
        server.shutdown()


def asked_of(since, action, what):
    """Calls of an action since then, on a stream (text) or a shard (number)."""
    ours = {a["ShardIterator"] for _, n, r, a in list(Counting.asked)
            if n == "GetShardIterator" and r["StreamName"] == "counted.user"
            and int(r["ShardId"].split("-")[1]) == what}
    found = []
    for when, name, request, answer in list(Counting.asked):
        if name == action and (request.get("StreamName") == what or
                               request.get("ShardIterator") in ours):
            ours.add(answer.get("NextShardIterator", ""))
            if when >= since:
                found.append(when)
    return found


def grudging_job(folder, k):
    """Every record once through a far side that refuses much of it."""
    server = Grudging.stand(k)
    main_job(folder, server.url, "any", "any-secret", "grudging")
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


class Skewed(Between):
    """What AWS says to a signature of another time; the servers here do not."""

    def do_POST(self):  # noqa: N802  pylint: disable=invalid-name
        self.body()
        self.answer(400, {
            "__type": "com.amazon.coral.service#InvalidSignatureException",
            "message": "Signature expired: 20260101T000000Z is now earlier than "
                       "20260101T001000Z (20260101T001500Z - 5 min.)"})


def wrong_input(folder, k):
    """Each way of being wrong is told in these words; no secret is."""
    skewed = Skewed.stand(k)
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
            ("a clock that is wrong", listing, skewed.url,
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
            counted_job(folder, k, split)
            wrong_input(folder, k)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
