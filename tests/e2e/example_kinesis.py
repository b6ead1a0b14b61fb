#!/usr/bin/env python3
"""examples/daily-batch-and-kinesis/run-stream, and its tables read by delta-rs."""
import base64
import glob
import json
import subprocess
import sys
import tempfile

import lake
from lake import ROOT
from told import check, finish, skip

lake.libraries()


def main():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([ROOT + "/examples/daily-batch-and-kinesis/run-stream", folder],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0, "the example runs", done.stdout[-1500:] + done.stderr[-1500:])
        check(done.stdout.count("closes") == 3, "its sums close", done.stdout[-1500:])
        with open(folder + "/records.json", encoding="utf-8") as f:
            sent = [json.loads(base64.b64decode(r["Data"])) for r in json.load(f)["Records"]]
        check(len(sent) == 500, "the stream holds 500 rows", len(sent))
        try:
            from deltalake import DeltaTable, QueryBuilder
        except ImportError as why:
            skip(f"deltalake is not here ({why}); tools/get-test-deps")
        else:
            for table in ("pin", "geo", "user"):
                path = glob.glob(folder + f"/data/lake/clean/*{table}*")[0]
                found = QueryBuilder().register("t", DeltaTable(path)).execute(
                    "SELECT CAST(count(*) AS BIGINT) AS n, count(DISTINCT ind) AS k FROM t").read_all()
                counts = {int(found[c][0].as_py()) for c in ("n", "k")}
                check(counts == {len({r["index"] for r in sent})},
                      f"delta-rs reads each row of {table} once", counts)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
