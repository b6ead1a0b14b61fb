#!/usr/bin/env python3
"""The whole job with objects and tables in a bucket that the configuration
alone says how to reach: clean and SQL read it, an account without rights, a
damaged log and a truncated object are told with the next step and without a
secret, and nothing is lost (I4, I9, I11)."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import far  # noqa: E402
import lake  # noqa: E402
from told import finish, named as check  # noqa: E402

lake.need_venv()

class Project:
    """A configuration file, a credentials file, and no AWS_ variable at all."""

    def __init__(self, root, s3):
        self.s3 = s3
        self.config = os.path.join(root, "pinline.yaml")
        keys = os.path.join(root, "keys")
        with open(keys, "w", encoding="ascii") as f:
            for name, who in (("default", ("access_key", "secret_key")),
                              ("stranger", ("stranger_key", "stranger_secret"))):
                f.write(f"[{name}]\naws_access_key_id = {s3[who[0]]}\n"
                        f"aws_secret_access_key = {s3[who[1]]}\n")
        os.chmod(keys, 0o600)
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f"data: {root}/data\ns3:\n  endpoint: {s3['url']}\n  region: us-east-1\n"
                    f"  credentials_file: {keys}\ntables:\n  dir: s3://pinline/t\n"
                    "objects:\n  dir: s3://pinline/raw\n")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}

    def run(self, *args, expect=0):
        done = subprocess.run([lake.pinline(), "--config", self.config, *args],
                              capture_output=True, text=True, timeout=120, check=False,
                              env=self.env)
        if expect is not None and done.returncode != expect:
            raise RuntimeError(f"{args}: {done.returncode}\n{done.stderr}")
        return done

    def count(self):
        got = self.run("query", "--format", "json", "--sql",
                       "select count(*) n, sum(ind) s from clean_pin")
        return json.loads(got.stdout)[0]


def reads(p, root):
    p.run("run", "--rows", "200", "-q")
    check("query --sql reaches the bucket by the configuration", p.count()["n"] > 100)
    raw = p.run("query", "--format", "json", "--sql", "select count(*) n from df_pin")
    check("and the raw records of the project", json.loads(raw.stdout)[0]["n"] == 200,
          raw.stdout)
    out, rejects = os.path.join(root, "pins.jsonl"), os.path.join(root, "rejects.jsonl")
    done = p.run("clean", "--table", "pin", "s3://pinline/raw/topics/pin/", "-o", out,
                 "--rejects", rejects)
    with open(out, encoding="utf-8") as f:
        rows = len(f.read().splitlines())
    check("clean reads raw objects straight from S3", rows == p.count()["n"]
          and "200 records" in done.stderr, f"{rows} {done.stderr}")
    one = "s3://pinline/raw/topics/pin/partition=0/pin+0+0000000000.json"
    check("and a single object", "records" in p.run("clean", "--table", "pin", one, "-o",
                                                    out).stderr)
    bad = os.path.join(p.s3["folder"], "raw2")
    os.makedirs(bad)
    with open(os.path.join(bad, "x.json"), "w", encoding="ascii") as f:
        f.write('{"ind":1}\n{"ind"')
    p.run("clean", "--table", "pin", "s3://pinline/raw2", "-o", out, "--rejects", rejects)
    with open(rejects, encoding="utf-8") as f:
        check("a reject is told with its object's address",
              json.loads(f.readline())["file"] == "s3://pinline/raw2/x.json")
    none = p.run("clean", "--table", "pin", "s3://pinline/nothing/", expect=None)
    check("nothing there is an error", none.returncode != 0 and "no object" in none.stderr)
    left = [n for n in os.listdir(tempfile.gettempdir()) if n.startswith("pinline-fetch.")
            and os.stat(os.path.join(tempfile.gettempdir(), n)).st_uid == os.getuid()]
    check("copies are gone", not left or os.environ.get("CROWDED"), left)


def denied(p):
    """The second account of the server may do nothing."""
    before = p.count()
    for args in (("batch", "--answers", "none"), ("stream", "--once"), ("sink", "objects"),
                 ("query", "--sql", "select 1 from clean_pin"),
                 ("clean", "--table", "pin", "s3://pinline/raw/")):
        got = p.run("--set", "s3.profile=stranger", *args, expect=None)
        text = got.stdout + got.stderr
        check(f"{args[0]}: a denied bucket is told with the next step",
              got.returncode != 0 and "AccessDenied" in text and '"pinline"' in text
              and "s3:GetObject" in text, text)
        check(f"I11 s3: {args[0]} shows no secret", all(
            p.s3[k] not in text for k in ("stranger_secret", "secret_key", "stranger_key")))
    check("and nothing changed", p.count() == before)


def damaged(p, name, change, words):
    """A file of the bucket is changed, told, and put back."""
    path = os.path.join(p.s3["folder"], name)
    with open(path, "rb") as f:
        good = f.read()
    before = p.count()
    with open(path, "r+b") as f:
        change(f, good)
    for args in (("batch", "--answers", "none"), ("query", "--sql",
                                                  "select count(*) from clean_pin")):
        got = p.run(*args, expect=None)
        check(f"{args[0]}: {os.path.basename(name)} is named: {words[0]}",
              got.returncode != 0 and all(w in got.stderr for w in words), got.stderr)
    with open(path, "wb") as f:
        f.write(good)
    p.run("batch", "--answers", "none")
    check("I4 delta on S3: when it is mended all rows are there, once", p.count() == before)


def main():
    with tempfile.TemporaryDirectory() as root, far.side("s3", "--stranger") as s3:
        p = Project(root, s3)
        reads(p, root)
        denied(p)
        entry = f"t/pin/_delta_log/{1:020d}.json"
        damaged(p, entry, lambda f, good: f.truncate(len(good) - 30),
                [os.path.basename(entry), "line"])
        damaged(p, entry, lambda f, good: f.write(b"\0" * len(good)),
                [os.path.basename(entry), "line"])
    sys.exit(finish())


main()
