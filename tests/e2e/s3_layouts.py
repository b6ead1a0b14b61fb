#!/usr/bin/env python3
"""How objects are named, cut and written in a bucket: Confluent's names,
partitioners, one record an object, gzip, lists, names of one's own; boto3
reads every record once, in order, and batches read them back (I4)."""
import collections
import gzip
import json
import os
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "fault")]
import far  # noqa: E402
import lake  # noqa: E402

lake.need_venv()
import boto3  # noqa: E402

os.environ.setdefault("PINLINE", lake.pinline())
import sinks  # noqa: E402
from sinks import pinline  # noqa: E402
from told import check, finish  # noqa: E402

ROWS = 40
DAY = r"year=20\d\d/month=\d\d/day=\d\d"
PLACE = r"topics/pin/partition=0/pin\+0\+\d{10}"
# settings, what every key is, how many objects (None: as many as there are)
LAYOUTS = (
    ("flush.size=1", ["objects.flush_records=1"], PLACE + r"\.json", ROWS),
    ("default", ["objects.flush_records=7"], PLACE + r"\.json", 6),
    ("gzip", ["objects.flush_records=7", "objects.gzip=true"], PLACE + r"\.json\.gz", 6),
    ("bytes", ["objects.flush_bytes=300"], PLACE + r"\.json", None),
    ("field", ["objects.partitioner=field", "objects.partition_fields=category"],
     r"topics/pin/category=(art|travel|home)/pin\+0\+\d{10}\.json", None),
    ("daily", ["objects.partitioner=daily"], f"topics/pin/{DAY}/" + r"pin\+0\+\d{10}\.json",
     None),
    ("hourly", ["objects.partitioner=hourly"],
     f"topics/pin/{DAY}/hour=" + r"\d\d/pin\+0\+\d{10}\.json", None),
    ("delimiters", ["objects.topics_dir=raw", "objects.file_delim=-",
                    "objects.offset_digits=4"], r"raw/pin/partition=0/pin-0-\d{4}\.json", None),
    ("array", ["objects.layout=array", "objects.flush_records=10"], PLACE + r"\.json", 4),
    ("template", ["objects.name={topic}/batch-{partition}-{offset}.json",
                  "objects.layout=array", "objects.flush_records=10"],
     r"pin/batch-0-\d+\.json", 4),
)


def objects_of(client, bucket, prefix):
    found = {}
    for page in client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix + "/"):
        for o in page.get("Contents", []):
            body = client.get_object(Bucket=bucket, Key=o["Key"])["Body"].read()
            found[o["Key"][len(prefix) + 1:]] = body
    return found


def records(name, body):
    data = gzip.decompress(body) if name.endswith(".gz") else body
    if data.startswith(b"["):
        return json.loads(data)
    return [json.loads(line) for line in data.splitlines()]


def tried(root, client, bucket, base, layout):
    name, sets, pattern, count = layout
    data = os.path.join(root, name)
    shutil.copytree(base, data)
    words = [w for s in (f"objects.dir=s3://{bucket}/{name}", *sets) for w in ("--set", s)]
    pinline(data, "sink", "objects", *words)
    found = objects_of(client, bucket, name)
    wrong = [k for k in found if not re.fullmatch(pattern, k)]
    check(found and not wrong, f"{name}: keys are as they should be {wrong[:2]}")
    check(count in (None, len(found)), f"{name}: {len(found)} objects")
    folders = collections.defaultdict(list)
    for key in sorted(found):
        folders[os.path.dirname(key)] += [r["index"] for r in records(key, found[key])]
    got = sorted(i for f in folders.values() for i in f)
    check(got == list(range(ROWS)) and all(f == sorted(f) for f in folders.values()),
          f"I4 s3: {name}: boto3 reads each record once, in order")
    if name == "field":
        check(all(r["category"] == key.split("/")[2].split("=")[1]
                  for key, body in found.items() for r in records(key, body)),
              "field: each record lies below its value")
    pinline(data, "batch", "--answers", "none", *words)
    rows = json.loads(pinline(data, "query", "--format", "json", "--sql",
                              "select count(*) n from clean_pin").stdout)
    check(rows == [{"n": ROWS}], f"{name}: a batch makes the rows of it")


def main():
    with tempfile.TemporaryDirectory() as root, far.side("s3") as s3:
        os.environ.update(AWS_ENDPOINT_URL=s3["url"], AWS_REGION=s3["region"],
                          AWS_ACCESS_KEY_ID=s3["access_key"],
                          AWS_SECRET_ACCESS_KEY=s3["secret_key"])
        client = boto3.client("s3", endpoint_url=s3["url"], region_name=s3["region"])
        base = os.path.join(root, "base")
        server = sinks.Server(base, "objects.enabled=false")
        server.post("pin", [{"value": {"index": i, "title": f"t{i}",
                                       "category": ("art", "travel", "home")[i % 3]}}
                            for i in range(ROWS)], "json")
        server.stop()
        for layout in LAYOUTS:
            tried(root, client, s3["bucket"], base, layout)
    sys.exit(finish())


main()
