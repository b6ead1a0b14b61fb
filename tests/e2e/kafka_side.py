"""What the tests on a real Kafka share: the far side, a server on it, counts."""
import os
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402

lake.need_venv()
from confluent_kafka import Consumer, KafkaError, TopicPartition  # noqa: E402

import far  # noqa: E402
import served  # noqa: E402
from told import check, finish  # noqa: E402

PINLINE = lake.pinline()


class Kafka:
    """The far side, and a folder for what belongs to it."""

    def __init__(self, values, folder):
        self.values = values
        self.bootstrap = values["bootstrap"]
        self.kt_path = values["kt"]
        self.url = "kafka://" + self.bootstrap
        self.folder = folder

    def data(self, name):
        return os.path.join(self.folder, name)

    def kt(self, tool, *words, stdin=None):
        done = subprocess.run(
            [self.kt_path, tool, "--bootstrap-server", self.bootstrap, *words],
            input=stdin, capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{tool} {words}: {done.stderr.decode()[-800:]}")
        return done.stdout.decode()

    def pinline(self, name, *words, code=0, stdin=None):
        done = subprocess.run(
            [PINLINE, "--data", self.data(name), *words, "--broker", self.url],
            input=stdin, capture_output=True, timeout=300, check=False)
        if done.returncode != code:
            raise RuntimeError(f"pinline {words}: {done.returncode}, not {code}: "
                               f"{done.stderr.decode()[-800:]}")
        return done.stdout

    def kcat(self, *words, stdin=None):
        return subprocess.run(["kcat", "-q", "-b", self.bootstrap, *words],
                              input=stdin, capture_output=True, timeout=60,
                              check=True).stdout


def committed(bootstrap, topic, seconds=60):
    """All records of a topic that were committed, (key, value, partition) by
    partition and offset, once the cluster has settled what is there."""
    c = Consumer({"bootstrap.servers": bootstrap, "group.id": "reads-" + uuid.uuid4().hex,
                  "isolation.level": "read_committed", "enable.partition.eof": True,
                  "enable.auto.commit": False})
    ends = Consumer({"bootstrap.servers": bootstrap, "group.id": "ends-" + uuid.uuid4().hex,
                     "isolation.level": "read_uncommitted"})
    parts = c.list_topics(topic, timeout=30).topics[topic].partitions
    until = time.monotonic() + seconds
    out, open_parts = [], {}
    for p in parts:
        end = ends.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1]
        if end > 0:
            open_parts[p] = end
    c.assign([TopicPartition(topic, p, 0) for p in open_parts])
    while open_parts and time.monotonic() < until:
        m = c.poll(0.2)
        if m is not None and not m.error():
            out.append((m.partition(), m.offset(), m.key(), m.value()))
        elif m is not None and m.error().code() == KafkaError._PARTITION_EOF:
            if m.offset() >= open_parts.get(m.partition(), 0):
                open_parts.pop(m.partition(), None)
        for p, end in list(open_parts.items()):
            at = c.position([TopicPartition(topic, p)])[0].offset
            if at >= end:
                open_parts.pop(p)
    c.close()
    ends.close()
    if open_parts:
        raise RuntimeError(f"{topic}: {open_parts} is not settled after {seconds} s")
    return [(key, value, p) for p, _, key, value in sorted(out, key=lambda r: r[:2])]


class Server(served.Server):
    """pinline serve on this Kafka."""

    def __init__(self, k, name, *words):
        super().__init__(k.data(name), "--broker", k.url, *words, pipelines=True)


def name_of(word):
    """A topic of this case alone, whoever else uses the broker."""
    return f"{word}-{uuid.uuid4().hex[:8]}"


def run_cases(cases):
    """Each on one Kafka; words on the command line choose.  The exit status."""
    with far.side("kafka") as values, tempfile.TemporaryDirectory() as folder:
        k = Kafka(values, folder)
        for name in sys.argv[1:] or list(cases):
            began = time.monotonic()
            try:
                cases[name](k)
            except Exception as e:  # pylint: disable=broad-except
                check(False, f"{name} runs to its end", repr(e))
            print(f"# {name}: {time.monotonic() - began:.1f} s", flush=True)
    return finish()
