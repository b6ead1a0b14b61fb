#!/usr/bin/env python3
"""What a stream says when its tables cannot be read or written: damaged log,
full disk, a bucket that denies; nothing is lost and no secret is shown (I9)."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "fault")]
import far  # noqa: E402
import lake  # noqa: E402

lake.need_venv()
from deltalake import DeltaTable  # noqa: E402

os.environ.setdefault("PINLINE", lake.pinline())
import sinks  # noqa: E402
from sinks import pinline  # noqa: E402
from told import check, finish  # noqa: E402


def fill(data, first, n):
    server = sinks.Server(data, "objects.enabled=false")
    server.post("user", [{"value": {"ind": first + i, "first_name": "A" * 50,
                                    "last_name": f"B{i}", "age": 30,
                                    "date_joined": "2016-01-01 00:00:00"}}
                         for i in range(n)], "json")
    server.stop()


def stream(data, *args, env=None):
    return pinline(data, "stream", "--once", *args, env=env, expect=None)


def damaged(root):
    data = os.path.join(root, "damaged")
    fill(data, 0, 10)
    stream(data)
    entry = f"{data}/lake/clean/user/_delta_log/{1:020d}.json"
    with open(entry, "rb") as f:
        good = f.read()
    with open(entry, "wb") as f:
        f.write(good[:-40])
    fill(data, 10, 5)
    got = stream(data)
    check(got.returncode != 0 and f"{1:020d}.json" in got.stderr
          and "line" in got.stderr and 'table "user"' in got.stderr,
          f"a torn log entry is named with its line: {got.stderr[-300:]}")
    os.remove(entry)
    with open(f"{data}/lake/clean/user/_delta_log/{2:020d}.json", "wb") as f:
        f.write(good)
    got = stream(data)
    check(got.returncode != 0 and "log entry 1 is missing" in got.stderr,
          f"a gap in the log is named: {got.stderr[-300:]}")
    os.rename(f"{data}/lake/clean/user/_delta_log/{2:020d}.json", entry)
    got = stream(data)
    check(got.returncode == 0 and DeltaTable(f"{data}/lake/clean/user").count() == 15,
          f"and when it is mended the stream goes on, each row once {got.stderr[-300:]}")


def full(root):
    data = os.path.join(root, "full")
    small = os.path.join(root, "small")
    os.makedirs(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small],
                      capture_output=True, check=False).returncode != 0:
        print("# no rights to mount: the full disk is skipped")
        return
    try:
        fill(data, 0, 3000)
        got = stream(data, "--set", f"tables.dir={small}/t", "--set",
                     "stream.trigger_rows=1000")
    finally:
        subprocess.run(["umount", small], check=False)
    check(got.returncode != 0 and any(w in got.stderr.lower() for w in (
        "space", "full")),
          f"a full disk is named: {got.stderr[-300:]}")
    got = stream(data)
    check(got.returncode == 0 and DeltaTable(f"{data}/lake/clean/user").count() == 3000,
          "and another folder takes all of it")


def denied(root):
    data = os.path.join(root, "denied")
    fill(data, 0, 10)
    with far.side("s3") as s3:
        env = {"AWS_ENDPOINT_URL": s3["url"], "AWS_ACCESS_KEY_ID": s3["access_key"],
               "AWS_SECRET_ACCESS_KEY": "plantedsecret0123456789", "AWS_REGION": "us-east-1"}
        url = f"tables.dir=s3://{s3['bucket']}/denied"
        got = stream(data, "--set", url, env=env)
        check(got.returncode != 0 and "s3://" in got.stderr,
              f"a wrong key is refused by the store, and the store is named: "
              f"{got.stderr[-300:]}")
        check("plantedsecret" not in got.stderr + got.stdout, "I11 delta on S3: "
              "no secret is shown")
        env["AWS_SECRET_ACCESS_KEY"] = s3["secret_key"]
        got = stream(data, "--set", "tables.dir=s3://no-such-bucket/t", env=env)
        check(got.returncode != 0 and "no-such-bucket" in got.stderr,
              f"a bucket that is not there is named: {got.stderr[-300:]}")
        got = stream(data, "--set", url, env=env)
        check(got.returncode == 0, "with the right key everything lands")


with tempfile.TemporaryDirectory() as top:
    damaged(top)
    full(top)
    denied(top)
sys.exit(finish())
