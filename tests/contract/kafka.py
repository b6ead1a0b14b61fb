#!/usr/bin/env python3
"""kafka.py PROGRAM...: the contract suites of brokers on Apache Kafka, all on
one cluster, one after the other."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import far  # noqa: E402
import told  # noqa: E402

with far.side("kafka") as kafka:
    for program in sys.argv[1:]:
        told.program([program, "kafka://" + kafka["bootstrap"]], timeout=300)
sys.exit(told.finish())
