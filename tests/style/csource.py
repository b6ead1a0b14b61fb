"""csource.py - just enough of C's grammar for the style gates."""
import re
from typing import NamedTuple

TOKEN = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def strip(text):
    """Comments and literals as blanks; offsets and lines stay."""
    def blank(m):
        s = m.group()
        inner = re.sub(r"[^\n]", " ", s[1:-1])
        return (" " if s[0] == "/" else s[0]) + inner + (
            " " if s[0] == "/" else s[-1])
    return TOKEN.sub(blank, text)


class Function(NamedTuple):
    name: str
    line: int
    lines: int
    params: int
    depth: int


def count_params(inside):
    """How many parameters stand between the outer parentheses; the error that
    every fallible function takes last is not counted (docs/decisions/0010)."""
    inside = re.sub(r",\s*struct err \*e\s*$", "", inside)
    if inside.strip() in ("", "void"):
        return 0
    depth, n = 0, 1
    for c in inside:
        depth += c in "([{"
        depth -= c in ")]}"
        n += c == "," and depth == 0
    return n


def matching(text, at):
    """Offset of the parenthesis that closes the one at `at`, or -1."""
    depth = 0
    for i in range(at, len(text)):
        depth += text[i] == "("
        depth -= text[i] == ")"
        if depth == 0:
            return i
    return -1


def block_depth(body):
    """How deep blocks nest in a body whose own braces are left out."""
    depth = deepest = initialiser = 0
    before = ""
    for m in re.finditer(r"[{}]|[^\s{}]+", body):
        token = m.group()
        if token == "{":
            # `= {`, `(struct x){` and `, {` open values, not blocks
            if initialiser or before.endswith(("=", ",", "(", "return")) or re.search(
                    r"\((?:struct|union|const|enum)?\s*[\w *]+(\[\w*\])?\)\s*$",
                    body[max(0, m.start() - 60):m.start()]) and not re.search(
                    r"\b(if|for|while|switch)\b[^;]*$",
                    body[body.rfind("\n", 0, m.start()) + 1:m.start()]):
                initialiser += 1
            else:
                depth += 1
                deepest = max(deepest, depth)
        elif token == "}":
            if initialiser:
                initialiser -= 1
            else:
                depth -= 1
        before = token
    return deepest


def functions(code):
    """Function definitions of stripped, formatted code ("{" in column 0)."""
    lines = code.split("\n")
    at = 0
    for start, line in enumerate(lines):
        if line == "{":
            end = next((i for i in range(start + 1, len(lines))
                        if lines[i].startswith("}")), start)
            top = start
            while top > 0 and lines[top - 1].strip() and not lines[
                    top - 1].startswith(("}", "#")):
                top -= 1
            head = "\n".join(lines[top:start])
            m = re.search(r"(\w+)\s*\(", head)
            if m:
                close = matching(head, m.end() - 1)
                yield Function(m.group(1), start, end - start,
                               count_params(head[m.end():close]),
                               block_depth("\n".join(lines[start + 1:end])))
        at += len(line) + 1


def call_sites(code):
    """(name, offset) of everything that looks like a call."""
    for m in re.finditer(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(", code):
        yield m.group(1), m.start()


class Literal(NamedTuple):
    line: int
    text: str
    pieces: int
    before: str  # the code in front of it, its last 40 characters


def literals(text):
    """String literals, neighbours joined; `pieces` is the lines they cover."""
    code = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text,
                  flags=re.S)
    joined = re.compile(r"\"(?:\\.|[^\"\\\n])*\"(?:[\s\\]*(?:PRI\w+\s*)?\"(?:\\.|[^\"\\\n])*\")*")
    for m in joined.finditer(code):
        yield Literal(code.count("\n", 0, m.start()) + 1, m.group(),
                      m.group().count("\n") + 1, code[max(0, m.start() - 40):m.start()])
