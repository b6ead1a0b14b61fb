#!/usr/bin/env python3
"""test_tidy.py WRITER - tables stay healthy: compaction, vacuum, expired log
entries and checkpoints change no row, neither when killed nor beside a
writer; a table of 5,000 commits is read fast (I4, I6).  COMMITS sets the
number."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402
from told import finish, named as check  # noqa: E402

lake.need_venv()
from deltalake import DeltaTable, QueryBuilder  # noqa: E402

WRITER = os.path.abspath(sys.argv[1])
COMMITS = int(os.environ.get("COMMITS", "5000"))
DAY = 86400


def writer(top, commits, rows, topic="pin", wait=True, env=None):
    p = subprocess.Popen([WRITER, os.path.join(top, "pin"), "clean", topic,
                          str(commits), str(rows)], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True,
                         env={**os.environ, **(env or {})})
    return (p.communicate(timeout=600), p)[1] if wait else p


def pinline(top, *args, env=None):
    return subprocess.run([lake.pinline(), *args, "--set", f"tables.dir={top}"],
                          capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, **(env or {})})


def table(top, version=None):
    return DeltaTable(os.path.join(top, "pin"), version=version)


def inds(top, version=None):
    got = QueryBuilder().register("t", table(top, version)).execute(
        "SELECT ind, title, tags, place FROM t ORDER BY ind").read_all()
    columns = [got.column(i).to_pylist() for i in range(got.num_columns)]
    return [repr(r) for r in zip(*columns)]


def data_files(top):
    return sorted(glob.glob(os.path.join(top, "pin", "*.parquet")))


def compacts(top):
    writer(top, 40, 5)
    before = inds(top)
    version = table(top).version()
    got = pinline(top, "batch", "--compact")
    check("compaction says what it did", "pin: 40 small files became 1" in got.stdout,
          got.stdout + got.stderr)
    check("I6 delta: delta-rs reads the same rows after compaction",
          inds(top) == before and len(table(top).file_uris()) == 1, "")
    check("and the version before it", inds(top, version) == before)
    history = table(top).history(1)[0]
    check("it is no change of rows", history["operation"] == "OPTIMIZE"
          and history["isBlindAppend"] is False, history)
    names = table(top).get_add_actions(flatten=True)
    row = {n: names.column(n)[0].as_py() for n in
           ("num_records", "min.ind", "max.ind", "null_count.ind", "null_count.title")}
    check("statistics of the large file are those of the small ones",
          row == {"num_records": 200, "min.ind": 0, "max.ind": 199,
                  "null_count.ind": 0, "null_count.title": 67}, row)
    check("the position stays", table(top).transaction_version(
        "pinline:clean:pin:1:0") == 200)
    writer(top, 2, 5)
    check("the writer goes on", len(inds(top)) == 210)
    got = pinline(top, "query", "--sql", "select count(*) n, sum(ind) s from clean_pin",
                  "--tables", top, "--format", "json")
    check("our own reader agrees", json.loads(got.stdout) ==
          [{"n": 210, "s": sum(range(210))}], got.stdout + got.stderr)
    got = pinline(top, "batch", "--compact")
    check("few small files are compacted when asked for", "3 small" in got.stdout,
          got.stdout)


def vacuums(top):
    before = inds(top)
    live = len(table(top).file_uris())
    got = pinline(top, "batch", "--vacuum")
    check("vacuum spares what is young", "0 files" in got.stdout, got.stdout)
    got = pinline(top, "batch", "--vacuum", "--retain", "1h")
    check("less than 7 days needs --force", got.returncode == 2
          and "--force" in got.stderr, got.stderr)
    orphan = os.path.join(top, "pin", "part-" + "0" * 32 + ".zstd.parquet")
    with open(orphan, "wb") as f:
        f.write(b"left by a crash")
    old = time.time() - 8 * DAY
    for path in data_files(top):
        os.utime(path, (old, old))
    got = pinline(top, "batch", "--vacuum", "--dry-run")
    check("a dry run only says so", "1 files" in got.stdout and "would be" in got.stdout
          and os.path.exists(orphan), got.stdout)
    kept = len(data_files(top)) - 1
    got = pinline(top, "batch", "--vacuum")
    check("vacuum deletes an old orphan, and spares files removed lately",
          not os.path.exists(orphan) and len(data_files(top)) == kept, got.stdout)
    got = pinline(top, "batch", "--vacuum", "--retain", "0s", "--force")
    check("with --force removed files go too", len(data_files(top)) == live,
          got.stdout + got.stderr)
    check("I6 delta: rows are the same after vacuum", inds(top) == before)


def cleans_log(top):
    writer(top, 25, 1)
    before = inds(top)
    log = os.path.join(top, "pin", "_delta_log")
    last = table(top).version()
    old = time.time() - 31 * DAY
    for path in glob.glob(os.path.join(log, "0*")):
        if int(os.path.basename(path)[:20]) <= last - 12:
            os.utime(path, (old, old))
    got = pinline(top, "batch", "--vacuum")
    entries = sorted(glob.glob(os.path.join(log, "0*.json")))
    first = int(os.path.basename(entries[0])[:20])
    check("expired log entries go, but none that a young version needs",
          "old log entries" in got.stdout and 0 < first <= last - 11,
          f"{got.stdout} {first} {last}")
    check("I6 delta: rows are the same without them", inds(top) == before)
    check("and young versions can be read", len(inds(top, last - 11)) > 0)


def killed(folder):
    for point in ("delta_before_compact", "delta_before_log", "delta_after_log",
                  "delta_before_checkpoint"):
        top = os.path.join(folder, point)
        writer(top, 8, 5)
        before = inds(top)
        got = pinline(top, "batch", "--compact", env={"PINLINE_KILL_AT": point})
        if point == "delta_before_checkpoint":
            check("no checkpoint is due there", got.returncode == 0)
        else:
            check(f"I6 delta: compaction killed at {point} leaves the same rows",
                  got.returncode == -9 and inds(top) == before, got.returncode)
        pinline(top, "batch", "--compact")
        check(f"I4 delta: and after {point} it is done again",
              inds(top) == before and len(table(top).file_uris()) == 1)


def beside(top):
    p = writer(top, 60, 5, wait=False)
    q = writer(top, 60, 5, topic="other", wait=False)
    made = 0
    while p.poll() is None or q.poll() is None:
        got = pinline(top, "batch", "--compact")
        made += "became 1" in got.stdout
    p.communicate()
    q.communicate()
    got = inds(top)
    check("I6 delta: two writers and compaction at once lose and double no row",
          p.returncode == 0 and q.returncode == 0 and len(got) == 600
          and len(set(got)) == 300, f"{p.returncode} {q.returncode} {len(got)}")
    check(f"compaction had its turn beside them ({made} times)", made > 0)


def many(top):
    began = time.monotonic()
    writer(top, COMMITS, 1)
    spent = time.monotonic() - began
    print(f"# {COMMITS} commits: {spent:.1f} s, {1e3 * spent / COMMITS:.1f} ms each")
    log = os.path.join(top, "pin", "_delta_log")
    points = glob.glob(os.path.join(log, "*.checkpoint.parquet"))
    check("checkpoints of a growing table come ever more seldom",
          len(points) < 60, len(points))

    def count():  # rows, seconds of CPU: the machine may be busy
        began = sum(os.times()[2:4])
        got = pinline(top, "query", "--sql", "select count(*) n from clean_pin",
                      "--tables", top, "--format", "json")
        return json.loads(got.stdout or "[{}]")[0].get("n"), sum(os.times()[2:4]) - began
    n, spent = count()
    print(f"# read with all small files: {spent:.2f} s")
    check(f"a table of {COMMITS} commits is read fast", n == COMMITS and spent < 15,
          f"{n} {spent:.2f}")
    got = pinline(top, "batch", "--compact")
    check("and made one file", f"{COMMITS} small files became 1" in got.stdout, got.stdout)
    n, spent = count()
    print(f"# read after compaction: {spent:.2f} s")
    check("which is read at once", n == COMMITS and spent < 3, f"{n} {spent:.2f}")
    began = time.monotonic()
    check("delta-rs reads it too", len(inds(top)) == COMMITS)
    print(f"# delta-rs: {time.monotonic() - began:.2f} s")


def refuses(top):
    got = pinline(top, "batch", "--vacuum", "--retain", "soon")
    check("a retention that is no duration is refused", got.returncode == 2
          and "no duration" in got.stderr, got.stderr)


with tempfile.TemporaryDirectory() as root:
    compacts(root)
    vacuums(root)
    cleans_log(root)
    refuses(root)
    killed(os.path.join(root, "killed"))
    beside(os.path.join(root, "beside"))
    many(os.path.join(root, "many"))
sys.exit(finish())
