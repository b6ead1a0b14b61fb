#!/usr/bin/env python3
"""crossover.py RATES.json [OUT.svg] - from which size on a Spark cluster is
quicker than one machine: computed from measured rates, and drawn.

RATES.json: {"machine": {"start_core_seconds", "core_seconds_a_row"}, "spark":
the same, "cores": of one machine and of one worker, "workers": [2, ...],
"rows_a_day_of_1_tb"}.  A line is a start on one machine's cores, then rows on
all cores; where two do not cross, the cluster is never quicker.  Nothing is
taken off for the network or for the driver's core: a real cluster is slower.
"""
import json
import math
import sys

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 190, 30, 60
COLOURS = ["#1b6ca8", "#c2571a", "#3f7d3a", "#7a4fa3", "#8a8a8a"]


def line(rate, cores, workers=1):
    """Start in seconds, seconds a row."""
    return (rate["start_core_seconds"] / cores,
            rate["core_seconds_a_row"] / cores / workers)


def crossing(one, many):
    """Rows from which the second is quicker; None: never."""
    if many[1] >= one[1]:
        return None
    return max((many[0] - one[0]) / (one[1] - many[1]), 0)


def fewest_workers(rates):
    """Workers that do a row as quickly as one machine does."""
    return math.ceil(rates["spark"]["core_seconds_a_row"] /
                     rates["machine"]["core_seconds_a_row"] + 1e-9)


def text(x, y, words, anchor="start", size=12, fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{fill}">{words}</text>')


def short(rows):
    """A power of ten in words."""
    for size, word in ((10 ** 9, " billion"), (10 ** 6, " million")):
        if rows >= size:
            return f"{rows // size:,}{word}"
    return f"{rows:,}"


def draw(rates, lines):
    """Seconds over rows, both logarithmic."""
    low, high = 5, 11
    slow = max(s + 10 ** high * r for _, (s, r) in lines)
    y_low, y_high = -1, math.ceil(math.log10(slow))

    def at(rows, seconds):
        x = LEFT + (math.log10(rows) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (math.log10(seconds) - y_low) / (y_high - y_low) * (
            HEIGHT - TOP - BOTTOM)
        return x, y

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           text(LEFT, 18, "Seconds of a batch by rows, computed from measured rates", size=14)]
    for p in range(low, high + 1):
        x, y = at(10 ** p, 10 ** y_low)
        out.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(text(x, y + 18, short(10 ** p), "middle", 10))
    for p in range(y_low, y_high + 1):
        x, y = at(10 ** low, 10 ** p)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" '
                   'stroke="#ddd"/>')
        out.append(text(LEFT - 6, y + 4, f"{10 ** p:,.10g} s", "end", 10))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, "rows in all tables", "middle"))
    ends = []
    for (name, (start, each)), colour in zip(lines, COLOURS):
        points = [at(10 ** (low + k / 20), start + 10 ** (low + k / 20) * each)
                  for k in range((high - low) * 20 + 1)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                   'stroke-width="2"/>')
        y = points[-1][1] + 4
        while any(abs(y - other) < 14 for other in ends):
            y += 14
        ends.append(y)
        out.append(text(WIDTH - RIGHT + 8, y, name, fill=colour))
    # a circle where lines cross, and its rows near the axis, where no lines are
    one = lines[0][1]
    crossings = [(crossing(one, other), colour)
                 for (_, other), colour in zip(lines[1:], COLOURS[1:])]
    crossings = sorted(c for c in crossings if c[0] is not None and
                       10 ** low <= c[0] <= 10 ** high)
    for i, (rows, colour) in enumerate(crossings):
        x, y = at(rows, one[0] + rows * one[1])
        foot = HEIGHT - BOTTOM - 10 - 16 * i
        out.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x:.1f}" y2="{foot:.1f}" '
                   f'stroke="{colour}" stroke-dasharray="3,3"/>')
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        out.append(text(x + 5, foot, f"{rows / 1e6:,.0f} million rows", "start", 11, colour))
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        rates = json.load(f)
    cores = rates["cores"]
    lines = [("one machine", line(rates["machine"], cores))]
    lines += [(f"Spark, {w} workers", line(rates["spark"], cores, w))
              for w in rates["workers"]]
    for name, other in lines[1:]:
        rows = crossing(lines[0][1], other)
        print(f"{name}: " + ("never quicker than one machine" if rows is None else
                             f"quicker from {rows:,.0f} rows on"))
    print(f"as quick a row as one machine: more than {fewest_workers(rates) - 1} workers")
    day = rates["rows_a_day_of_1_tb"]
    for name, (start, each) in lines:
        print(f"1 TB ({day:,} rows), {name}: {(start + day * each) / 3600:.2f} h")
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w", encoding="utf-8") as f:
            f.write(draw(rates, lines))


if __name__ == "__main__":
    main()
