#!/usr/bin/env python3
"""The Kinesis that `serve` speaks, with boto3 and with the gateway's clients.

Producers and consumers as they are: create, wait, put, iterate, get, tags,
delete; signatures right and wrong; the requests that the AWS command line
sends; and the script of the exercise that puts 500 rows of each table through
the API Gateway's paths.  What arrived is read back by another client.
`kinesis_served.py kafka`: the same with Apache Kafka behind the server.
"""
import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import far
import lake
from served import PINLINE, Server
from told import check, finish, skip_all

lake.libraries()
BROKER = []  # words that name another one than the embedded
KEYS = "AKIATEST first-secret-123456\nAKIAOTHER second-secret-123456\n"


def start(folder, name, *options):
    wipe()
    return Server(os.path.join(folder, name), *BROKER, *options, before=["-q"])


def wipe():
    """A cluster is everybody's: each server begins without topics."""
    if not BROKER:
        return
    from confluent_kafka.admin import AdminClient
    admin = AdminClient({"bootstrap.servers": BROKER[1].split("//")[1], "log_level": 0})

    def names():
        return [n for n in admin.list_topics(timeout=20).topics if not n.startswith("__")]
    if names():
        for f in admin.delete_topics(names()).values():
            f.result(30)
    while names():
        time.sleep(0.1)


def client(url, key="AKIATEST", secret="first-secret-123456", region="us-east-1"):
    import boto3
    from botocore.config import Config
    return boto3.client("kinesis", endpoint_url=url, region_name=region,
                        aws_access_key_id=key, aws_secret_access_key=secret,
                        config=Config(retries={"max_attempts": 0}))


def fault(call, **arguments):
    """The name and status of the fault, or None."""
    from botocore.exceptions import ClientError
    try:
        call(**arguments)
        return None
    except ClientError as why:
        return why.response["Error"]["Code"], why.response["ResponseMetadata"]["HTTPStatusCode"]


def read_all(k, stream, kind="TRIM_HORIZON", limit=None, **more):
    """Every record of every shard, as a consumer without a library reads."""
    out = {}
    for shard in k.list_shards(StreamName=stream)["Shards"]:
        at = k.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"],
                                  ShardIteratorType=kind, **more)["ShardIterator"]
        got = []
        while True:
            answer = k.get_records(ShardIterator=at, **({"Limit": limit} if limit else {}))
            got += answer["Records"]
            at = answer["NextShardIterator"]
            if not answer["Records"] and answer["MillisBehindLatest"] == 0:
                break
        out[shard["ShardId"]] = got
    return out


def streams(k):
    check(fault(k.describe_stream, StreamName="s1") == ("ResourceNotFoundException", 400),
          "a stream that is not there")
    k.create_stream(StreamName="s1", ShardCount=4)
    k.get_waiter("stream_exists").wait(StreamName="s1")
    d = k.describe_stream(StreamName="s1")["StreamDescription"]
    check(d["StreamStatus"] == "ACTIVE" and len(d["Shards"]) == 4
          and d["StreamARN"] == "arn:aws:kinesis:us-east-1:000000000000:stream/s1",
          "boto3 creates, waits and describes", d)
    ranges = [(int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
              for s in d["Shards"]]
    check(ranges[0][0] == 0 and ranges[-1][1] == 2**128 - 1
          and all(a[1] + 1 == b[0] for a, b in zip(ranges, ranges[1:])),
          "hash keys are covered without a gap", ranges)
    check(fault(k.create_stream, StreamName="s1", ShardCount=1) == ("ResourceInUseException", 400),
          "a stream that is there already")
    check(k.describe_stream_summary(StreamName="s1")["StreamDescriptionSummary"]
          ["OpenShardCount"] == 4, "the summary counts shards")
    check(k.describe_stream(StreamARN=d["StreamARN"])["StreamDescription"]["StreamName"] == "s1",
          "a stream by its ARN")
    for name in ("a2", "a3", "a1"):
        k.create_stream(StreamName=name, ShardCount=1)
    pages = list(k.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2}))
    names = [n for p in pages for n in p["StreamNames"]]
    check(names == sorted(names) and {"a1", "a2", "a3", "s1", "pin"} <= set(names)
          and len(pages) > 2, "streams are listed page by page", names)
    shards = k.list_shards(StreamName="s1", MaxResults=3)
    rest = k.list_shards(NextToken=shards["NextToken"])
    check([s["ShardId"] for s in shards["Shards"] + rest["Shards"]]
          == [f"shardId-{i:012}" for i in range(4)] and "NextToken" not in rest,
          "shards are listed page by page")
    after = k.list_shards(StreamName="s1", ShardFilter={"Type": "AFTER_SHARD_ID",
                                                         "ShardId": "shardId-000000000001"})
    check(len(after["Shards"]) == 2, "shards behind another")
    for name in ("a1", "a2", "a3"):
        k.delete_stream(StreamName=name)
    check(fault(k.describe_stream, StreamName="a1") == ("ResourceNotFoundException", 400),
          "a stream that was deleted")


def records(k):
    put, where = {}, {}
    for i in range(50):
        key, data = f"key-{i % 7}", json.dumps({"index": i}).encode()
        answer = k.put_record(StreamName="s1", PartitionKey=key, Data=data)
        put[answer["SequenceNumber"]] = (key, data)
        where.setdefault(key, set()).add(answer["ShardId"])
    check(all(len(s) == 1 for s in where.values()), "a key has its shard", where)
    owner = {key: int(hashlib.md5(key.encode()).hexdigest(), 16) * 4 >> 128 for key in where}
    check(all(where[key] == {f"shardId-{owner[key]:012}"} for key in where),
          "which is the one that holds its MD5", (where, owner))
    got = read_all(k, "s1", limit=3)
    flat = {r["SequenceNumber"]: (r["PartitionKey"], r["Data"]) for g in got.values() for r in g}
    check(flat == put, "what was put is got, byte for byte")
    check(all([int(r["SequenceNumber"]) for r in g] == sorted({int(r["SequenceNumber"]) for r in g})
              for g in got.values()), "sequence numbers grow within a shard")
    check(all(abs(r["ApproximateArrivalTimestamp"].timestamp() - time.time()) < 60
              for g in got.values() for r in g), "records carry the time they came")
    many = [{"Data": bytes([i % 256]) * i, "PartitionKey": str(uuid.uuid4())} for i in range(499)]
    many.append({"Data": b"x", "PartitionKey": "a", "ExplicitHashKey": str(2**128 - 1)})
    answer = k.put_records(StreamName="s1", Records=many)
    check(answer["FailedRecordCount"] == 0 and len(answer["Records"]) == 500
          and answer["Records"][-1]["ShardId"] == "shardId-000000000003",
          "PutRecords takes 500, the last one where its ExplicitHashKey is")
    shard, first = answer["Records"][0]["ShardId"], answer["Records"][0]["SequenceNumber"]
    at = k.get_shard_iterator(StreamName="s1", ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER",
                              StartingSequenceNumber=first)["ShardIterator"]
    check(k.get_records(ShardIterator=at, Limit=1)["Records"][0]["SequenceNumber"] == first,
          "an iterator at a sequence number")
    at = k.get_shard_iterator(StreamName="s1", ShardId=shard,
                              ShardIteratorType="AFTER_SEQUENCE_NUMBER",
                              StartingSequenceNumber=first)["ShardIterator"]
    behind = k.get_records(ShardIterator=at, Limit=1)["Records"]
    check(behind and int(behind[0]["SequenceNumber"]) > int(first), "and behind one")
    at = k.get_shard_iterator(StreamName="s1", ShardId=shard, ShardIteratorType="LATEST")
    check(k.get_records(ShardIterator=at["ShardIterator"])["Records"] == [], "LATEST has nothing yet")
    at = k.get_shard_iterator(StreamName="s1", ShardId=shard, ShardIteratorType="AT_TIMESTAMP",
                              Timestamp=0)["ShardIterator"]
    check(len(k.get_records(ShardIterator=at)["Records"]) > 1, "AT_TIMESTAMP 1970 has it all")


def faults(k, url):
    bad = [
        (k.put_record, dict(StreamName="nope", Data=b"x", PartitionKey="a"), "ResourceNotFoundException"),
        (k.put_record, dict(StreamName="s1", Data=b"x", PartitionKey="a" * 257), "ValidationException"),
        (k.put_record, dict(StreamName="s1", Data=b"x", PartitionKey="a", ExplicitHashKey=str(2**128)),
         "InvalidArgumentException"),
        (k.put_records, dict(StreamName="s1", Records=[{"Data": b"", "PartitionKey": "a"}] * 501),
         "ValidationException"),
        (k.get_records, dict(ShardIterator="garbage"), "InvalidArgumentException"),
        (k.get_records, dict(ShardIterator=base64.b64encode(
            b"pinline/1/1/0/99999999/%d/s1" % (time.time() * 1e6)).decode()), "ResourceNotFoundException"),
        (k.get_records, dict(ShardIterator=base64.b64encode(b"pinline/1/1/0/0/5/s1").decode()),
         "ExpiredIteratorException"),
        (k.get_shard_iterator, dict(StreamName="s1", ShardId="shardId-000000000009",
                                    ShardIteratorType="LATEST"), "ResourceNotFoundException"),
        (k.get_shard_iterator, dict(StreamName="s1", ShardId="shardId-000000000000",
                                    ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber="7"),
         "InvalidArgumentException"),
        (k.split_shard, dict(StreamName="s1", ShardToSplit="shardId-000000000000", NewStartingHashKey="9"),
         "UnknownOperationException"),
        (k.create_stream, dict(StreamName="s2", ShardCount=100000), "ValidationException"),
    ]
    for call, arguments, want in bad:
        got = fault(call, **arguments)
        check(got == (want, 400), f"{call.__name__}: {want}", got)
    status, answer = raw(url, b"\xa1jStreamNamebs1", headers={
        "Content-Type": "application/x-amz-cbor-1.1"})
    check((status, answer["__type"]) == (400, "SerializationException")
          and "AWS_CBOR_DISABLE=true" in answer["message"],
          "CBOR is refused with what a Java client is to set", answer)
    for body, want in ((b"not json", "SerializationException"), (b"[]", "SerializationException"),
                       (b'{"StreamName":"s1","Data":"%","PartitionKey":"a"}', "SerializationException"),
                       (b'{"StreamName":"s1","PartitionKey":"a"}', "ValidationException")):
        status, answer = raw(url, body)
        check((status, answer["__type"]) == (400, want), f"{body!r} is {want}", answer)


def raw(url, body, action="PutRecord", headers=None):
    request = urllib.request.Request(url + "/", body, {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "Kinesis_20131202." + action, **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as why:
        return why.code, json.loads(why.read() or b"null")


def tags(k):
    k.add_tags_to_stream(StreamName="s1", Tags={"owner": "ana", "a": "1", "b": ""})
    k.add_tags_to_stream(StreamName="s1", Tags={"a": "2"})
    k.remove_tags_from_stream(StreamName="s1", TagKeys=["b", "none"])
    got = {t["Key"]: t["Value"] for t in k.list_tags_for_stream(StreamName="s1")["Tags"]}
    check(got == {"owner": "ana", "a": "2"}, "tags are kept", got)
    names = k.list_streams(Limit=1000)["StreamNames"]
    check("_kinesis.tags" not in names, "where they are kept is no stream", names)


def command_line(folder):
    """What `aws kinesis put-record --data ...` sends: JSON 1.1 and a Host."""
    s = start(folder, "cli")
    raw(s.url, b'{"StreamName":"s1","ShardCount":1}', "CreateStream")
    for agent in ("aws-cli/1.32.0 Python/3.11 botocore/1.34.0", "aws-cli/2.15.0 md/awscrt#0.19.19"):
        status, answer = raw(s.url, json.dumps({
            "StreamName": "s1", "Data": base64.b64encode(b'{"index":1}').decode(),
            "PartitionKey": "1"}).encode(), headers={"User-Agent": agent})
        check(status == 200 and answer["ShardId"] == "shardId-000000000000", f"as {agent[:11]} sends it")
    out = subprocess.run([PINLINE, "--data", s.data, "topics", "read", "s1", "--max", "9",
                          "--from-beginning", *BROKER], capture_output=True, text=True, check=False).stdout
    check(out.count('{"index":1}') == 2, "topics read sees the same", out)
    check(s.stop() == 0, "that server ends with 0")


def signatures(folder):
    keys = folder + "/keys"
    with open(os.open(keys, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write(KEYS)
    s = start(folder, "signed", "--aws-keys-file", keys)
    k = client(s.url)
    streams(k)
    records(k)
    tags(k)
    check(client(s.url, "AKIAOTHER", "second-secret-123456", "eu-west-1")
          .describe_stream(StreamName="s1")["StreamDescription"]["StreamARN"]
          .startswith("arn:aws:kinesis:eu-west-1:"), "another key, another region")
    bad = [(client(s.url, secret="wrong"), "InvalidSignatureException"),
           (client(s.url, key="AKIANOBODY"), "UnrecognizedClientException")]
    for c, want in bad:
        check(fault(c.list_streams) == (want, 400), want, fault(c.list_streams))
    check(raw(s.url, b"{}", "ListStreams") == (400, {
        "__type": "MissingAuthenticationTokenException",
        "message": "Missing Authentication Token"}), "no signature")
    status, answer = raw(s.url, b"{}", "ListStreams", {
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIATEST"})
    check(answer["__type"] == "IncompleteSignatureException", "half a signature", answer)
    status, answer = raw(s.url, b"{}", "ListStreams", {
        "X-Amz-Date": "20200101T000000Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIATEST/20200101/us-east-1/kinesis/aws4_request,"
                         " SignedHeaders=host;x-amz-date, Signature=" + "0" * 64})
    check(answer["__type"] == "InvalidSignatureException" and "expired" in answer["message"],
          "a signature of last year", answer)
    check(s.stop() == 0, "the server with keys ends with 0")


def gateway_call(method, url, body=None, headers=None):
    request = urllib.request.Request(url, body if body is None else json.dumps(body).encode(),
                                     {"Content-Type": "application/json", **(headers or {})},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as why:
        return why.code, json.loads(why.read() or b"null")


def gateway(folder):
    s = start(folder, "gateway")
    base = s.url + "/test/streams"
    name = base + "/streaming-12aa-pin"
    check(gateway_call("POST", name, {"ShardCount": 2})[0] == 200
          and gateway_call("POST", base + "/five", None)[0] == 200, "POST creates")
    got = gateway_call("GET", base)[1]["StreamNames"]
    check({"streaming-12aa-pin", "five"} <= set(got), "GET lists", got)
    check(len(gateway_call("GET", base + "/five")[1]["StreamDescription"]["Shards"]) == 5,
          "five shards when the body names none")
    cases = [
        ({"index": 1, "title": "té\"st"}, '{"index":1,"title":"té\\"st"}'),
        ("aGVsbG8=", '"aGVsbG8="'), (7, "7"), ([1, None], "[1,null]"),
    ]
    for data, _ in cases:
        status, answer = gateway_call("PUT", name + "/record", {
            "StreamName": "{self.stream_name}", "Data": data, "PartitionKey": "partition-1"})
        check(status == 200 and set(answer) == {"SequenceNumber", "ShardId"}, f"PUT takes {data!r}",
              answer)
    records_ = [({"k": "v", "n": 1, "o": {"l": [1, "x"]}}, "{k=v, n=1, o={l=[1, x]}}"),
                ('{"a": 1}', '{"a": 1}')]
    status, answer = gateway_call("PUT", name + "/records", {"records": [
        {"data": d, "partition-key": "partition-1"} for d, _ in records_]})
    check(status == 200 and answer["FailedRecordCount"] == 0, "PUT of several", answer)
    shard = answer["Records"][0]["ShardId"]
    at = gateway_call("GET", name + "/sharditerator?shard-id=" + shard)[1]["ShardIterator"]
    got = gateway_call("GET", name + "/records", headers={"Shard-Iterator": at})[1]["Records"]
    check([base64.b64decode(r["Data"]).decode() for r in got]
          == [want for _, want in cases + records_], "stored as the mapping templates write it", got)
    status, answer = gateway_call("PUT", name + "/record", {"data": {}, "PartitionKey": "p"})
    check(status == 400 and answer["__type"] == "ValidationException", "no Data is no success", answer)
    status, answer = gateway_call("PUT", base + "/nope/record", {"Data": 1, "PartitionKey": "p"})
    check(status == 400 and answer["__type"] == "ResourceNotFoundException", "no such stream", answer)
    status, answer = gateway_call("PUT", name + "/record", {"Data": {"x": 1}, "PartitionKey": "p"},
                                  {"Content-Type": "x-amz-json"})
    check(status == 200, "a Content-Type that AWS would choke on is read all the same", answer)
    check(gateway_call("DELETE", base + "/five")[0] == 200
          and gateway_call("GET", base + "/five")[0] == 400, "DELETE deletes")
    seed_script(s.url + "/dev", client(s.url))
    check(s.stop() == 0, "the gateway's server ends with 0")


def emulated(folder):
    """`emulate --contract kinesis`, its signatures checked."""
    keys = folder + "/keys2"
    with open(os.open(keys, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write(KEYS)
    names = {t: "streaming-x-" + t for t in ("pin", "geo", "user")}
    s = start(folder, "emulated", "--aws-keys-file", keys, "--set",
               "topics=" + ",".join(f"{t}={n}" for t, n in names.items()))
    for batch in ("1", "120"):
        done = subprocess.run(
            [PINLINE, "-q", "--data", folder + "/e", "emulate", "--to", s.url, "--contract",
             "kinesis", "--stream-names", "streaming-x-{table}", "--rows", "300", "--batch", batch,
             "--format", "json"], capture_output=True, text=True, check=False,
            env=dict(os.environ, AWS_ACCESS_KEY_ID="AKIATEST",
                     AWS_SECRET_ACCESS_KEY="first-secret-123456", AWS_REGION="eu-west-1"))
        check(done.returncode == 0 and done.stdout.count('"posted":300') == 3,
              f"emulate puts {batch} records a request", done.stdout + done.stderr)
    for name in names.values():
        got = [r for g in read_all(client(s.url), name).values() for r in g]
        check(len(got) == 600 and all(json.loads(r["Data"]) for r in got),
              f"boto3 reads them from {name}", len(got))
    done = subprocess.run([PINLINE, "--data", folder + "/e", "emulate", "--to", s.url, "--contract",
                           "kinesis"], capture_output=True, text=True, check=False,
                          env={k: v for k, v in os.environ.items() if not k.startswith("AWS_")})
    check(done.returncode == 2 and "AWS_ACCESS_KEY_ID" in done.stderr, "without a key it says so",
          done.stderr)
    check(s.stop() == 0, "the emulated server ends with 0")


def seed_script(url, k):
    """The script of the exercise, with only its URL changed: rows of three
    tables in one step, each put with requests."""
    import random
    import requests
    import datetime

    random.seed(100)
    for table in ("pin", "geo", "user"):
        requests.request("POST", url + f"/streams/streaming-0a40ea42f8f9-{table}", timeout=10)
    sent = {"pin": [], "geo": [], "user": []}
    session = requests.Session()
    for _ in range(500):
        row = random.randint(0, 11000)
        rows = {
            "pin": {"index": row, "unique_id": str(row), "title": "t\u00e9", "follower_count": "12k"},
            "geo": {"ind": row, "timestamp": datetime.datetime(2020, 1, 2, 3, 4, 5).isoformat(),
                    "latitude": -1.5, "longitude": 2.25, "country": "Aruba"},
            "user": {"ind": row, "first_name": "A", "age": 20,
                     "date_joined": datetime.datetime(2017, 5, 6).isoformat()},
        }
        for table, result in rows.items():
            payload = json.dumps({"StreamName": f"streaming-0a40ea42f8f9-{table}", "Data": result,
                                  "PartitionKey": f"partition-{table}"})
            answer = session.request(
                "PUT", url + f"/streams/streaming-0a40ea42f8f9-{table}/record",
                headers={"Content-Type": "application/json"}, data=payload, timeout=10)
            if answer.status_code != 200:
                check(False, "the seed's script is answered with 200", answer.text)
                return
            sent[table].append(result)
    for table, rows in sent.items():
        got = read_all(k, f"streaming-0a40ea42f8f9-{table}")
        flat = [json.loads(r["Data"]) for g in got.values() for r in g]
        check(flat == rows, f"the seed's script: 500 rows of {table} arrive once and in order",
              len(flat))


def main():
    try:
        import boto3  # noqa: F401  pylint: disable=unused-import
    except ImportError as why:
        skip_all(f"boto3 is not here ({why}); tools/get-test-deps")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if sys.argv[1:] == ["kafka"]:
            BROKER[:] = ["--broker", "kafka://"
                         + stack.enter_context(far.side("kafka"))["bootstrap"]]
        signatures(folder)
        s = start(folder, "plain")
        k = client(s.url, "anything", "goes")
        k.create_stream(StreamName="s1", ShardCount=4)
        faults(k, s.url)
        check(s.stop() == 0, "the server without keys ends with 0")
        command_line(folder)
        emulated(folder)
        gateway(folder)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
