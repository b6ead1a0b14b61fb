#!/usr/bin/env python3
"""rest_kafka - the recorded exchanges, the real clients, their limits, the cases
of consumers and every error code on Apache Kafka, which is started once."""
import os
import re
import subprocess
import sys

import far

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "..", "cases", "rest")
PINLINE = os.environ.get("PINLINE", "build/src/pinline")


def main():
    passed = failed = 0
    with far.side("kafka") as kafka:
        env = dict(os.environ, PINLINE_FAR_KAFKA=kafka["dir"],
                   PINLINE_CASES_BROKER="kafka://" + kafka["bootstrap"])
        for argv in (["rest_reference.py", "kafka"], ["rest_clients.py", "kafka"],
                     ["rest_limits.py", "kafka"],
                     ["http_cases.py", PINLINE, CASES, "consumer_create", "consumer_records",
                      "consumer_positions"],
                     ["rest_codes.py", "kafka"]):  # ends Kafka
            out = subprocess.run([sys.executable, os.path.join(HERE, argv[0]), *argv[1:]], env=env,
                                 stdout=subprocess.PIPE, text=True).stdout
            print(out, end="")
            total = re.findall(r"(?m)^(\d+) passed, (\d+) failed", out)
            passed += int(total[-1][0]) if total else 0
            failed += int(total[-1][1]) if total else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
