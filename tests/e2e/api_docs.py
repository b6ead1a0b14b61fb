#!/usr/bin/env python3
"""GET /openapi.json is valid OpenAPI 3.1 and GET /docs a page that works.

A validator reads the document, Chromium the page, and every line that the
page offers to try is run as it stands.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import lake
from lake import ROOT
from served import PINLINE, Server
from told import check, finish, skip

NODE = lake.CACHE + "/node"
lake.libraries()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def validate(doc):
    try:
        from openapi_spec_validator import OpenAPIV31SpecValidator
    except ImportError as why:
        skip(f"no validator here ({why}); tools/get-test-deps")
        return
    faults = [f.message for f in OpenAPIV31SpecValidator(doc).iter_errors()]
    check(not faults, "a validator finds nothing", faults[:3])


def document(base):
    kind, text = get(base + "/openapi.json")
    doc = json.loads(text)
    check(kind == "application/json" and doc["openapi"].startswith("3.1"), "it is OpenAPI 3.1")
    validate(doc)
    ids = [op["operationId"] for ops in doc["paths"].values() for op in ops.values()]
    check(len(ids) == len(set(ids)), "every operation has an id of its own", ids)
    tags = {t["name"] for t in doc["tags"]}
    used = {t for ops in doc["paths"].values() for op in ops.values() for t in op["tags"]}
    check(used <= tags, "every chapter is described", used - tags)
    with open(ROOT + "/src/api/routes.c", encoding="utf-8") as f:
        rows = re.findall(r'\{HTTP_(\w+),\s*"([^"]*)"', f.read())
    lacks = [(m, p) for m, p in rows if p not in ("/_noop", "/{model}/")
             and m.lower() not in doc["paths"].get(p, {})]
    check(not lacks and len(rows) > 10, "every row of the table is in it", lacks)
    pin = doc["components"]["schemas"]["pin"]
    check("poster_name" in pin["properties"] and "poster_name" not in pin["required"]
          and "index" in pin["required"], "the rows of tables are described", pin)
    refs = set(re.findall(r'"\$ref":"#/components/schemas/([^"]*)"', text))
    check(refs <= set(doc["components"]["schemas"]), "no shape is missing",
          refs - set(doc["components"]["schemas"]))
    return doc


def curl(line):
    """(status, body) of a line of the page."""
    done = subprocess.run(line + " -s -m 30 -w '\\n%{http_code}'", shell=True,
                          capture_output=True, text=True, check=False)
    body, _, status = done.stdout.rpartition("\n")
    return status, body


class Lines:
    """The lines that the page offers to try, and what must be there before."""

    def __init__(self, out, paths):
        rows = [line.split("\t") for line in re.findall(r"^try (.*)$", out, re.M)]
        self.lines = {(method, path): line for method, path, line in rows}
        self.paths = paths

    def run(self, method, path):
        return curl(self.lines[method, path])

    def wants(self, method, path):
        """The one status that the document tells."""
        told = [s for s in self.paths[path][method.lower()]["responses"] if s != "default"]
        assert len(told) == 1, (method, path, told)
        return told[0]

    def order(self):
        """As on the page, but topics are deleted last."""
        return sorted(self.lines, key=lambda key: key[0] == "DELETE" and "/consumers" not in key[1])

    def ended(self):
        """Until the run that the lines are about has."""
        until = time.monotonic() + 30
        while time.monotonic() < until and "TERMINATED" not in self.run(
                "GET", "/api/{version}/jobs/runs/get")[1]:
            time.sleep(0.1)

    def prepare(self, method, path):
        """Makes what the line needs; the line with the ids that were given."""
        line = self.lines[method, path]
        if path.endswith("/runs/repair"):
            self.ended()
        instance = "/consumers/{group}/instances/{instance}"
        if path.startswith("/consumers/"):
            self.run("DELETE", instance)
            if path != "/consumers/{group}":
                self.run("POST", "/consumers/{group}")
        if re.search(r"instances/.*/(offsets|positions)|consumer-groups/", path):
            self.run("DELETE", instance)
            self.run("POST", "/consumers/{group}")
            self.run("POST", instance + "/assignments")
            self.run("POST", instance + "/offsets")
        if path.startswith("/streams/"):
            self.run("DELETE" if (method, path) == ("POST", "/streams/{stream-name}") else "POST",
                     "/streams/{stream-name}")
        if "Shard-Iterator" in line:
            body = self.run("GET", "/streams/{stream-name}/sharditerator")[1]
            line = line.replace("AAAA", json.loads(body)["ShardIterator"])
        if "{statement}" in path:
            body = self.run("POST", path.split("/{statement}", maxsplit=1)[0])[1]
            line = re.sub(r"01234567-[-0-9a-f]+", json.loads(body)["statement_id"], line)
        return line


def try_lines(out, base, doc):
    lines = Lines(out, doc["paths"])
    bad = []
    for method, path in lines.order():
        status, body = curl(lines.prepare(method, path))
        if status != lines.wants(method, path):
            bad.append((method, path, status, lines.wants(method, path), body[:200]))
    check(not bad and len(lines.lines) > 60 and base in lines.lines["GET", "/topics"],
          f"the {len(lines.lines)} lines of the page, each done with the status that is told", bad)


def page(base, doc):
    kind, text = get(base + "/docs")
    check(kind.startswith("text/html") and "@DATA@" not in text, "the page is there")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium or not os.path.isdir(NODE + "/node_modules/playwright-core"):
        skip("no chromium or no playwright-core here; tools/setup test, tools/get-test-deps")
        return
    shots = os.path.join(os.environ["PINLINE_BUILD"], "screenshots")
    os.makedirs(shots, exist_ok=True)
    done = subprocess.run(["node", ROOT + "/tests/e2e/docs.mjs", base + "/docs", shots],
                          env=dict(os.environ, NODE_FOLDER=NODE, CHROMIUM=chromium),
                          capture_output=True, text=True, check=False)
    check(done.returncode == 0, "Chromium shows it", done.stdout + done.stderr)
    try_lines(done.stdout, base, doc)


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([PINLINE, "--data", folder + "/data", "run", "--rows", "20", "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        with Server(folder + "/data", pipelines=True) as s:  # runs too
            page(s.url, document(s.url))
        token = folder + "/token"
        with open(os.open(token, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("some-token\n")
        with Server(folder + "/data", "--token-file", token) as s:
            doc = json.loads(get(s.url + "/openapi.json")[1])
            check(doc["security"] == [{"bearer": []}]
                  and doc["paths"]["/healthz"]["get"]["security"] == [],
                  "with tokens it says what needs one")
            validate(doc)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
