"""What records a message holds, in plain Python, written from the definition
(docs) and not from the C code: JSON, else base64 of JSON, else a Python dict
literal, within the envelopes that producers use.
"""
import ast
import base64
import binascii
import collections
import json

import semantics

LEVELS = 4


class Reject(Exception):
    pass


def no_constants(name):
    raise ValueError(name)


def parse_json(text):
    return json.loads(text, parse_constant=no_constants)


def parse_text(text):
    """JSON, else base64 of JSON, else a Python dict literal."""
    try:
        return parse_json(text)
    except ValueError:
        pass
    try:
        return parse_json(base64.b64decode(text, validate=True).decode())
    except (ValueError, binascii.Error):
        pass
    return parse_python(text)


def parse_python(text):
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise Reject("not JSON") from None
    if not isinstance(value, dict):
        raise Reject("not JSON")
    return value


def unwrap(value, left):
    """Yields records and Reject instances."""
    if isinstance(value, dict):
        if any(k in value for k in semantics.KEYS):
            yield value
            return
        for name in ("records", "value", "Data", "data", "payload"):
            if name in value:
                break
        else:
            yield Reject("no key")
            return
        if left == 0:
            yield Reject("nested too deep")
            return
        inner = value[name]
        if name == "records" and isinstance(inner, list):
            for part in inner:
                yield from unwrap(part["value"] if isinstance(part, dict)
                                  and "value" in part else part, left - 1)
            return
        yield from unwrap(inner, left - 1)
    elif isinstance(value, list):
        if left == 0:
            yield Reject("nested too deep")
            return
        for part in value:
            yield from unwrap(part, left - 1)
    elif isinstance(value, str):
        if left == 0:
            yield Reject("nested too deep")
            return
        try:
            inner = parse_text(value)
        except Reject as r:
            yield r
            return
        yield from unwrap(inner, left - 1)
    elif value is None:
        yield Reject("no value")
    else:
        yield Reject("no key")


def decode(line):
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return [Reject("invalid UTF-8")]
    try:
        value = parse_json(text)
    except ValueError:
        try:
            value = parse_python(text)
        except Reject as r:
            return [r]
    return list(unwrap(value, LEVELS))


def clean_lines(table, lines):
    """Cleaned rows without duplicates, and the account of the table."""
    rejects, records = collections.Counter(), []
    for line in lines:
        records += decode(line)
    usable = []
    for record in records:
        if isinstance(record, Reject):
            rejects[str(record)] += 1
        elif semantics.CLEAN[table](record, ()) is None:
            rejects["no key"] += 1
        else:
            usable.append(record)
    rows = semantics.clean_all(table, usable, ())
    return rows, {
        "messages": len(lines), "records": len(records), "cleaned": len(rows),
        "expanded": len(records) - len(lines), "duplicate": len(usable) - len(rows),
        "rejected": sum(rejects.values()), "rejects": rejects}
