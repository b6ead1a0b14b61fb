"""harness.py - measure commands in pairs and say how sure the number is.

A comparison runs A B A B ... after one warm-up of each, takes the median of
the pairs' ratios, and is refused when the ratios spread over SPREAD_MOST.
"""
import json
import os
import statistics
import subprocess
import threading
import time

SPREAD_MOST = 0.30
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    pass


class Tree(threading.Thread):
    """Samples a process and its descendants: a JVM that Python starts is not
    waited for by it, so getrusage() does not see it."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.seen = {pid}
        self.cpu = {}
        self.peak = 0
        self.over = threading.Event()
        self.start()

    def sample(self):
        table = {}
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/stat", encoding="ascii",
                              errors="replace") as f:
                        field = f.read().rpartition(")")[2].split()
                except OSError:
                    continue
                table[int(name)] = (int(field[1]), int(field[11]) + int(field[12]),
                                    int(field[21]) * PAGE)
        grew = True
        while grew:
            new = {pid for pid, row in table.items()
                   if pid not in self.seen and row[0] in self.seen}
            self.seen |= new
            grew = bool(new)
        rss = 0
        for pid in self.seen & set(table):
            self.cpu[pid] = max(self.cpu.get(pid, 0), table[pid][1])
            rss += table[pid][2]
        self.peak = max(self.peak, rss)

    def run(self):
        while not self.over.wait(0.05):
            self.sample()

    def stop(self):
        self.over.set()
        self.join()
        return sum(self.cpu.values()) / TICK, self.peak


def run(cmd, env=None, timeout=1800):
    """Run to the end; {"wall", "cpu", "peak", "out": last JSON line or None}."""
    began = time.perf_counter()
    process = subprocess.Popen([str(c) for c in cmd], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, env=env)
    tree = Tree(process.pid)
    output = []
    readers = [threading.Thread(target=lambda s=s: output.append((s, s.read())))
               for s in (process.stdout, process.stderr)]
    for reader in readers:
        reader.start()
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    killer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu, peak = tree.stop()
    for reader in readers:
        reader.join()
    text = dict((s is process.stdout, t) for s, t in output)
    if process.returncode != 0:
        raise Failed(f"{' '.join(map(str, cmd))}: exit {process.returncode}\n"
                     + text[False][-1500:])
    lines = [line for line in text[True].splitlines() if line.startswith("{")]
    return {"wall": wall,
            "cpu": max(cpu, usage.ru_utime + usage.ru_stime),
            "peak": max(peak, usage.ru_maxrss * 1024),
            "out": json.loads(lines[-1]) if lines else None,
            "text": text[True]}


class Comparison:
    """Medians of what A and B gave, and of the ratios of their pairs.

    `value(result)` is the number compared.  better="less": ratio is B / A
    (how many times less A needs); "more": A / B."""

    def __init__(self, a, b, value, pairs, better="less"):
        a()
        b()
        self.a, self.b, self.ratios = [], [], []
        for _ in range(pairs):
            self.a.append(a())
            self.b.append(b())
            x, y = value(self.a[-1]), value(self.b[-1])
            self.ratios.append(y / x if better == "less" else x / y)
        self.value = value

    def median(self, side, key=None):
        rows = self.a if side == "a" else self.b
        return statistics.median(
            (row[key] if key else self.value(row)) for row in rows)

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    @property
    def spread(self):
        return (max(self.ratios) - min(self.ratios)) / self.ratio

    @property
    def refused(self):
        return self.spread > SPREAD_MOST


def machine():
    """What the numbers were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        model = next((line.split(":")[1].strip() for line in f
                      if line.startswith("model name")), "unknown processor")
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = int(f.readline().split()[1]) / 1048576
    return (f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, "
            f"Linux {os.uname().release}, load {os.getloadavg()[0]:.1f} at the start")
