#!/usr/bin/env python3
"""Three Kafka brokers, and what is done to them and to the server under load.

leaders    the leader is killed, after recovery another one (I1, I2, I13)
stopped    all brokers end and come back (I13)
killed     the server is killed between produce and answer (I1, I3)
sigterm    the server is ended, with and without brokers (I15)
behind     the server is killed while a leader holds what its followers, which
           hang, do not, and the request is repeated (I3)
alone      the same where Kafka puts the follower out of sync meanwhile (I3)
hangs      one broker hangs: what can be answered is, at once (I13)
deaf       all brokers hang: what asks them or starts is told so, and SIGTERM ends the server
           (I13, I15)
rebalance  sinks of one group join, leave and are killed (I4, I5)

SECONDS (2): how long load runs between two faults; ROUNDS (3): kills of the
server; HOLD (6): how long followers hang.  SECONDS=40 ROUNDS=100 HOLD=75 is the
long form, with two minutes of load.  Words choose cases.
"""
import glob
import hashlib
import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import lake  # noqa: E402

lake.need_venv()
import confluent_kafka.admin as ck_admin  # noqa: E402

import far  # noqa: E402
from kafka_load import Load, Server, held  # noqa: E402
from served import PINLINE, V2  # noqa: E402
from told import check, finish, quickest  # noqa: E402

SECONDS = float(os.environ.get("SECONDS", "2"))
HOLD = float(os.environ.get("HOLD", "6"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
PATIENCE = 60  # what is waited for comes much sooner; a busy machine may take long
CALL = 10      # seconds: what a call of the cluster waits for its answer
TOPICS = ["pin", "geo", "user"]


class Cluster:
    def __init__(self, values):
        self.values = values
        self.bootstrap = values["bootstrap"]
        self.url = "kafka://" + self.bootstrap
        self.run = str(time.time_ns() % 10**9)
        self.admin = ck_admin.AdminClient({"bootstrap.servers": self.bootstrap,
                                           "log_level": 0})

    def tool(self, verb, *words):
        self.values = {**self.values, **far.call("kafka", verb, "--dir",
                                                 self.values["dir"], *words)}

    def topics(self, prefix, partitions=1):
        names = [f"{prefix}{self.run}.{t}" for t in TOPICS]
        made = self.admin.create_topics([ck_admin.NewTopic(
            n, partitions, 3, config={"min.insync.replicas": "2"}) for n in names])
        for f in made.values():
            f.result(60)
        for node in (1, 2, 3):
            self.known(self.values[f"node{node}"], names)
        return names

    @staticmethod
    def known(address, names, seconds=60):
        """Until that broker knows the topics: each learns of them by itself, and
        a new client asks the one whose address it has."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            admin = ck_admin.AdminClient({"bootstrap.servers": address, "log_level": 0})
            if set(names) <= set(admin.list_topics(timeout=20).topics):
                return
            time.sleep(0.1)
        raise RuntimeError(f"{address} does not know {names}")

    def partition(self, topic):
        return self.admin.list_topics(topic, timeout=20).topics[topic].partitions[0]

    def kill(self, node, sig=signal.SIGKILL):
        os.kill(int(self.values[f"node{node}_pid"]), sig)

    def log_of(self, node, topic):
        """The bytes of a partition's log as that broker has them."""
        out = b""
        for path in sorted(glob.glob(os.path.join(
                self.values["dir"], f"node{node}", "data", topic + "-0", "*.log"))):
            with open(path, "rb") as f:
                out += f.read()
        return out

    def whole(self, topics, seconds=90, copies=3):
        """Until every replica is in sync again."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if all(len(self.partition(t).isrs) == copies and self.partition(t).leader > 0
                       for t in topics):
                    return True
            except Exception:  # pylint: disable=broad-except
                pass  # no broker yet
            time.sleep(0.2)
        return False


def healthy(server, seconds):
    """Until /healthz says ok; its last words."""
    until = time.monotonic() + seconds
    while True:
        status, text = server.get("/healthz")
        if status == 200 and json.loads(text)["status"] == "ok" or time.monotonic() > until:
            return status, text
        time.sleep(0.2)


def calm(server):
    """A bound for what is answered at once: what it takes now, many times."""
    return max(0.5, 20 * quickest(lambda: server.get("/healthz")))


def cpu_share(server, seconds):
    """Of one core, that the server takes meanwhile."""
    def taken():
        with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as f:
            words = f.read().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    before, began = taken(), time.monotonic()
    time.sleep(seconds)
    return (taken() - before) / (time.monotonic() - began)


def metric(server, name):
    """Of a line's name and labels."""
    for line in server.get("/metrics")[1].splitlines():
        if line.rsplit(" ", 1)[0] == name:
            return float(line.split()[-1])
    return None


def tells(server, seconds, *words):
    """Until /healthz has all these words; its last answer, and whether it had."""
    until = time.monotonic() + seconds
    while True:
        text = server.get("/healthz")[1]
        if all(w in text for w in words) or time.monotonic() > until:
            return all(w in text for w in words), text
        time.sleep(0.1)


def tells_away(c, server, node, what):
    """A broker that is killed or hangs is named; how soon is printed."""
    began = time.monotonic()
    address = c.values[f"node{node}"]
    told, text = tells(server, PATIENCE, '"status":"degraded"', "away", address)
    check(told, f"I13 kafka: /healthz names {what}", text)
    print(f"# {what} is told after {time.monotonic() - began:.1f} s")
    away = metric(server, "pinline_broker_away")
    check(away and metric(server, f'pinline_broker_server_up{{server="{address}"}}') == 0,
          f"I13 kafka: /metrics names {what}", away)


def copies(c, folder):
    """What the url says of topics that are made."""
    name = f"copies{c.run}"
    subprocess.run([PINLINE, "--data", os.path.join(folder, "copies"), "topics", "create", name,
                    "--broker", c.url + "?create.replication.factor=2&create.min.insync.replicas=1"],
                   check=True, stdout=subprocess.DEVNULL, timeout=60)
    asked = ck_admin.ConfigResource(ck_admin.ConfigResource.Type.TOPIC, name)
    has = c.admin.describe_configs([asked])[asked].result(30)
    got = len(c.partition(name).replicas), has["min.insync.replicas"].value
    check(got == (2, "1"), "a topic is made with the copies and settings of create.NAME", got)


def late(c, folder):
    """A topic is made while two of three brokers hang for longer than other calls wait."""
    name = f"late{c.run}"
    for node in (2, 3):
        c.kill(node, signal.SIGSTOP)
    try:
        making = subprocess.Popen(
            [PINLINE, "--data", os.path.join(folder, "late"), "topics", "create", name,
             "--broker", c.url], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(CALL + 3)
    finally:
        for node in (2, 3):
            c.kill(node, signal.SIGCONT)
    _, text = making.communicate(timeout=60)
    check(making.returncode == 0, "I13 kafka: a topic is made by brokers that need longer", text)
    check(c.whole([name]), "and it is whole")


def leaders(c, folder):
    copies(c, folder)
    topics = c.topics("leaders")
    server = Server(os.path.join(folder, "leaders"), c.url, 0, "--set", f"prefix=leaders{c.run}")
    load = Load("L", server.port, topics)
    load.go_on(SECONDS)
    seen = {}
    for turn in ("a leader", "another"):
        victim = c.partition(topics[0]).leader
        c.kill(victim)
        tells_away(c, server, victim, f"{turn} that is gone")
        check(load.go_on(SECONDS), f"I13 kafka: load goes on after {turn} was killed")
        now = held(c.bootstrap, topics)
        check(all(now.get(at) == i for at, i in seen.items()),
              f"I2 kafka: what was read before is the same after {turn} was killed")
        seen = now
        c.tool("restart", "--node", str(victim))
        check(c.whole(topics), f"{turn} comes back")
        status, text = healthy(server, PATIENCE)
        check('"ok"' in text, f"/healthz is well again after {turn} came back", text)
    load.go_on(SECONDS)
    load.end()
    check(server.stop() == 0, "the server ends with 0 after all of it")
    now = held(c.bootstrap, topics)
    check(all(now.get(at) == i for at, i in seen.items()),
          "I2 kafka: what was read once is read so for ever")
    load.compare(now, check, "leaders killed")


def stopped(c, folder):
    topics = c.topics("stopped")
    server = Server(os.path.join(folder, "stopped"), c.url, 0, "--set", f"prefix=stopped{c.run}")
    load = Load("S", server.port, topics)
    load.go_on(SECONDS)
    bound, began = calm(server), time.monotonic()
    c.tool("halt")
    told, text = tells(server, PATIENCE, '"status":"unavailable"')
    check(told, "I13 kafka: /healthz says that no broker is there", text)
    check(metric(server, "pinline_broker_up") == 0, "I13 kafka: and so does /metrics")
    took = quickest(lambda: server.get("/healthz"))
    check(took < bound, "/healthz answers at once all the same", (took, bound))
    share = cpu_share(server, 2)
    check(share < 0.25, "a server whose Kafka is away waits for it and does not spin", share)
    c.tool("restart")
    check(c.whole(topics), "all brokers come back")
    check(load.go_on(SECONDS), "I13 kafka: load goes on when they are back")
    print(f"# away for {time.monotonic() - began:.1f} s")
    load.end()
    check(server.stop() == 0, "the server that saw no broker ends with 0")
    load.compare(held(c.bootstrap, topics), check, "brokers stopped and started")


def killed(c, folder):
    """At the fault points around produce and answer, then at random moments."""
    topics = c.topics("killed")
    data = os.path.join(folder, "killed")
    server = Server(data, c.url, 0, "--set", f"prefix=killed{c.run}")
    port = server.port
    load = Load("K", port, topics)
    dice = random.Random(int(os.environ.get("SEED", "1")))
    for _ in range(ROUNDS):
        load.go_on(dice.uniform(0.2, 1.2), 20)
        server.stop(signal.SIGKILL)
        server = Server(data, c.url, port, "--set", f"prefix=killed{c.run}")
    load.go_on(1)
    load.end()
    check(server.stop() == 0, "a server after all kills ends with 0")
    load.compare(held(c.bootstrap, topics), check, f"{ROUNDS} kills of the server")


def sigterm(c, folder):
    topics = c.topics("sigterm")
    data = os.path.join(folder, "sigterm")
    took, codes = [], []
    server = Server(data, c.url, 0, "--set", f"prefix=sigterm{c.run}")
    port = server.port
    load = Load("T", port, topics)
    for _ in range(ROUNDS):
        load.go_on(0.5, 20)
        began = time.monotonic()
        codes.append(server.stop())
        took.append(time.monotonic() - began)
        server = Server(data, c.url, port, "--set", f"prefix=sigterm{c.run}")
    load.go_on(0.5)
    c.tool("halt")
    time.sleep(1)
    began = time.monotonic()
    codes.append(server.stop())
    took.append(time.monotonic() - began)
    check(set(codes) == {0}, "I15 kafka: SIGTERM ends the server with 0", codes)
    check(max(took) < 10, "I15 kafka: SIGTERM ends it within 10 s, without brokers too",
          took)
    c.tool("restart")
    check(c.whole(topics), "all brokers are back")
    server = Server(data, c.url, port, "--set", f"prefix=sigterm{c.run}")
    load.end()
    server.stop()
    load.compare(held(c.bootstrap, topics), check, "SIGTERM under load")


def post(port, topic, key, timeout):
    """One record with this key; the answer, None when none came in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", f"/topics/{topic}",
                           json.dumps({"records": [{"value": {"id": key}}]}),
                           {"Content-Type": V2, "Idempotency-Key": key})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except OSError:
        return None
    finally:
        connection.close()


def until_stored(port, topic, key, seconds=90):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = post(port, topic, key, 30)
        if got and got[0] == 200 and not got[1]["offsets"][0]["error_code"]:
            return got[1]["offsets"][0]["offset"]
        time.sleep(0.1)
    return None


def behind(c, folder):
    """HOLD (6): how long the followers hang in each turn; 75 is longer than any
    answer is waited for."""
    topic = c.topics("behind")[0]
    words = ("--set", f"prefix=behind{c.run}")
    server = Server(os.path.join(folder, "behind"), c.url, 0, *words)
    heir = Server(os.path.join(folder, "heir"), c.url, 0, *words)
    until_stored(server.port, topic, "B-first")
    told = {}
    for turn, key, dies in (("goes on", "B-on", False), ("is killed", "B-killed", True)):
        check(c.whole([topic]), "all replicas are in sync")
        leader = c.partition(topic).leader
        # both, so that there is no controller that puts them out of sync
        hung = [n for n in (1, 2, 3) if n != leader]
        for n in hung:
            c.kill(n, signal.SIGSTOP)
        try:
            check(post(server.port, topic, key, 0.5) is None,
                  "a request is not answered while replicas in sync hang")
            check(holds(c, leader, topic, key, PATIENCE), "but its leader holds the record")
            if dies:
                server.stop(signal.SIGKILL)
                server = heir
            until = time.monotonic() + HOLD
            while key not in told and time.monotonic() < until:
                got = post(server.port, topic, key, 1)
                if got and got[0] == 200:
                    told[key] = got[1]["offsets"][0]["offset"]
        finally:
            for n in hung:
                c.kill(n, signal.SIGCONT)
        told[key] = until_stored(server.port, topic, key)
        now = [i for i in held(c.bootstrap, [topic]).values() if i == key]
        check(len(now) == 1, "I3 kafka: a request that its leader held is stored once when "
              f"the server {turn} and it is repeated", len(now))
    got = {offset: i for (_, _, offset), i in held(c.bootstrap, [topic]).items()}
    check(all(got.get(at) == key for key, at in told.items()),
          "I1 kafka: and is told the offset that it has", (told, got))
    check(server.stop() == 0, "the server ends with 0")


def holds(c, node, topic, key, seconds):
    """Whether that broker's log has it, now or soon."""
    until = time.monotonic() + seconds
    while key.encode() not in c.log_of(node, topic) and time.monotonic() < until:
        time.sleep(0.1)
    return key.encode() in c.log_of(node, topic)


def left_alone(c, port, topic):
    """A key whose record only the leader of two copies has, since its follower hangs,
    and both.  One that is sent too late is not taken: the next one then."""
    for turn in range(10):
        c.whole([topic], copies=2)
        at = c.partition(topic)
        follower = next(n for n in at.replicas if n != at.leader)
        c.kill(follower, signal.SIGSTOP)
        if post(port, topic, f"A-{turn}", 0.5) is None and \
                holds(c, at.leader, topic, f"A-{turn}", 2):
            return f"A-{turn}", at.leader, follower
        c.kill(follower, signal.SIGCONT)
    raise RuntimeError("no record was left alone")


def in_sync(c, node, topic):
    """How many replicas are, as a client is told who asks that broker first."""
    admin = ck_admin.AdminClient({"bootstrap.servers": c.values[f"node{node}"], "log_level": 0})
    try:
        return len(admin.list_topics(topic, timeout=10).topics[topic].partitions[0].isrs)
    except Exception:  # pylint: disable=broad-except
        return 0  # it asked the one that hangs


def alone(c, folder):
    """With fewer in sync than it needs, a leader does not show what it holds."""
    topic = f"alone{c.run}.pin"
    c.admin.create_topics([ck_admin.NewTopic(topic, 1, 2, config={
        "min.insync.replicas": "2"})])[topic].result(60)
    for node in (1, 2, 3):
        c.known(c.values[f"node{node}"], [topic])
    words = ("--set", f"prefix=alone{c.run}")
    server = Server(os.path.join(folder, "alone"), c.url, 0, *words)
    heir = Server(os.path.join(folder, "alone-heir"), c.url, 0, *words)
    until_stored(server.port, topic, "A-first")
    key, leader, follower = left_alone(c, server.port, topic)
    try:
        server.stop(signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        count = in_sync(c, leader, topic)
        while count != 1 and time.monotonic() < until:
            time.sleep(0.1)
            count = in_sync(c, leader, topic)
        check(count == 1, "a leader is left alone with a record", count)
        got = post(heir.port, topic, key, HOLD)
        check(got is None or got[0] >= 500, "nobody is told an offset of it", got)
    finally:
        c.kill(follower, signal.SIGCONT)
    told = until_stored(heir.port, topic, key)
    now = {offset: i for (_, _, offset), i in held(c.bootstrap, [topic]).items() if i == key}
    check(len(now) == 1, "I3 kafka: a request that a leader held alone is stored once when it "
          "is repeated", now)
    check(told in now, "I1 kafka: and is told the offset that it has", (told, now))
    check(heir.stop() == 0, "the server that came after ends with 0")


class Asking(threading.Thread):
    """GETs a path again and again; what came, and how long each took."""

    def __init__(self, server, path, pause=0.05):
        super().__init__(daemon=True)
        self.server, self.path, self.pause = server, path, pause
        self.over, self.took, self.seen = threading.Event(), [], []
        self.start()

    def run(self):
        while not self.over.wait(self.pause):
            began = time.monotonic()
            try:
                self.seen.append(self.server.get(self.path, timeout=90))
            except OSError as e:
                self.seen.append((0, repr(e)))
            self.took.append(time.monotonic() - began)

    def until(self, seen, seconds=PATIENCE):
        """Whether an answer that seen() takes has come, now or soon."""
        until = time.monotonic() + seconds
        while not any(seen(*a) for a in self.seen) and time.monotonic() < until:
            time.sleep(0.1)
        return any(seen(*a) for a in self.seen)

    def end(self):
        self.over.set()
        self.join(100)


def hangs(c, folder):
    """One of three brokers is stopped, not ended: its connections stay."""
    topics = c.topics("hangs")
    prefix = f"hangs{c.run}"
    server = Server(os.path.join(folder, "hangs"), c.url, 0, "--set", f"prefix={prefix}")
    load = Load("H", server.port, topics)
    load.go_on(1)
    cluster = json.loads(server.get("/v3/clusters")[1])["data"][0]["cluster_id"]
    victim = c.partition(topics[0]).leader
    bound = calm(server)
    c.kill(victim, signal.SIGSTOP)
    health = Asking(server, "/healthz")
    slow = [Asking(server, path) for path in
            (f"/topics/{topics[0]}", f"/topics/{topics[1]}/partitions", "/brokers", "/topics",
             f"/v3/clusters/{cluster}/topics", f"/v3/clusters/{cluster}/consumer-groups",
             "/streams", f"/streams/{topics[2]}")
            for _ in range(3)]
    try:
        tells_away(c, server, victim, "the one that hangs")
        check(load.go_on(SECONDS), "I13 kafka: load goes on while a broker hangs")
    finally:
        c.kill(victim, signal.SIGCONT)
    health.end()
    for asking in slow:
        asking.end()
    usual, slowest = statistics.median(health.took), max(health.took)
    check(usual < bound and slowest < CALL / 2,
          "I13 kafka: /healthz answers at once while a broker hangs, and asks nobody",
          (usual, bound, slowest))
    check(not any('"unavailable"' in t for _, t in health.seen),
          "I13 kafka: two brokers are enough", {t for _, t in health.seen})
    check(all(s in (200, 404, 500, 503) for a in slow for s, _ in a.seen),
          "what is asked from the cluster meanwhile is answered in the end",
          {s for a in slow for s, _ in a.seen})
    print(f"# slowest: /healthz {slowest:.2f} s, metadata {max(max(a.took) for a in slow):.1f} s "
          f"in {sum(len(a.seen) for a in slow)} answers")
    c.whole(topics)
    load.end()
    check(server.stop() == 0, "the server that saw one hang ends with 0")
    load.compare(held(c.bootstrap, topics), check, "a broker that hung")


def deaf(c, folder):
    """Two brokers are stopped, not ended, and a while later the third, while
    offsets are asked for and another server wants to start."""
    topic = c.topics("deaf")[0]
    server = Server(os.path.join(folder, "deaf"), c.url, 0, "--set", f"prefix=deaf{c.run}")
    path = f"/topics/{topic}/partitions/0/offsets"
    until_stored(server.port, topic, "heard")
    check(server.get(path)[0] == 200, "offsets are told while brokers answer")
    leader = c.partition(topic).leader
    third = leader % 3 + 1
    for node in {1, 2, 3} - {third}:
        c.kill(node, signal.SIGSTOP)
    try:
        asking = Asking(server, path)
        began = time.monotonic()
        with subprocess.Popen([PINLINE, "--data", os.path.join(folder, "late"), "serve", "--broker",
                               c.url, "--listen", "127.0.0.1:0", "--set", f"prefix=deaf{c.run}"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as late:
            time.sleep(5)
            c.kill(third, signal.SIGSTOP)
            _, text = late.communicate(timeout=60)
        took = time.monotonic() - began
        check(late.returncode == 1 and b"could not" in text and b"create" not in text,
              "I13 kafka: a server that cannot start is told why", text)
        check(took < 3 * CALL, f"I13 kafka: and ends within {3 * CALL} s", took)
        print(f"# it ended after {took:.1f} s: {text.decode().strip()}")
        asking.until(lambda *_: True, 2 * CALL)
        check(asking.seen and all(s in (500, 503) for s, _ in asking.seen),
              f"I13 kafka: who asks brokers that all hang is told so in {2 * CALL} s",
              asking.seen[-1:])
        told, text = tells(server, PATIENCE, '"status":"unavailable"')
        check(told, "I13 kafka: /healthz says that all hang", text)
        began = time.monotonic()
        check(server.stop() == 0, "I15 kafka: SIGTERM ends the server while all brokers hang")
        check(time.monotonic() - began < 15, "I15 kafka: and does so within 15 s",
              time.monotonic() - began)
        asking.end()
    finally:
        for node in (1, 2, 3):
            c.kill(node, signal.SIGCONT)
    check(c.whole([topic]), "all brokers are back")


class Sinks:
    """Processes of one group; some share a data directory, some have their
    own, all write to one folder."""

    def __init__(self, c, folder, prefix):
        self.out = os.path.join(folder, "objects")
        self.folder, self.live, self.codes = folder, [], []
        self.words = ["--broker", c.url, "--set", f"prefix={prefix}", "--set",
                      f"group=g-{prefix}", "--set", f"objects.dir={self.out}", "--set",
                      "objects.flush_records=50", "--set", "objects.flush_time=500ms"]

    def run(self, data, *words):
        with open(os.path.join(self.folder, "sinks.log"), "ab") as log:
            return subprocess.Popen([PINLINE, "--data", os.path.join(self.folder, data),
                                     "sink", "objects", *words, *self.words],
                                    stdout=log, stderr=log)

    def start(self, number):
        self.live.append(self.run("sinks" if number % 2 else f"sink-{number}", "--follow"))

    def end(self, sig, which=0):
        p = self.live.pop(which)
        p.send_signal(sig)
        code = p.wait(timeout=60)
        if sig != signal.SIGKILL:
            self.codes.append(code)

    def finish(self):
        """What is left lands, whoever had it before."""
        code = self.run("sinks", "--once").wait(timeout=120)
        with open(os.path.join(self.folder, "sinks.log"), encoding="utf-8") as f:
            return code, f.read()[-1500:]

    def digests(self):
        out = {}
        for path in glob.glob(self.out + "/topics/*/*/*.json"):
            with open(path, "rb") as f:
                out[path] = hashlib.sha256(f.read()).hexdigest()
        return out

    def landed(self):
        """[(topic, partition, offset, id)] by the names and lines of objects."""
        out = []
        for path in glob.glob(self.out + "/topics/*/*/*.json"):
            topic, partition, first = os.path.basename(path)[:-5].rsplit("+", 2)
            with open(path, encoding="utf-8") as f:
                out += [((topic, int(partition), int(first) + n), json.loads(line)["id"])
                        for n, line in enumerate(f)]
        return out


def rebalance(c, folder):
    """Sinks join, leave and are killed while records come."""
    topics = c.topics("sinks", 4)
    prefix = f"sinks{c.run}"
    server = Server(os.path.join(folder, "sinkserver"), c.url, 0, "--set",
                    f"prefix={prefix}")
    load = Load("R", server.port, topics)
    sinks = Sinks(c, folder, prefix)
    dice = random.Random(int(os.environ.get("SEED", "1")))
    until = time.monotonic() + 5 * SECONDS
    number, kills, seen, steady = 0, 0, {}, True
    while time.monotonic() < until or kills < 2:
        number += 1
        if len(sinks.live) < 2 or (len(sinks.live) < 4 and dice.random() < 0.5):
            sinks.start(number)
        else:
            sig = dice.choice([signal.SIGKILL, signal.SIGTERM])
            kills += sig == signal.SIGKILL
            sinks.end(sig, dice.randrange(len(sinks.live)))
        time.sleep(dice.uniform(0.3, 1.2))
        now = sinks.digests()
        steady = steady and all(now.get(path) == was for path, was in seen.items())
        seen = now
    load.end()
    server.stop()
    while sinks.live:
        sinks.end(dice.choice([signal.SIGKILL, signal.SIGTERM]))
    check(not sinks.codes or set(sinks.codes) == {0},
          "I15 kafka: SIGTERM ends a sink of a group with 0", sinks.codes)
    code, text = sinks.finish()
    check(code == 0, "one sink lands the rest", text)
    want, got = held(c.bootstrap, topics), sinks.landed()
    lost = set(want) - {at for at, _ in got}
    check(len(got) == len(dict(got)), "I4 kafka: no offset stands twice in the objects",
          [at for at, _ in got if [a for a, _ in got].count(at) > 1][:3]
          if len(got) < 20000 else "")
    check(not lost, "I4 kafka: every offset stands in the objects", sorted(lost)[:5])
    check(all(want.get(at) == i for at, i in got), "I4 kafka: with the record that it has")
    check(steady, "I5 kafka: an object that was published never changes")
    load.compare(want, check, f"{number} comings and goings of sinks")
    print(f"# {number} comings and goings, {kills} kills, {len(got)} records landed")


CASES = {"late": late, "leaders": leaders, "killed": killed, "stopped": stopped, "sigterm": sigterm,
         "behind": behind, "alone": alone, "hangs": hangs, "deaf": deaf, "rebalance": rebalance}


def main():
    chosen = sys.argv[1:] or list(CASES)
    with far.side("kafka", "--brokers", "3") as values, \
            tempfile.TemporaryDirectory() as folder:
        c = Cluster(values)
        for name in chosen:
            began = time.monotonic()
            try:
                CASES[name](c, folder)
            except (RuntimeError, OSError, subprocess.SubprocessError, ValueError) as e:
                check(False, f"{name} runs to its end", repr(e))
            print(f"# {name}: {time.monotonic() - began:.1f} s", flush=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
