#!/usr/bin/env python3
"""stores.py CONTRACT_STORE CONTRACT_SINK - the contracts of stores and of the
objects sink on real S3 servers."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import far  # noqa: E402
import told  # noqa: E402


def environment(s3, name, **more):
    return {**os.environ, "AWS_ENDPOINT_URL": s3["url"], "AWS_ACCESS_KEY_ID": s3["access_key"],
            "AWS_SECRET_ACCESS_KEY": s3["secret_key"], "AWS_REGION": s3["region"],
            "PINLINE_STORE_URL": f"s3://{s3['bucket']}/contract-{name}",
            "PINLINE_STORE_FOLDER": s3["folder"], **more}


def with_a_token(s3):
    """Keys of an assumed role count with their token alone."""
    keys = {"AWS_ACCESS_KEY_ID": s3["session_key"], "AWS_SECRET_ACCESS_KEY": s3["session_secret"]}
    print("# moto, a session's token", flush=True)
    told.program([sys.argv[1], "moto"], timeout=280, env=environment(
        s3, "token", AWS_SESSION_TOKEN=s3["session_token"], **keys))
    for token, words in (("not-the-token", "(InvalidToken); get new session credentials"),
                         ("", "(InvalidAccessKeyId); correct AWS_ACCESS_KEY_ID")):
        done = subprocess.run(
            [os.environ["PINLINE"], "clean", "--table", "pin", f"s3://{s3['bucket']}/none"], text=True,
            capture_output=True, timeout=120, check=False,
            env=environment(s3, "token", AWS_SESSION_TOKEN=token, **keys))
        told.check(done.returncode != 0 and words in done.stderr and
                   s3["session_secret"] not in done.stderr and "not-the-token" not in done.stderr,
                   f"the token {token!r} is refused, and neither it nor the secret told", done.stderr)


def by_host_name():
    """BUCKET.s3.pinline.test, which a proxy (the server itself) leads to."""
    with far.side("s3", "--domain", "s3.pinline.test") as at:
        print("# versitygw, the bucket in the host's name", flush=True)
        told.program([sys.argv[1], "versitygw"], timeout=280, env=environment(
            at, "host", PINLINE_STORE_HOST_STYLE="1", http_proxy=at["url"],
            AWS_ENDPOINT_URL="http://s3.pinline.test"))


for server in ("versitygw", "rclone", "moto"):
    with far.side("s3", "--server", server) as at:
        print(f"# {server}", flush=True)
        for program, kind in ((sys.argv[1], server), (sys.argv[2], "objects")):
            told.program([program, kind], env=environment(at, server), timeout=280)
        if server == "moto":
            with_a_token(at)
by_host_name()
sys.exit(told.finish())
