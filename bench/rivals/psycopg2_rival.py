#!/usr/bin/env python3
"""psycopg2_rival.py FILE TABLE ROWS EACH: the first rows of FILE (CSV) by one
execute a row, as a foreachBatch writer does; committed EACH rows.  Prints one
JSON object."""
import csv
import json
import os
import sys
import time

import psycopg2

path, table, rows, each = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with open(path, newline="", encoding="utf-8") as f:
    data = [[v if v != "" else None for v in row] for _, row in zip(range(rows), csv.reader(f))]
db = psycopg2.connect(host=os.environ["PINLINE_DB_HOST"], port=os.environ["PINLINE_DB_PORT"],
                      user=os.environ["PINLINE_DB_USER"], dbname=os.environ["PINLINE_DB_DATABASE"],
                      password=os.environ["PINLINE_DB_PASSWORD"])
cursor = db.cursor()
marks = ", ".join(["%s"] * len(data[0]))
began = time.perf_counter()
for i, row in enumerate(data):
    cursor.execute(f"INSERT INTO {table} VALUES ({marks})", row)
    if (i + 1) % each == 0:
        db.commit()
db.commit()
print(json.dumps({"rows": len(data), "seconds": time.perf_counter() - began}))
