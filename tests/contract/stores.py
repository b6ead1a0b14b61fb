#!/usr/bin/env python3
"""stores.py CONTRACT_STORE CONTRACT_SINK - the contracts of stores and of the
objects sink on real S3 servers."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import far  # noqa: E402
import told  # noqa: E402


def environment(s3, name):
    return dict(os.environ, AWS_ENDPOINT_URL=s3["url"], AWS_ACCESS_KEY_ID=s3["access_key"],
                AWS_SECRET_ACCESS_KEY=s3["secret_key"], AWS_REGION=s3["region"],
                PINLINE_STORE_URL=f"s3://{s3['bucket']}/contract-{name}",
                PINLINE_STORE_FOLDER=s3["folder"])


for server in ("versitygw", "rclone", "moto"):
    with far.side("s3", "--server", server) as at:
        print(f"# {server}", flush=True)
        for program, kind in ((sys.argv[1], server), (sys.argv[2], "objects")):
            told.program([program, kind], env=environment(at, server), timeout=280)
sys.exit(told.finish())
