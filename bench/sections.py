"""sections.py - what is measured; each section adds lines to the result."""
import json
import os
import statistics
import subprocess
import time

from harness import Comparison, Failed, run
from same import differences


def data_folder(b):
    """Generated tables with the right answers, made once a run."""
    folder = b.path("data")
    if not os.path.exists(folder):
        b.say(f"generating {b.rows:,} rows a table")
        run([b.pinline, "generate", "--rows", b.rows, "--seed", 7, "--duplicates",
             0.05, "--out", folder, "--truth", b.path("truth.json")])
    return folder


def answers_of(folder):
    with open(os.path.join(folder, "answers.json"), encoding="utf-8") as f:
        return json.load(f)


RIVALS = [
    # name, which of its seconds count (rivals/rival.py), bar per job
    ("duckdb", "total", {"clean": 4.0, "memory": 2.2, "parquet": 1.8}),
    ("polars", "total", {}),
]
# whole jobs as they are started, on both sides
PYSPARK = [("pyspark", "whole", {"memory": 30.0})]
JOBS = {
    "clean": "read, clean, deduplicate",
    "memory": "whole batch in memory",
    "parquet": "whole batch to Parquet",
}


def batch(b):
    """read + clean + deduplicate, and the whole batch, against two rivals"""
    against(b, RIVALS, JOBS)


def against(b, rivals, jobs):
    """Each job beside each rival; only what gave the same answers counts."""
    data = data_folder(b)
    spec = os.path.join(b.root, "pipelines", "pinterest.yaml")

    def ours(job):
        return run([b.bench("bench_batch"), spec, data, b.path(f"ours-{job}"),
                    job, 2])

    def theirs(name, job):
        return run([b.python, os.path.join(b.root, "bench", "rivals",
                                           f"{name}_rival.py"),
                    "--data", data, "--out", b.path(f"{name}-{job}"),
                    "--job", job, "--threads", 2])

    for job, what in jobs.items():
        for name, theirs_is, bars in (r for r in rivals if r[0] not in b.without):
            # ours is charged for the whole process
            def value(result):
                seconds = result["out"]["seconds"]
                return seconds.get("process") or seconds[theirs_is]

            mine = lambda: with_process(ours(job))
            c = Comparison(mine, lambda: theirs(name, job), value, b.pairs)
            label = f"{what}, {name}"
            rows = [side[-1]["out"]["rows"] for side in (c.a, c.b)]
            if rows[0] != rows[1]:
                b.wrong(label, f"rows differ: {rows[0]} and {rows[1]}")
                continue
            wrong = [] if job == "clean" else differences(
                answers_of(b.path(f"ours-{job}")),
                answers_of(b.path(f"{name}-{job}")))
            if wrong:
                b.wrong(label, "answers differ: " + wrong[0][:300])
                continue
            b.add(label, *[(n, c.median(s), c.median(s, "cpu"), c.median(s, "peak"))
                           for n, s in (("pinline", "a"), (name, "b"))],
                  comparison=c, bar=bars.get(job),
                  note="" if theirs_is == "total" else
                  f"{c.b[-1]['out']['seconds']['total']:.1f} s of it behind its start")


def with_process(result):
    """Ours is charged for the whole process, start and end included."""
    result["out"]["seconds"]["process"] = result["wall"]
    return result


class Serve:
    """A server on a free port, until stop()."""

    def __init__(self, cmd):
        began = time.perf_counter()
        self.process = subprocess.Popen([str(c) for c in cmd],
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        text = []
        for line in self.process.stdout:
            text.append(line)
            if "http://" in line:
                break
        else:
            raise Failed(f"{cmd[0]} did not start: {''.join(text)[-800:]}")
        self.seconds = time.perf_counter() - began
        self.url = next(w.rstrip(",.") for w in line.split() if w.startswith("http"))

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            field = f.read().rpartition(")")[2].split()
        return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def wrk(b, server, path, records, seconds, connections=64):
    """Load from wrk; requests a second, latency, the server's CPU a request."""
    before = server.cpu()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
         os.path.join(b.root, "bench", "post.lua"), server.url + path],
        capture_output=True, text=True, check=False,
        env=dict(os.environ, RECORDS=str(records)))
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        raise Failed(f"wrk: {done.stdout[-400:]}{done.stderr[-400:]}")
    result = json.loads(lines[-1])
    if result["errors"]:
        raise Failed(f"wrk: {result['errors']} of {result['requests']} requests "
                     f"to {path} failed")
    result["rate"] = result["requests"] / result["seconds"]
    result["cpu"] = (server.cpu() - before) / result["requests"] * 1e6
    return result


def sync_times(b, n=300, size=64 * 744):
    """fdatasync of what one group commit of 64 pins appends: p50, p99 in ms."""
    path = b.path("sync")
    taken = []
    with open(path, "wb") as f:
        for _ in range(n):
            f.write(b"x" * size)
            f.flush()
            began = time.perf_counter()
            os.fdatasync(f.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
    os.remove(path)
    taken.sort()
    return taken[n // 2], taken[n * 99 // 100]


def post(b):
    """durable POSTs against a handler of the same server that stores nothing"""
    seconds = 5 if b.rows >= 1_000_000 else 2
    p50, p99 = sync_times(b)
    server = Serve([b.bench("bench_serve"), b.path("serve")])
    try:
        for records, least in ((1, None), (100, 250_000)):
            c = Comparison(lambda: wrk(b, server, "/topics/pin", records, seconds),
                           lambda: wrk(b, server, "/_noop", records, seconds),
                           lambda r: r["rate"] * records, b.pairs, better="more")
            note = (f"p50 {c.median('a', 'p50_ms'):.2f} ms, p99 "
                    f"{c.median('a', 'p99_ms'):.2f} ms, {c.median('a', 'cpu'):.1f} us "
                    f"CPU a request (no-op {c.median('b', 'p50_ms'):.2f}, "
                    f"{c.median('b', 'p99_ms'):.2f}, {c.median('b', 'cpu'):.1f}); "
                    f"fdatasync of 48 kB p50 {p50:.2f} ms, p99 {p99:.2f} ms")
            b.add(f"{records}-record POSTs, 744 B, durable",
                  ("pinline", c.median("a"), None, server.resident()),
                  ("no-op", c.median("b"), None, None), c,
                  bar=0.5 if records == 1 else None, unit="records/s",
                  least=least, note=note)
    finally:
        server.stop()


def topics(b):
    """durable topic append and read back against a plain file with fdatasync"""
    def ours():
        return run([b.bench("bench_topics"), b.path("topics"), megabytes])
    megabytes = 2000 if b.rows >= 1_000_000 else 200
    results = []
    ours()
    for _ in range(b.pairs):
        results.append(ours()["out"])

    class Same:  # one process measures both sides, one after the other
        ratios = [r["append_mb_s"] / r["file_mb_s"] for r in results]
        ratio = statistics.median(ratios)
        spread = (max(ratios) - min(ratios)) / ratio
        refused = spread > 0.30

    def median(key):
        return statistics.median(r[key] for r in results)
    b.add("topic append, durable, 1 MB batches",
          ("pinline", median("append_mb_s"), None, None),
          ("file + fdatasync", median("file_mb_s"), None, None), Same, bar=0.65,
          unit="MB/s", note=f"with four requests under way {median('ahead_mb_s'):,.0f} "
          "MB/s")
    b.add("topic read back", ("pinline", median("read_mb_s"), None, None),
          unit="MB/s", least=1500)


LONG = 1200


def long_pins(b, rows):
    """Pins of 1,200 bytes: generated ones whose descriptions go on with others'."""
    folder = b.path("long")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(data_folder(b), "pin.jsonl"), encoding="utf-8") as source, \
            open(os.path.join(folder, "pin.jsonl"), "w", encoding="utf-8") as out:
        before = []
        for line, _ in zip(source, range(rows)):
            row = json.loads(line)
            before = [*before[-7:], str(row.get("description") or "")]
            room = LONG - len(line.encode())
            more = (" " + " ".join(before[:-1]) + " " + LONG * "more ")[:max(room, 0)]
            row["description"] = before[-1] + more
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    return folder


def fill(b, data, rows, batch, *more):
    """A data directory with rows of each table in its topics; and how it went."""
    folder = b.path("emulated")
    server = Serve([b.pinline, "serve", "--listen", "127.0.0.1:0", "--data", folder,
                    "--no-pipelines"])
    try:
        result = run([b.pinline, "emulate", "--source", data, "--rows", rows,
                      "--order", "sequential", "--pace", "max", "--batch", batch,
                      "--to", server.url, "-q", *more])
    finally:
        server.stop()
    return folder, result


def emulate(b):
    """the emulator posting flat out to the durable server on the same cores"""
    rows = b.rows // 10
    data = data_folder(b)
    times = []
    for _ in range(3):
        subprocess.run(["rm", "-rf", b.path("emulated")], check=True)
        times.append(fill(b, data, rows, 1)[1])
    b.add("emulator, one record a POST",
          ("pinline", rows * 3 / statistics.median(t["wall"] for t in times),
           statistics.median(t["cpu"] for t in times),
           max(t["peak"] for t in times)), unit="records/s", least=20_000)


def objects(b):
    """topics to gzip JSON objects, rows a second on all cores"""
    rows = b.rows // 4
    subprocess.run(["rm", "-rf", b.path("emulated")], check=True)
    folder, _ = fill(b, data_folder(b), rows, 100)
    times = []
    for _ in range(3):
        copy = b.path("objects")
        subprocess.run(["rm", "-rf", copy], check=True)
        subprocess.run(["cp", "-r", folder, copy], check=True)
        times.append(run([b.pinline, "sink", "objects", "--data", copy, "--set",
                          "objects.gzip=true", "-q"]))
    b.add("topics to gzip JSON objects",
          ("pinline", rows * 3 / statistics.median(t["wall"] for t in times),
           statistics.median(t["cpu"] for t in times),
           max(t["peak"] for t in times)), unit="rows/s", least=188_000)


def s3(b):
    """topics to gzip JSON objects in S3, server and all on the same cores"""
    rows = b.rows // 2
    tool = os.path.join(b.root, "tools", "far-sides")
    subprocess.run(["rm", "-rf", b.path("emulated")], check=True)
    folder, _ = fill(b, long_pins(b, rows), rows, 100, "--tables", "pin")
    out = subprocess.run([tool, "s3", "start", "--dir", b.path("s3")], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    at = dict(line.split("=", 1) for line in out.splitlines())
    env = dict(os.environ, AWS_ENDPOINT_URL=at["url"], AWS_REGION=at["region"],
               AWS_ACCESS_KEY_ID=at["access_key"],
               AWS_SECRET_ACCESS_KEY=at["secret_key"])
    times = []
    try:
        for n in range(3):
            copy = b.path("objects")
            subprocess.run(["rm", "-rf", copy], check=True)
            subprocess.run(["cp", "-r", folder, copy], check=True)
            times.append(run([b.pinline, "sink", "objects", "--data", copy, "--set",
                              "objects.gzip=true", "--set", "objects.flush_bytes=16MB",
                              "--set", f"objects.dir=s3://{at['bucket']}/bench{n}",
                              "-q"], env=env))
    finally:
        subprocess.run([tool, "s3", "stop", "--dir", b.path("s3")], check=True)
    b.add("topics to gzip JSON objects in S3, rows of 1,200 B",
          ("pinline", rows / statistics.median(t["wall"] for t in times),
           statistics.median(t["cpu"] for t in times),
           max(t["peak"] for t in times)), unit="rows/s", least=188_000)


def kafka(b):
    """Apache Kafka: posts against FastAPI + kafka-python, records against librdkafka"""
    import kafka_section  # needs what is above
    kafka_section.measure(b, Serve, wrk)


def postgres(b):
    """PostgreSQL: the sink against COPY and execute, rows drawn from 10 M"""
    import postgres_section  # needs what is above
    postgres_section.start(b)


def start(b):
    """start-up time of commands and of the server, idle memory"""
    version = [run([b.pinline, "--version"])["wall"] for _ in range(20)]
    b.add("pinline --version", ("pinline", statistics.median(version), None, None),
          most=0.010)
    server = Serve([b.pinline, "serve", "--listen", "127.0.0.1:0", "--data",
                    b.path("idle")])
    try:
        time.sleep(1)
        b.add("serve, ready", ("pinline", server.seconds, None, None), most=0.050)
        b.add("serve, idle memory", ("pinline", server.resident() / 1e6, None, None),
              unit="MB", most=20)
    finally:
        server.stop()


def stream(b):
    """topics to Delta tables: catching up, and the highest rate with p99 under 1 s"""
    rows = b.rows // 4
    subprocess.run(["rm", "-rf", b.path("emulated")], check=True)
    folder, _ = fill(b, data_folder(b), rows, 100)
    times = []
    for _ in range(3):
        copy = b.path("stream")
        subprocess.run(["rm", "-rf", copy], check=True)
        subprocess.run(["cp", "-r", folder, copy], check=True)
        times.append(run([b.pinline, "stream", "--once", "--data", copy, "-q"]))
    b.add("topics to Delta tables, catching up",
          ("pinline", rows * 3 / statistics.median(t["wall"] for t in times),
           statistics.median(t["cpu"] for t in times),
           max(t["peak"] for t in times)), unit="rows/s")
    import stream_section  # needs what is above
    stream_section.measure(b, Serve, data_folder(b))


def spark(b):
    """the batch beside PySpark, and the rate of a cluster of two workers"""
    import spark_section  # needs what is above
    against(b, PYSPARK, {"memory": JOBS["memory"]})
    spark_section.cluster(b, data_folder(b))


SECTIONS = {"batch": batch, "spark": spark, "post": post, "topics": topics, "emulate": emulate,
            "objects": objects, "postgres": postgres, "s3": s3,
            "stream": stream, "start": start, "kafka": kafka}
