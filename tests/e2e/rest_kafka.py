#!/usr/bin/env python3
"""rest_kafka - the recorded exchanges, the real clients, their limits, the cases
of consumers and every error code on Apache Kafka, which is started once."""
import os
import sys

import far
import lake
import told

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "..", "cases", "rest")
PINLINE = lake.pinline()


def main():
    with far.side("kafka") as kafka:
        env = dict(os.environ, PINLINE_FAR_KAFKA=kafka["dir"],
                   PINLINE_CASES_BROKER="kafka://" + kafka["bootstrap"])
        for argv in (["rest_reference.py", "kafka"], ["rest_clients.py", "kafka"],
                     ["rest_limits.py", "kafka"],
                     ["http_cases.py", PINLINE, CASES, "consumer_create", "consumer_records",
                      "consumer_positions"],
                     ["rest_codes.py", "kafka"]):
            told.program([sys.executable, os.path.join(HERE, argv[0]), *argv[1:]], env=env)
    return told.finish()


if __name__ == "__main__":
    sys.exit(main())
