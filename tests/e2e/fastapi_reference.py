#!/usr/bin/env python3
"""The exchanges recorded from a FastAPI application, replayed.

Each request of ../shared/components/fastapi_reference.txt is sent as it was;
status, Content-Type, Location, Allow and every byte of the body must be as
FastAPI answered.  They are sent over two listeners in turn, and once more
below the path prefix of an API gateway's stage.
"""
import os
import re
import socket
import sys
import tempfile

import lake
from served import Server
from told import check, finish, skip_all

HEADERS = ("content-type", "location", "allow")


def cases(path):
    with open(path, "rb") as f:
        text = f.read()
    for part in re.split(rb"^### ", text, flags=re.M)[1:]:
        name = part.split(b"\n", 1)[0].split(b"   [")[0].decode()
        request, response = re.search(
            rb"--- request\n(.*?)\n--- response\n(.*)", part, re.S).groups()
        head, _, body = request.partition(b"\n\n")
        if re.search(rb"content-length: 0", head, re.I):
            body = b""
        want_head, _, want = response.partition(b"\n\n")
        yield name, head, body.rstrip(b"\n"), want_head, want.strip(b"\n")


def exchange(port, head, body):
    with socket.create_connection(("127.0.0.1", port), 10) as c:
        c.sendall(head.replace(b"\n", b"\r\n") + b"\r\nConnection: close\r\n\r\n" + body)
        data = b""
        while more := c.recv(65536):
            data += more
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body


def headers(head):
    out = {}
    for line in head.decode().replace("\r", "").split("\n")[1:]:
        name, _, value = line.partition(":")
        out[name.strip().lower()] = value.strip()
    return out


def replay(port, path, prefix=""):
    for name, head, body, want_head, want in cases(path):
        method, rest = head.split(b" ", 1)
        got_head, got = exchange(port, method + b" " + prefix.encode() + rest, body)
        faults = []
        if got_head.split(b" ")[1] != want_head.split(b" ")[1]:
            faults.append(got_head)
        have, expected = headers(got_head), headers(want_head)
        for header in HEADERS:
            value = expected.get(header)
            if value and header == "location":
                value = value.replace(":18000", ":18000" + prefix)
            if have.get(header) != value and not (header == "content-type" and not want):
                faults.append((header, have.get(header), value))
        if got != want:
            faults.append((got, want))
        check(not faults, f"{prefix}{name} on port {port}", faults)


def main():
    path = lake.shared("components", "fastapi_reference.txt")
    if not os.path.exists(path):
        skip_all(f"{path} is not here")
    with tempfile.TemporaryDirectory() as folder:
        with Server(folder + "/data", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
                    "--strip-prefix", "/test", "--strip-prefix", "/dev") as s:
            check(len(s.ports) == 2, "it listens twice")
            replay(s.ports[0], path)
            replay(s.ports[1], path, "/test")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
