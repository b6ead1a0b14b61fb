#!/usr/bin/env python3
"""http_cases.py SERVER FOLDER [NAME...] - HTTP exchanges kept as files.

Each FOLDER/*.http starts a server of its own (SERVER is serve_fake, or
pinline for `pinline serve`) with the options of its `server:` line, sends its
requests one after another over one connection, and compares.

    server: topic=pin:3 token=secret.txt
    === a sentence
    POST /topics/pin HTTP/1.1
    Content-Type: application/json

    {"body":1}
    ---
    HTTP/1.1 200
    Content-Type: application/json
    !Retry-After

    {"offset":{{int}}}

Host and Content-Length are added unless given (`Host: -` sends none); bodies
end before the line break in front of the next marker; \\xNN and \\n in a body
count as such bytes when the sentence ends in "(escaped)".  Of the answer the
status, the headers named and the whole body must be as written; {{int}} and
{{any}} stand for digits and for anything; `...` as the body skips it.
"""
import glob
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

BROKER = os.environ.get("PINLINE_CASES_BROKER")
TOKENS = "reader-token-1\nana writer-token-2\n"


class Server:
    def __init__(self, program, options, folder):
        self.folder = folder
        token = os.path.join(folder, "token.txt")
        with open(token, "w") as f:
            f.write(TOKENS)
        os.chmod(token, 0o600)
        options = [o.replace("token=secret.txt", "token=" + token) for o in options]
        if os.path.basename(program).startswith("serve_"):
            argv = [program] + options
        else:
            argv = self.serve(program, options)
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"(?:ready |:)(\d+)\b", line)
        if not found:
            raise RuntimeError(f"server did not start: {line!r}")
        self.port = int(found.group(1))

    def serve(self, program, options):
        data = os.path.join(self.folder, "data")
        argv = [program, "serve", "--data", data, "--listen", "127.0.0.1:0"]
        broker = ["--broker", BROKER] if BROKER else []
        argv += broker + (["--no-pipelines"] if BROKER else [])
        for option in options:
            key, _, value = option.partition("=")
            if key == "topic":
                name, _, n = value.partition(":")
                if BROKER: # one far side for all: each file has its topics anew
                    subprocess.run([program, "topics", "delete", name, "--data", data,
                                    *broker], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
                subprocess.run([program, "topics", "create", name, "--data", data,
                                "--partitions", n or "1", *broker], check=True,
                               stdout=subprocess.DEVNULL)
            elif key == "token":
                argv += ["--token-file", value]
            elif key == "cors":
                argv += ["--cors", value]
            elif key == "auto":
                argv += ["--set", "auto_create_topics=true"]
            elif key == "strip":
                argv += ["--strip-prefix", value]
            elif key == "consumers":
                argv += ["--set", "consumers.max=" + value]
            elif key == "idle_ms":
                argv += ["--set", "consumers.idle=" + value + "ms"]
            elif key == "notebook":
                argv += ["--set", "schedule.notebooks=" + value]
            elif key == "pipelines":
                argv += ["--no-pipelines"]
            elif key == "body":
                argv += ["--set", "max_body=" + value]
            else:
                raise Unsupported(option)
        return argv

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


class Unsupported(Exception):
    pass


class Connection:
    """One keep-alive connection that shows every byte of the answer."""

    def __init__(self, port):
        self.port = port
        self.socket = None

    def read_until(self, data, what):
        while what not in data:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError(f"closed after {data!r}")
            data += more
        return data

    def exchange(self, method, request):
        for attempt in (0, 1):
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.port), 10)
            try:
                self.socket.sendall(request)
                return self.answer(method)
            except ConnectionError:
                self.socket = None
                if attempt:
                    raise
        return None

    def answer(self, method):
        data = self.read_until(b"", b"\r\n\r\n")
        while data.startswith(b"HTTP/1.1 100"):
            data = self.read_until(data.split(b"\r\n\r\n", 1)[1], b"\r\n\r\n")
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0")) if method != "HEAD" else 0
        while len(body) < length:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed within the body")
            body += more
        if headers.get("connection", "").lower() == "close":
            self.socket.close()
            self.socket = None
        return lines[0], headers, body


def unescape(body):
    out = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m.group(1), 16)]), body)
    return out.replace(b"\\n", b"\n")


def build(text, escaped, port):
    head, _, body = text.partition(b"\n\n")
    repeat = re.fullmatch(rb"\{\{repeat (\d+) (.+)\}\}", body)
    if repeat:
        body = repeat.group(2) * int(repeat.group(1))
    if escaped:
        body = unescape(body)
    lines = head.decode().replace("{{port}}", str(port)).split("\n")
    names = [l.split(":")[0].lower() for l in lines[1:]]
    method = lines[0].split(" ")[0]
    if "host" not in names:
        lines.insert(1, f"Host: 127.0.0.1:{port}")
    lines = [l for l in lines if l != "Host: -"]
    if "content-length" not in names and "transfer-encoding" not in names and (
            body or method in ("POST", "PUT")):
        lines.append(f"Content-Length: {len(body)}")
    return method, "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def pattern(text):
    out = b""
    for part in re.split(rb"(\{\{int\}\}|\{\{any\}\})", text):
        out += {b"{{int}}": rb"\d+", b"{{any}}": rb"(?s:.*)"}.get(part, re.escape(part))
    return out


def compare(want, got, port):
    status, headers, body = got
    want = want.replace(b"{{port}}", str(port).encode())
    head, _, want_body = want.partition(b"\n\n")
    lines = head.decode().split("\n")
    faults = []
    if not status.startswith(lines[0]):
        faults.append(f"status {status!r}, want {lines[0]!r}")
    for line in lines[1:]:
        if line.startswith("!"):
            if line[1:].lower() in headers:
                faults.append(f"header {line[1:]} is there")
            continue
        name, _, value = line.partition(":")
        have = headers.get(name.strip().lower())
        if have is None or not re.fullmatch(pattern(value.strip().encode()), have.encode("latin-1")):
            faults.append(f"header {name}: {have!r}, want {value.strip()!r}")
    if want_body != b"..." and not re.fullmatch(pattern(want_body), body):
        faults.append(f"body {body!r}\n     want {want_body!r}")
    return faults


def run_file(program, path):
    with open(path, "rb") as f:
        text = f.read()
    head, *cases = re.split(rb"^=== (.*)\n", text, flags=re.M)
    options = re.search(rb"^server:(.*)$", head, re.M)
    options = options.group(1).decode().split() if options else []
    passed = failed = 0
    name = os.path.basename(path)[:-5]
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = Server(program, options, folder)
        except Unsupported as why:
            print(f"skip {name}: serve has no {why}")
            return 0, 0
        connection = Connection(server.port)
        for sentence, exchange in zip(cases[::2], cases[1::2]):
            request, _, want = exchange.partition(b"\n---\n")
            sentence = sentence.decode()
            try:
                method, raw = build(request, sentence.endswith("(escaped)"), server.port)
                faults = compare(want.rstrip(b"\n"), connection.exchange(method, raw), server.port)
            except OSError as why:
                faults = [f"no answer: {why}"]
            if faults:
                failed += 1
                print(f"FAIL {name}: {sentence}")
                for fault in faults:
                    print("     " + fault)
            else:
                passed += 1
        code = server.stop()
        if code != 0:
            failed += 1
            print(f"FAIL {name}: the server ended with {code}")
    return passed, failed


def main():
    program, folder, *names = sys.argv[1:]
    passed = failed = 0
    paths = sorted(glob.glob(os.path.join(folder, "*.http")))
    for path in paths:
        if names and os.path.basename(path)[:-5] not in names:
            continue
        p, f = run_file(program, path)
        passed += p
        failed += f
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
