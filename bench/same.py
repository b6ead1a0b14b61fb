"""same.py - do two sets of answers say the same?  Rows as multisets, numbers
by value (a mean may differ in its last digits)."""


def plain(value):
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return (str(type(value).__name__), value)
    return ("number", float(f"{float(value):.10g}"))


def canonical(rows):
    return sorted((tuple((k, plain(v)) for k, v in sorted(row.items()))
                   for row in rows), key=repr)


def differences(ours, theirs):
    """A list of texts, one a question that differs."""
    found = []
    for key in sorted(set(ours) | set(theirs)):
        if key not in ours or key not in theirs:
            found.append(f"{key}: only on one side")
            continue
        a, b = canonical(ours[key]), canonical(theirs[key])
        if a != b:
            only_a = [dict(r) for r in a if r not in b][:2]
            only_b = [dict(r) for r in b if r not in a][:2]
            found.append(f"{key}: {len(a)} and {len(b)} rows; "
                         f"{only_a} against {only_b}")
    return found
