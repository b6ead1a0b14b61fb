#!/usr/bin/env python3
"""The main job on a real Apache Kafka: the answers that it gives on its own
topics, sums that close, topics and groups as Kafka's tools see them, and the
two examples, Kafka Connect included.

One broker for all cases; words on the command line choose.
"""
import glob
import gzip
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kafka_side import PINLINE, Server, name_of, run_cases  # noqa: E402
from told import check, same  # noqa: E402

import far  # noqa: E402
import requests  # noqa: E402

V2 = "application/vnd.kafka.json.v2+json"


def closes(name, accounting, rows=None):
    for table, a in accounting.items():
        check(a["closes"] and a.get("received", a["stored"]) == a["stored"] and a["stored"] + a["expanded"]
              == a["cleaned"] + a["rejected"] + a["duplicate"]
              and rows in (None, a["stored"]),
              f"I7 kafka: the sum of {table} closes, {name}", a)


def embedded(k, name, *words):
    done = subprocess.run([PINLINE, "--data", k.data(name), *words], capture_output=True,
                          timeout=300, check=True)
    return done.stdout


def run(k):
    """The whole main job, there and here."""
    rows = k.data("rows")
    embedded(k, "none", "generate", "--rows", "3000", "--seed", "5", "--bad", "0.02",
             "--duplicates", "0.05", "--out", rows, "--truth", k.data("truth.json"))
    prefix = name_of("run")
    ours = json.loads(k.pinline("job", "run", "--input", rows, "--prefix", prefix,
                                "--format", "json"))
    theirs = json.loads(embedded(k, "job-embedded", "run", "--input", rows, "--prefix",
                                 prefix, "--format", "json"))
    same("run: the answers on Kafka are those on the own topics", ours["answers"],
         theirs["answers"])
    with open(k.data("truth.json"), encoding="utf-8") as f:
        truth = json.load(f)["answers"]
    check(all(ours["answers"][i] == want for i, want in truth.items()),
          "run: the answers on Kafka are the truth that was planted")
    closes("run", ours["accounting"])
    same("run: the sums on Kafka are those on the own topics", ours["accounting"],
         theirs["accounting"])
    for option in ("objects", "topics"):
        full = json.loads(k.pinline("job", "batch", "--full", "--from", option,
                                    "--set", f"prefix={prefix}", "--format", "json"))
        same(f"run: batch --full --from {option} gives them again", full, theirs["answers"])
    again = json.loads(k.pinline("job", "run", "--append", "--input", rows, "--prefix",
                                 prefix, "--format", "json"))
    closes("run twice", again["accounting"])
    same("run: what is posted again is duplicate",
         {t: a["cleaned"] for t, a in again["accounting"].items()},
         {t: a["cleaned"] for t, a in ours["accounting"].items()})
    same("run: kcat sees all of it", len(k.kcat(
        "-C", "-e", "-t", f"{prefix}.geo").splitlines()), again["accounting"]["geo"]["stored"])


def topics(k):
    """Made, described and deleted by us, seen by Kafka's tools; and back."""
    names = [f"{name_of('262542bdae36')}.{t}" for t in ("pin", "geo", "user")]
    k.pinline("admin", "topics", "create", *names)
    listed = k.kt("kafka-topics", "--list").split()
    check(set(names) <= set(listed), "three topics are made in one call", listed)
    k.pinline("admin", "topics", "create", names[0], code=1)
    k.kt("kafka-topics", "--create", "--topic", names[0] + ".x", "--partitions", "3")
    rows = json.loads(k.pinline("admin", "topics", "list", "--format", "json"))
    same("a topic that Kafka's tool made is listed",
         [r["partitions"] for r in rows if r["topic"] == names[0] + ".x"], [3])
    for i in range(3):
        k.kcat("-P", "-t", names[0], stdin=b"%d" % i)
    theirs = k.kt("kafka-get-offsets", "--topic", names[0]).split()
    ours = json.loads(k.pinline("admin", "topics", "offsets", names[0], "--format", "json"))
    same("kafka-get-offsets and `topics offsets` agree",
         [f"{r['topic']}:{r['partition']}:{r['end']}" for r in ours], theirs)
    k.pinline("admin", "topics", "delete", *names, names[0] + ".x")
    left = [t for t in k.kt("kafka-topics", "--list").split() if t.startswith(names[0])]
    same("and they are deleted", left, [])


def lines(k, name, topic):
    out = []
    for path in sorted(glob.glob(f"{k.data(name)}/lake/topics/{topic}/*/*.json*")):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", encoding="utf-8") as f:
            out += [json.loads(line) for line in f]
    return out


def sinks(k):
    """Objects from a topic of Kafka; the group as Kafka's tool sees it."""
    prefix = name_of("sink")
    topic = f"{prefix}.pin"
    k.pinline("sink", "topics", "create", topic, f"{prefix}.geo", f"{prefix}.user",
              "--partitions", "2")
    values = [{"index": i, "title": f"t{i}"} for i in range(500)]
    with Server(k, "sink-server", "--no-pipelines", "--set", f"prefix={prefix}") as s:
        for i in range(0, 500, 100):
            requests.post(f"{s.url}/topics/{topic}", headers={"Content-Type": V2}, timeout=30,
                          json={"records": [{"value": v, "partition": (i // 100) % 2}
                                            for v in values[i:i + 100]]}).raise_for_status()
    words = ["sink", "objects", "--set", f"prefix={prefix}", "--set", "objects.gzip=true"]
    k.pinline("sink", *words)
    got = sorted(lines(k, "sink", topic), key=lambda v: v["index"])
    same("I4 objects: every record of a Kafka topic stands once", got, values)
    k.pinline("sink", *words)
    same("a second run writes nothing twice", len(lines(k, "sink", topic)), 500)
    lag = k.kt("kafka-consumer-groups", "--describe", "--all-groups")
    mine = [line.split() for line in lag.splitlines() if topic in line]
    check(len(mine) == 2 and all(line[3] == line[4] and line[5] == "0" for line in mine),
          "kafka-consumer-groups sees the group at the end", lag)
    ours = json.loads(k.pinline("sink", "topics", "lag", "--format", "json"))
    check([r["lag"] for r in ours if r["topic"] == topic] == [0, 0],
          "and so does `topics lag`", ours)


def served(k):
    """serve with its pipelines: what is posted lands by itself."""
    prefix = name_of("served")
    with Server(k, "served", "--set", f"prefix={prefix}", "--set",
                "objects.flush_time=300ms") as s:
        subprocess.run([PINLINE, "emulate", "--to", s.url, "--prefix", prefix, "--rows",
                        "400", "-q"], check=True, stdout=subprocess.DEVNULL, timeout=60)
        until = time.monotonic() + 120
        landed = {}
        while set(landed.values()) != {400} and time.monotonic() < until:
            time.sleep(0.2)
            landed = {t: len(lines(k, "served", f"{prefix}.{t}")) for t in ("pin", "geo", "user")}
        check(set(landed.values()) == {400}, "serve lands what is posted while it runs", landed)
    k.pinline("served", "batch", "--set", f"prefix={prefix}", "--answers", "none")
    status = json.loads(k.pinline("served", "status", "--format", "json", "--set",
                                  f"prefix={prefix}"))
    closes("serve", status["accounting"], 400)
    same("each record landed once", len(lines(k, "served", f"{prefix}.user")), 400)


def clear(k, *names):
    listed = k.kt("kafka-topics", "--list").split()
    there = [n for n in names if n in listed]
    if there:
        k.pinline("admin", "topics", "delete", *there)


def example(k, script, topic):
    name = os.path.dirname(script)
    folder = k.data(name)
    clear(k, *[f"{topic}{t}" for t in ("pin", "geo", "user")])
    done = subprocess.run([os.path.join(far.ROOT, "examples", script), folder],
                          env=dict(os.environ, KAFKA=k.bootstrap, PINLINE=PINLINE, ROWS="300"),
                          capture_output=True, text=True, timeout=600, check=False)
    check(done.returncode == 0, f"examples/{script} runs to its end",
          done.stdout[-600:] + done.stderr[-600:])
    for table in ("pin", "geo", "user"):
        check(f"{topic}{table}: 300 records; console consumer, kcat, pinline and Connect's "
              "file agree" in done.stdout, f"{name}: four readers see {table} the same")
    check(done.stdout.count("closes") == 3, f"{name}: the sums close", done.stdout[-900:])
    clear(k, *[f"{topic}{t}" for t in ("pin", "geo", "user")])
    return done.stdout, folder


def near(a, b):
    """Spark's sums have another order."""
    if isinstance(a, float) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-12 * max(abs(a), abs(b))
    return a == b


def local_kafka_spark(k):
    """Spark reads the files that Connect wrote: its answers are ours."""
    _, folder = example(k, "local-kafka-spark/run", "")
    done = subprocess.run([PINLINE, "--data", folder + "/answers", "query", "all",
                           "--format", "json"], capture_output=True, timeout=60, check=True)
    ours = json.loads(done.stdout)
    check(len(ours) == 15 and all(ours.values()), "the files have fifteen answers", len(ours))
    for question, want in ours.items():
        got = []
        for part in sorted(glob.glob(f"{folder}/notebook/answers/{question}/part-*")):
            with open(part, encoding="utf-8") as f:
                got += [json.loads(line) for line in f]
        check(len(got) == len(want) and all(
            list(g) == list(w) and all(near(g[c], w[c]) for c in w)
            for g, w in zip(got, want)), f"local-kafka-spark: Spark answers {question} as we do",
              next(((g, w) for g, w in zip(got, want) if g != w), (len(got), len(want))))


def mysql_kafka_connect(k):
    """The exercise's own converter too: what FileStreamSink makes of it."""
    text, folder = example(k, "mysql-kafka-connect/run", "kafka_test.")
    done = subprocess.run([PINLINE, "--data", folder + "/daily", "query", "--format", "json",
                           "--sql", "SELECT count(*) AS n FROM clean_geo"],
                          capture_output=True, timeout=60, check=False)
    check("DAG mysql_kafka_connect has run" in text and
          json.loads(done.stdout or "[{}]")[0].get("n", 0) > 200,
          "Airflow's DAG has cleaned what Connect wrote", done)
    with open(os.path.join(folder, "sink/kafka_test.pin.map"), encoding="utf-8") as f:
        first = f.readline()
    check(first.startswith("{") and "category=" in first and '"' not in first.split(",")[0],
          "JsonConverter writes Java's map text", first)
    check("{is_image_or_video=" in text or "\n{" in text, "and the example shows it")
    done = subprocess.run([PINLINE, "clean", "--table", "pin",
                           os.path.join(folder, "sink/kafka_test.pin.map"), "-o", "-"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 3 or "reject" in done.stderr,
          "map text is refused and counted, not guessed at", (done.returncode, done.stderr))


CASES = {"run": run, "topics": topics, "sinks": sinks, "served": served,
         "local_kafka_spark": local_kafka_spark, "mysql_kafka_connect": mysql_kafka_connect}

if __name__ == "__main__":
    sys.exit(run_cases(CASES))
