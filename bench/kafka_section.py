"""kafka_section.py - what is measured on a real Apache Kafka, all on the same
warm broker: HTTP posts beside the application of the exercise (FastAPI,
uvicorn, kafka-python), records beside a bare librdkafka loop."""
import os
import statistics
import subprocess
import sys

from harness import Comparison, Failed, run

# what was stored is dropped again while the benchmark goes on
BROKER = ["log.segment.bytes=67108864", "log.retention.check.interval.ms=2000",
          "log.segment.delete.delay.ms=1000"]
BRIEF = "retention.bytes=536870912"


class Broker:
    def __init__(self, b, far):
        self.b, self.far = b, far
        self.bootstrap = far["bootstrap"]
        self.url = "kafka://" + self.bootstrap
        self.made = 0

    def topic(self, name, brief=True, partitions=1):
        """A new topic, whatever its name was used for before."""
        tool = [self.far["kt"], "kafka-topics", "--bootstrap-server", self.bootstrap]
        config = ["--config", BRIEF] if brief else []
        done = subprocess.run([*tool, "--create", "--topic", name, "--partitions",
                               str(partitions), *config], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"topic {name}: {done.stdout[-400:]}{done.stderr[-400:]}")
        return name

    def serve(self, Serve, name, topic):
        return Serve([self.b.pinline, "serve", "--listen", "127.0.0.1:0", "--data",
                      self.b.path(name), "--no-pipelines", "--broker", self.url,
                      "--set", f"topics=pin={topic}"])


class FastAPI:
    """The exercise's application, one worker, until stop()."""

    def __init__(self, b, Serve, bootstrap, topic):
        self.env = {"BOOTSTRAP": bootstrap, "TOPIC": topic}
        os.environ.update(self.env)
        self.serve = Serve([b.python, "-m", "uvicorn", "fastapi_app:app", "--app-dir",
                            os.path.join(b.root, "bench", "rivals"), "--host",
                            "127.0.0.1", "--port", free_port(), "--no-access-log"])

    def __getattr__(self, name):
        return getattr(self.serve, name)


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def note_of(c):
    return (f"p50 {c.median('a', 'p50_ms'):.2f} ms, p99 {c.median('a', 'p99_ms'):.2f} ms, "
            f"{c.median('a', 'cpu'):.1f} us CPU a request (FastAPI "
            f"{c.median('b', 'p50_ms'):.2f}, {c.median('b', 'p99_ms'):.2f}, "
            f"{c.median('b', 'cpu'):.1f})")


def posts(b, broker, Serve, wrk, seconds):
    """The same POST /pin/ to both; ours answers after acks=all."""
    ours = broker.serve(Serve, "kafka-posts", broker.topic("posts"))
    theirs = FastAPI(b, Serve, broker.bootstrap, broker.topic("posts-fastapi"))
    try:
        # the broker's compiler is busy for some seconds with what is new to it
        for path in ("/pin/", "/pin/acked/"):
            for _ in range(2):
                wrk(b, ours, "/pin/", 0, seconds, 16)
            wrk(b, theirs, path, 0, seconds, 16)
        for path, name in (("/pin/", "not waiting"), ("/pin/acked/", "acks=all")):
            for connections in (16, 64):
                c = Comparison(
                    lambda: wrk(b, ours, "/pin/", 0, seconds, connections),
                    lambda: wrk(b, theirs, path, 0, seconds, connections),
                    lambda r: r["rate"], b.pairs, better="more")
                what = f"POST /pin/, {connections} connections"
                b.add(f"{what}, FastAPI {name}",
                      ("pinline acks=all", c.median("a"), None, ours.resident()),
                      ("FastAPI", c.median("b"), None, theirs.resident()), c, bar=20,
                      unit="requests/s", note=note_of(c))
                late = Latency(c)
                b.add(f"{what}, p99",
                      ("pinline acks=all", c.median("a", "p99_ms"), None, None),
                      (f"FastAPI {name}", c.median("b", "p99_ms"), None, None), late,
                      bar=10, unit="ms")
    finally:
        theirs.stop()
        ours.stop()


class Latency:
    """The ratios of the tails; they jump, so their spread refuses nothing."""
    refused = False

    def __init__(self, c):
        ratios = [y["p99_ms"] / x["p99_ms"] for x, y in zip(c.a, c.b)]
        self.ratio = statistics.median(ratios)
        self.spread = (max(ratios) - min(ratios)) / self.ratio


class OneOf:
    """A comparison that counts as met when our own number is large enough."""

    def __init__(self, c, enough):
        self.spread, self.refused = c.spread, c.refused
        self.ratio = c.ratio
        self.met = c.median("a") >= enough


def hundreds(b, broker, Serve, wrk, seconds):
    """100-record posts: 500,000 a second, or 80 % of the bare loop."""
    ours = broker.serve(Serve, "kafka-hundreds", broker.topic("hundreds"))
    bare = broker.topic("hundreds-bare")
    try:
        c = Comparison(
            lambda: wrk(b, ours, "/topics/hundreds", 100, seconds),
            lambda: loop(b, broker, "bench_rdkafka", "produce", bare),
            lambda r: r["rate"] * 100 if "p99_ms" in r else r["out"]["rate"],
            b.pairs, better="more")
        late = statistics.median(r["p99_ms"] for r in c.a)
        cpu = statistics.median(r["cpu"] for r in c.a)
        b.add("100-record POSTs, 744 B, acks=all",
              ("pinline", c.median("a"), None, ours.resident()),
              ("bare librdkafka", c.median("b"), c.median("b", "cpu")
               if "cpu" in c.b[0] else None, c.median("b", "peak")), c,
              bar=None if c.median("a") >= 500_000 else 0.8, unit="records/s",
              note=f"p99 {late:.1f} ms, {cpu:.0f} us CPU a request; the bar: 500,000 or 0.8 x")
    finally:
        ours.stop()


def loop(b, broker, program, verb, topic):
    return run([b.bench(program), verb, broker.bootstrap, topic, b.rows])


def loops(b, broker):
    """The same records, by pinline's broker and by librdkafka alone."""
    for partitions in (1, 4):
        ours = broker.topic(f"loop-{partitions}", partitions=partitions)
        bare = broker.topic(f"loop-{partitions}-bare", partitions=partitions)
        kept = broker.topic(f"kept-{partitions}", brief=False, partitions=partitions)
        loop(b, broker, "bench_rdkafka", "produce", kept)
        for verb, topics in (("produce", (ours, bare)), ("consume", (kept, kept))):
            c = Comparison(lambda: loop(b, broker, "bench_kafka", verb, topics[0]),
                           lambda: loop(b, broker, "bench_rdkafka", verb, topics[1]),
                           lambda r: r["out"]["rate"], b.pairs, better="more")
            b.add(f"{verb}, 744 B, {partitions} partition{'s'[:partitions - 1]}",
                  *[(n, c.median(s), c.median(s, "cpu"), c.median(s, "peak"))
                    for n, s in (("pinline", "a"), ("bare librdkafka", "b"))],
                  c, bar=0.8, unit="records/s")


def objects(b, broker):
    """What a topic holds, as gzip JSON objects."""
    times = []
    for i in range(4):
        folder = b.path(f"kafka-objects-{i}")
        times.append(run([b.pinline, "sink", "objects", "--data", folder, "--broker",
                          broker.url, "--set", "topics=pin=kept-4", "--set",
                          "objects.gzip=true", "-q"]))
        subprocess.run(["rm", "-rf", folder], check=True)
    times = times[1:]
    b.add("Kafka to gzip JSON objects",
          ("pinline", b.rows / statistics.median(t["wall"] for t in times),
           statistics.median(t["cpu"] for t in times),
           max(t["peak"] for t in times)), unit="rows/s")


def measure(b, Serve, wrk):
    sys.path.insert(0, os.path.join(b.root, "tests", "e2e"))
    import far
    seconds = 5 if b.rows >= 1_000_000 else 2
    options = [word for line in BROKER for word in ("--set", line)]
    with far.side("kafka", *options) as values:
        broker = Broker(b, values)
        b.say(f"warming Kafka up with {3 * b.rows:,} records")
        warm = broker.topic("warm")
        for _ in range(3):
            loop(b, broker, "bench_rdkafka", "produce", warm)
        loops(b, broker)
        objects(b, broker)
        hundreds(b, broker, Serve, wrk, seconds)
        posts(b, broker, Serve, wrk, seconds)
