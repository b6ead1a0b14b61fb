#!/usr/bin/env python3
"""kinesis.py CONTRACT - the broker "kinesis" on kinesalite (resharded by boto3
there), on moto with authentication on, and on what `pinline serve` speaks."""
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile

ROOT = os.environ["PINLINE_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import far  # noqa: E402

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
passed = failed = skipped = 0


def contract(name, url, key, secret, *more):
    global passed, failed, skipped
    print(f"# {name}")
    done = subprocess.run([sys.argv[1], "kinesis+" + url, *more], capture_output=True, text=True,
                          env=dict(os.environ, AWS_ACCESS_KEY_ID=key, AWS_REGION="us-east-1",
                                   AWS_SECRET_ACCESS_KEY=secret), check=False)
    print(done.stdout + done.stderr, end="")
    got = re.findall(r"(\d+) (passed|failed|skipped)", done.stdout.splitlines()[-1]
                     if done.stdout else "")
    counts = {word: int(n) for n, word in got}
    passed += counts.get("passed", 0)
    failed += counts.get("failed", 0 if done.returncode == 0 else 1)
    skipped += counts.get("skipped", 0)


def ours(folder):
    keys = folder + "/keys"
    with open(os.open(keys, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("AKIAOURS our-secret-123456\n")
    server = subprocess.Popen(
        [os.environ["PINLINE"], "-q", "--data", folder + "/data", "serve", "--no-pipelines",
         "--listen", "127.0.0.1:0", "--aws-keys-file", keys], stdout=subprocess.PIPE, text=True)
    port = re.search(r":(\d+),", server.stdout.readline()).group(1)
    contract("pinline serve", f"http://127.0.0.1:{port}", "AKIAOURS", "our-secret-123456")
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=15)


def main_job(folder, k):
    """The whole path with streams for topics: 60 posts of each table."""
    global passed, failed
    done = subprocess.run(
        [os.environ["PINLINE"], "-q", "--data", folder + "/job", "run", "--broker",
         "kinesis+" + k["moto_url"], "--prefix", "job", "--rows", "60", "--format", "json"],
        capture_output=True, text=True, check=False,
        env=dict(os.environ, AWS_ACCESS_KEY_ID=k["access_key"],
                 AWS_SECRET_ACCESS_KEY=k["secret_key"], AWS_REGION="us-east-1"))
    sums = json.loads(done.stdout)["accounting"] if done.returncode == 0 else {}
    good = len(sums) == 3 and all(
        t["received"] == t["stored"] == 60 and
        t["stored"] + t["expanded"] == t["cleaned"] + t["rejected"] + t["duplicate"]
        for t in sums.values())
    passed += good
    failed += not good
    print(f"{'ok' if good else 'not ok'} the main job runs on streams and its sums close",
          sums, done.stderr[-500:])


def main():
    with tempfile.TemporaryDirectory() as folder:
        ours(folder)
        with far.side("kinesis") as k:
            split = folder + "/split"
            with open(split, "w", encoding="utf-8") as f:
                f.write(SPLIT % (CACHE + "/venv/test/bin/python", k["url"]))
            os.chmod(split, stat.S_IRWXU)
            contract("kinesalite", k["url"], "any", "any-secret", split)
            contract("moto", k["moto_url"], k["access_key"], k["secret_key"])
            main_job(folder, k)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
