#!/usr/bin/env python3
"""An Apache Kafka with TLS, passwords and access rules: who may, does; who may
not, is told why, and no secret is shown.

User "alice" may do everything, "mallory" nothing.
"""
import ctypes
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kafka_side as side  # noqa: E402
import confluent_kafka  # noqa: E402
import far  # noqa: E402
import requests  # noqa: E402
from told import check, finish  # noqa: E402

V2 = {"Content-Type": "application/vnd.kafka.json.v2+json"}
SECRETS = ("alice-secret", "alice-scram", "mallory-secret", "no-secret-of-hers")
said = []  # everything that any program printed


class Project(side.Kafka):
    """A folder with a pinline.yaml of these options."""

    def __init__(self, values, folder, name, address, options):
        super().__init__({**values, "bootstrap": values[address]},
                         os.path.join(folder, name))
        os.mkdir(self.folder)
        self.config = os.path.join(self.folder, "pinline.yaml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("broker_options:\n" + "".join(f"  - {o}\n" for o in options))
        os.chmod(self.config, 0o600)

    def run(self, *words):
        began = time.monotonic()
        done = subprocess.run([side.PINLINE, "--config", self.config, "--data",
                               self.data("data"), *words, "--broker", self.url],
                              capture_output=True, text=True, timeout=120, check=False)
        said.append(done.stdout + done.stderr)
        return done.returncode, done.stderr, time.monotonic() - began


def sasl(values, user, password, mechanism="PLAIN"):
    return ["security.protocol=SASL_SSL", f"sasl.mechanism={mechanism}", f"sasl.username={user}",
            f"sasl.password={password}", f"ssl.ca.location={values['ca']}"]


def there_and_back(k, name, topic):
    """Produced over HTTP, landed as objects, seen by a client without TLS."""
    code, err, _ = k.run("topics", "create", topic)
    check(code == 0, f"{name}: a topic is made", err)
    with side.Server(k, "data", "--no-pipelines", "--config", k.config) as s:
        r = requests.post(f"{s.url}/topics/{topic}", headers=V2, timeout=60, data=json.dumps(
            {"records": [{"value": {"index": i}} for i in range(50)]}))
        offsets = [o["offset"] for o in r.json()["offsets"]]
        check(r.status_code == 200 and offsets == list(range(50)),
              f"{name}: records are stored", r.text)
        for path in ("/healthz", "/metrics", f"/topics/{topic}", "/v3/clusters"):
            said.append(requests.get(s.url + path, timeout=60).text)
    code, err, _ = k.run("sink", "objects", "--once", "--set", f"objects.topics={topic}",
                         "--set", f"objects.dir={k.folder}/out")
    rows = []
    for at, _, files in os.walk(os.path.join(k.folder, "out")):
        for f in files:
            with open(os.path.join(at, f), encoding="utf-8") as lines:
                rows += [json.loads(line)["index"] for line in lines]
    check(code == 0 and sorted(rows) == list(range(50)),
          f"{name}: and land as objects, each once", (err, len(rows)))


def refused(k, name, words, wanted, seconds=20):
    code, err, took = k.run("topics", "list")
    check(code not in (0, -6, -11), f"{name}: is refused", (code, err))
    check(all(w in err.lower() for w in words), f"{name}: the error says {wanted}", err)
    check(took < seconds, f"{name}: within {seconds} s", took)


def denied(values, folder, topic):
    """A user who is who she says, and may do nothing."""
    k = Project(values, folder, "mallory", "sasl", sasl(values, "mallory", "mallory-secret"))
    for words in (["topics", "create", "of-hers"], ["topics", "offsets", topic],
                  ["sink", "objects", "--once", "--set", f"objects.topics={topic}"]):
        code, err, _ = k.run(*words)
        check(code not in (0, -6, -11) and "uthoriz" in err,
              f"a user without rights is told so by {' '.join(words[:2])}", (code, err))
    code, err, _ = k.run("serve", "--listen", "127.0.0.1:0")
    check(code not in (0, -6, -11) and "uthoriz" in err, "and by serve", (code, err))
    plain = side.Kafka(values, folder)
    plain.pinline("plain", "topics", "create", "hers.pin", "hers.geo", "hers.user")
    plain.kt("kafka-acls", "--add", "--allow-principal", "User:mallory", "--operation",
             "Describe", "--topic", "hers", "--resource-pattern-type", "prefixed")
    with side.Server(k, "data", "--no-pipelines", "--config", k.config, "--set",
                     "prefix=hers") as s:
        r = requests.post(f"{s.url}/topics/hers.pin", headers=V2, timeout=60,
                          data=json.dumps({"records": [{"value": 1}]}))
        said.append(r.text)
        check(r.status_code == 403 and "40301" in r.text,
              "a POST to a topic that may be seen, not written, is 403 with 40301",
              (r.status_code, r.text))


def version_of(path):
    return ctypes.CDLL(path).rd_kafka_version()


def scram(values, folder):
    """Kafka 4 takes SCRAM from librdkafka 2.6.1 on: that of confluent-kafka serves
    where the system's is older, which is told so."""
    old = version_of("librdkafka.so.1") < 0x02060100
    if old:
        refused(Project(values, folder, "old-scram", "sasl", sasl(
            values, "alice", "alice-scram", "SCRAM-SHA-512")),
            "SCRAM by an old librdkafka", ["scram", "2.6.1 can"], "which one can")
        newer = glob.glob(os.path.join(os.path.dirname(confluent_kafka.__file__),
                                       "..", "confluent_kafka.libs", "librdkafka*.so*"))
        os.mkdir(os.path.join(folder, "lib"))
        os.symlink(newer[0], os.path.join(folder, "lib", "librdkafka.so.1"))
        os.environ["LD_LIBRARY_PATH"] = os.path.join(folder, "lib")
    try:
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            there_and_back(Project(values, folder, mechanism, "sasl", sasl(
                values, "alice", "alice-scram", mechanism)), mechanism, f"{mechanism}-pin")
        refused(Project(values, folder, "plain-by-scram", "sasl", sasl(
            values, "alice", "alice-secret", "SCRAM-SHA-512")),
            "another mechanism's password", ["authentication"], "that it is the password")
    finally:
        if old:
            del os.environ["LD_LIBRARY_PATH"]


def main():
    with far.side("kafka", "--secure") as values, tempfile.TemporaryDirectory() as folder:
        k = Project(values, folder, "alice", "sasl", sasl(values, "alice", "alice-secret"))
        there_and_back(k, "user and password over TLS", "secret-pin")
        seen = side.Kafka(values, folder).kcat("-C", "-e", "-t", "secret-pin", "-f", "%o ")
        check(seen.split() == [str(i).encode() for i in range(50)],
              "another client sees what was stored", seen[:200])
        there_and_back(Project(values, folder, "tls", "tls", [
            "security.protocol=SSL", f"ssl.ca.location={values['ca']}"]), "TLS", "tls-pin")
        scram(values, folder)
        refused(Project(values, folder, "wrong", "sasl", sasl(values, "alice", "no-secret-of-hers")),
                "a wrong password", ["authentication"], "that it is the password")
        refused(Project(values, folder, "stranger", "tls", ["security.protocol=SSL"]),
                "an unknown authority", ["certificate"], "that it is the certificate")
        refused(Project(values, folder, "plain", "sasl", []),
                "a plain client at a TLS port", ["kafka"], "whom it tried to reach")
        denied(values, folder, "secret-pin")
    shown = [s for s in SECRETS if any(s in text for text in said)]
    check(not shown, "no secret is shown by any command, error or page", shown)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
