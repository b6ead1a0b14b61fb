#!/usr/bin/env python3
"""test_words.py - documents name commands, options, settings and files that exist.

Inline code and fenced blocks of every document are held against
docs/reference/cli.md and docs/reference/settings.md, which docs_generated
holds against the program.  Faults are planted first: what finds nothing
cannot fail.
"""
import os
import re
import sys

ROOT = os.environ.get("PINLINE_ROOT", os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
from told import check, finish  # noqa: E402

SPAN = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```[ \t]*$", re.M | re.S)
SKIP = ("docs/reference/cli.md", "docs/reference/settings.md", "CHANGELOG.md", "docs/decisions/")
# what ends a command in a line of shell
ENDS = ("|", "||", "&&", ";", "&", ">", ">>", "<", "#")


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


class Words:
    """What the program takes."""

    def __init__(self):
        self.options, self.verbs = {}, {}
        name = ""
        for line in read("docs/reference/cli.md").splitlines():
            if line.startswith("## "):
                name = line[3:]
            row = re.match(r"\| `(.*?)` \|", line)
            if not row or line.startswith("| `pinline"):
                self.options.setdefault(name, set())
                continue
            found = re.findall(r"(?:^|, )(--?[a-z][a-z0-9-]*)", row.group(1))
            self.options.setdefault(name, set()).update(found)
            if not found:
                self.verbs.setdefault(name, set()).add(row.group(1))
        self.settings = set(re.findall(r"^\| `([a-z0-9_.]+)` \|",
                                       read("docs/reference/settings.md"), re.M))
        self.sections = {s.split(".")[0] for s in self.settings if "." in s}

    def command_fault(self, words):
        """What is wrong with a command's words (without "pinline"), or None."""
        wrong = self.set_fault(words)
        while words and words[0].startswith("-"):  # before the command
            name, given, _ = words[0].partition("=")
            if name not in self.options[""]:
                return f"no option {name} before the command"
            takes = name in ("--config", "-C", "--data", "--set", "--log-format", "--log-level")
            words = words[2:] if takes and not given else words[1:]
        if wrong or not words or not re.fullmatch(r"[a-z][a-z-]*", words[0]):
            return wrong
        name = words[0]
        if name not in self.options:
            return f"no command {name}"
        if len(words) > 1 and name in self.verbs and re.fullmatch(r"[a-z]+", words[1]) \
                and words[1] not in self.verbs[name]:
            return f"{name} has no {words[1]}"
        for word in words[1:]:
            if word in ENDS or word.startswith(("|", ">")):
                return None
            option = re.match(r"(--[a-z][a-z0-9-]*|-[a-zA-Z](?=$|\d))", word)
            if option and option.group() not in self.options[name] | self.options[""]:
                return f"{name} has no option {option.group()}"
        return None

    def set_fault(self, words):
        for before, word in zip(words, words[1:]):
            key = word.partition("=")[0]
            if before == "--set" and re.fullmatch(r"[a-z0-9_.]+", key) \
                    and key not in self.settings:
                return f"no setting {key}"
        return None

    def setting_fault(self, span):
        """`stream.sink: postgres`, `s3.endpoint`, `objects.*`"""
        m = re.match(r"([a-z0-9]+)\.([a-z0-9_]+)(?=$|: |=)", span)
        if not m or m.group(1) not in self.sections or m.group() in self.settings:
            return None
        if re.search(r"\.(c|h|md|sql|py|yaml|json|db|dir|html)$", m.group()):
            return None
        if m.group(1) == "spark":  # Spark's own properties begin like that
            return None
        return f"no setting {m.group()}"


def commands(text):
    """What stands behind a "pinline" that begins a command."""
    text = re.sub(r"\\\n\s*", " ", text)
    for line in text.splitlines():
        for m in re.finditer(r"(?:^|[;&|(]\s*|\$ )\s*(?:[A-Z_]+=\S+ )*"
                             r"(?:\S*/)?pinline((?: [^\n`]*)?)$", line.strip()):
            yield re.sub(r'"[^"]*"|\'[^\']*\'', "TEXT", m.group(1)).split()


def faults(name, text, words):
    bare = FENCE.sub("", text)
    spans = [(m.start(), m.group(1)) for m in SPAN.finditer(bare)]
    found = []
    for _, span in spans:
        m = re.fullmatch(r"make ([a-z-]+)(?: .*)?", span)
        if m and f"\n{m.group(1)}:" not in read("Makefile"):
            found.append(f"make has no target {m.group(1)}")
        for command in commands(span):
            found.append(words.command_fault(command))
        found.append(words.setting_fault(span))
        m = re.fullmatch(r"((?:src|docs|tests|tools|bench|examples|packaging|analyses"
                         r"|pipelines|web)/[A-Za-z0-9_./-]+)(?: .*)?", span)
        path = re.sub(r"[^/]*N(?:AME|NNN|N-).*", "", m.group(1)) if m else ""
        if m and not os.path.exists(os.path.join(ROOT, path)):
            found.append(f"no file {m.group(1)}")
    if name.startswith(("docs/decisions/", "docs/format/")):
        return [f"{name}: {f}" for f in found if f]
    found += [f"an indented command, say what runs it: {line.strip()}" for line in
              re.findall(r"^    (?:cd|curl|make|pinline|tools/\S+|(?:\S*/)?(?:run|pinline))\b.*$",
                         bare, re.M)]
    for m in FENCE.finditer(text):
        first = m.group().split("\n")[0]
        if m.group(1) == "sh" and not re.match(r"```sh (test|make|run-by=)", first):
            found.append("a block of sh must say `test`, `make` or `run-by=FILE`")
        if m.group(1) in ("sh", "bash", "console"):
            found += [words.command_fault(c) for c in commands(m.group(2))]
    if name == "ARCHITECTURE.md":
        found += list(architecture_faults(text))
    return [f"{name}: {f}" for f in found if f]


def architecture_faults(text):
    """Every module/file named there is one; every module is named."""
    modules = sorted(d for d in os.listdir(os.path.join(ROOT, "src"))
                     if os.path.isdir(os.path.join(ROOT, "src", d)))
    for module, rest in re.findall(r"(?<![\w/.-])(" + "|".join(modules) + r")/(\w[\w.]*)", text):
        base = os.path.join(ROOT, "src", module, rest.rstrip("."))
        if not any(os.path.exists(base + end) for end in ("", ".c", ".h")):
            yield f"no {module}/{rest} below src"
    floors = re.search(r"## Floors\n\n```\n(.*?)```", text, re.S)
    for module in modules:
        if not floors or not re.search(rf"\b{module}\b", floors.group(1)):
            yield f"the floors leave out {module}"


def documents():
    for at, folders, files in os.walk(ROOT):
        folders[:] = sorted(d for d in folders if d not in ("build", "node_modules")
                            and not d.startswith((".", "build-")))
        for f in sorted(files):
            name = os.path.relpath(os.path.join(at, f), ROOT)
            if f.endswith(".md") and not name.startswith(SKIP):
                yield name


PLANTS = [
    ("a command that is not there", "`pinline runn --rows 3`", "no command runn"),
    ("an option that is not there", "`pinline run --row 3`", "run has no option --row"),
    ("a second word that is not there", "`pinline topics lsit`", "topics has no lsit"),
    ("a setting that is not there", "`objects.flush_size: 3`", "no setting objects.flush_size"),
    ("a setting of a command", "`pinline --set lissen=1 serve`", "no setting lissen"),
    ("a block that nothing runs", "```sh\nls\n```\n",
     "a block of sh must say `test`, `make` or `run-by=FILE`"),
    ("an indented command", "x\n\n    pinline run\n",
     "an indented command, say what runs it: pinline run"),
    ("a command in a block", "```sh test\ncd x && pinline serv --data d\n```\n", "no command serv"),
    ("a file that is not there", "`tools/nothing`", "no file tools/nothing"),
    ("a target that is not there", "`make nothing`", "make has no target nothing"),
    ("a command that is right", "`pinline --data once run --rows 3 --input DIR`", None),
    ("a setting that is right", "`objects.flush_records: 1`", None),
]


def licence_faults():
    """docs/licences.md against the libraries that are used."""
    used = re.search(r"## Who owns which foreign library\n(.*?)\n## ", read("ARCHITECTURE.md"), re.S)
    names = set()
    for row in re.findall(r"^\| ([^|]+) \| `?\w+/", used.group(1), re.M):
        names.update(row.split(", "))
    table = read("docs/licences.md").split("\n## ")[0]
    told = {row.strip() for row in re.findall(r"^\| ([^|]+) \|", table, re.M)} - {"library", "---"}
    for name in sorted(names - told):
        yield f"docs/licences.md leaves out {name}"
    for name in sorted(told - names):
        yield f"docs/licences.md has {name}, which ARCHITECTURE.md does not know"
    packages = re.search(r"packages_build=\((.*?)\)", read("tools/setup"), re.S).group(1).split()
    for package in packages:
        if package.endswith("-dev") and package not in table:
            yield f"docs/licences.md does not name the package {package}"


def main():
    words = Words()
    for name, text, want in PLANTS:
        got = faults("x.md", text, words)
        check(got == ([f"x.md: {want}"] if want else []), name, got)
    got = list(architecture_faults("flow/nowhere\n## Floors\n\n```\ncore\n```\n"))
    check("no flow/nowhere below src" in got and "the floors leave out api" in got,
          "ARCHITECTURE.md with a wrong file and a missing module", got)
    wrong = list(licence_faults())
    check(not wrong, "every library's licence is recorded", "\n".join(wrong))
    for name in documents():
        wrong = faults(name, read(name), words)
        check(not wrong, name, "\n".join(wrong))
    return finish()


sys.exit(main())
