#!/usr/bin/env python3
"""kafka.py PROGRAM...: the contract suites of brokers on Apache Kafka, all on
one cluster, one after the other."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import far

passed = failed = skipped = 0
with far.side("kafka") as kafka:
    for program in sys.argv[1:]:
        out = subprocess.run([program, "kafka://" + kafka["bootstrap"]], text=True,
                             stdout=subprocess.PIPE, timeout=240, check=False)
        sys.stdout.write(out.stdout)
        said = re.search(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", out.stdout)
        passed += int(said[1]) if said else 0
        failed += int(said[2]) if said else 1
        failed += bool(out.returncode and said and int(said[2]) == 0)
        skipped += int(said[3] or 0) if said else 0
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0)
