#!/usr/bin/env python3
"""gates.py [--root DIR] [--build DIR] GATE... - the rules that tools can check.

Each gate is a function gate_NAME(tree) that yields faults as
"file:line: what is wrong".  No GATE given: all fast ones.  CONTRIBUTING.md
tells the rules; test_gates.py plants a fault for each gate.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

from csource import call_sites, functions, literals, strip

FUNCTION_LINES, FUNCTION_PARAMS, FUNCTION_DEPTH = 60, 6, 4
TEST_LINES = 100  # a test is a list of steps
FILE_LINES, HEADER_LINES, CONTRIBUTING_LINES = 600, 150, 250


class Tree:
    """The project's files, by `git ls-files` or by walking the folder."""

    def __init__(self, root, build):
        self.root = os.path.abspath(root)
        self.build = build
        self.cached = {}
        done = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-co", "--exclude-standard"],
            capture_output=True, text=True, check=False)
        top = os.path.exists(os.path.join(self.root, ".git"))
        if done.returncode == 0 and top:
            names = done.stdout.splitlines()
        else:
            names = [os.path.relpath(os.path.join(at, f), self.root)
                     for at, _, files in os.walk(self.root) for f in files]
        self.names = sorted(n for n in set(names)
                            if os.path.isfile(self.path(n))
                            and not os.path.islink(self.path(n)))

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        if name not in self.cached:
            with open(self.path(name), encoding="utf-8", errors="replace") as f:
                self.cached[name] = f.read()
        return self.cached[name]

    def c_files(self, *under):
        return [n for n in self.names if n.endswith((".c", ".h"))
                and (not under or n.startswith(under))]


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def run(*cmd, **kw):
    return subprocess.run(cmd, capture_output=True, text=True, check=False, **kw)


def gate_format(tree):
    """clang-format 19 has nothing to change"""
    names = tree.c_files()
    done = run("clang-format-19", "--dry-run", "-Werror", *names, cwd=tree.root)
    for line in done.stderr.splitlines():
        if "error:" in line:
            yield line.replace(tree.root + "/", "")
    if done.returncode and "error:" not in done.stderr:
        yield done.stderr


def gate_layers(tree):
    """includes follow tools/layers.txt"""
    done = run(tree.path("tools/check-layers"), cwd=tree.root)
    if done.returncode:
        yield from (done.stdout + done.stderr).splitlines()


def gate_headers(tree):
    """every header compiles alone"""
    done = run(tree.path("tools/check-headers"), cwd=tree.root)
    if done.returncode:
        yield from (done.stdout + done.stderr).splitlines()


def gate_size(tree):
    """functions, files and headers are small"""
    allow = {tuple(line.split()[:2]) for line in
             read_list(tree, "tests/style/allow_size.txt")}
    for name in tree.c_files():
        text = tree.text(name)
        lines = text.count("\n")
        longest = FUNCTION_LINES if name.startswith("src/") else TEST_LINES
        most = HEADER_LINES if name.endswith(".h") else FILE_LINES
        if lines > most:
            yield f"{name}:{lines}: {lines} lines, at most {most}"
        for f in functions(strip(text)):
            where = f"{name}:{f.line}: {f.name}()"
            if f.lines > longest:
                yield f"{where} has {f.lines} lines, at most {longest}"
            if f.params > FUNCTION_PARAMS and (name, f.name) not in allow:
                yield f"{where} takes {f.params}, at most {FUNCTION_PARAMS}"
            if f.depth > FUNCTION_DEPTH:
                yield f"{where} nests {f.depth} deep, at most {FUNCTION_DEPTH}"
    if "CONTRIBUTING.md" in tree.names:
        lines = tree.text("CONTRIBUTING.md").count("\n")
        if lines > CONTRIBUTING_LINES:
            yield f"CONTRIBUTING.md:{lines}: at most {CONTRIBUTING_LINES} lines"


# function -> files below src/ that may call it (a folder ends in "/")
ONLY_IN = {
    "exit": ["main.c"],
    "_exit": ["core/inject.c", "core/proc.c", "core/stop.c"],
    "quick_exit": [],
    "abort": ["core/"],
    "strcpy": [], "strcat": [], "strncpy": [], "strncat": [], "strtok": [],
    "sprintf": [], "vsprintf": [], "gets": [], "alloca": [],
    "atoi": [], "atol": [], "atoll": [], "atof": [],
    "strtol": ["core/num.c"], "strtoll": ["core/num.c"],
    "strtoul": ["core/num.c"], "strtoull": ["core/num.c"],
    "strtod": ["core/num.c"], "strtof": ["core/num.c"],
    "localtime": ["core/clock.c"], "localtime_r": ["core/clock.c"],
    "gmtime": ["core/clock.c"], "gmtime_r": ["core/clock.c"],
    "time": ["core/clock.c"], "mktime": ["core/clock.c"],
    "clock_gettime": ["core/"], "gettimeofday": [],
    "malloc": ["core/mem.c"], "calloc": ["core/mem.c"],
    "realloc": ["core/mem.c"], "free": ["core/mem.c"],
    "strdup": [], "strndup": [], "system": [], "popen": [],
    "rand": [], "srand": [], "random": [], "setlocale": [],
    "printf": ["cli/", "main.c"], "puts": ["cli/", "main.c"],
    "putchar": ["cli/", "main.c"], "perror": [],
}


def allowed(name, files):
    inside = name.removeprefix("src/")
    return any(inside == f or (f.endswith("/") and inside.startswith(f))
               for f in files)


def gate_banned(tree):
    """no banned function, comment or word"""
    extra = {}
    for line in read_list(tree, "tests/style/allow_calls.txt"):
        function, path = line.split()[:2]
        extra.setdefault(function, []).append(path)
    for name in tree.c_files():
        text = tree.text(name)
        code = strip(text)
        for m in re.finditer(r"//", code):
            yield f"{name}:{line_of(code, m.start())}: // comment"
        if not name.startswith("src/") or name == "src/core/base.h":
            continue
        for function, at in call_sites(code):
            if function in ONLY_IN and not allowed(
                    name, ONLY_IN[function] + extra.get(function, [])):
                yield f"{name}:{line_of(code, at)}: {function}() is banned here"
    words = re.compile(r"\b(TO" r"DO|FIX" r"ME|HA" r"CK)\b")
    for name in tree.c_files() + [n for n in tree.names if n.startswith("tools/")]:
        for m in words.finditer(tree.text(name)):
            yield f"{name}:{line_of(tree.text(name), m.start())}: {m.group()}"


def read_list(tree, name):
    if name not in tree.names:
        return []
    lines = (line.split("#")[0].strip() for line in tree.text(name).splitlines())
    return [line for line in lines if line]


def gate_languages(tree):
    """SQL and HTML of more than a line live in files of their own"""
    allow = {line.split()[0] for line in
             read_list(tree, "tests/style/allow_literals.txt")}
    for name in tree.c_files("src/"):
        if name in allow:
            continue
        for lit in literals(tree.text(name)):
            if re.search(r"\.(about|examples|help)\s*=\s*$", lit.before):
                continue
            if lit.pieces > 1 and re.search(r"\bSELECT |<div", lit.text):
                yield (f"{name}:{lit.line}: SQL or HTML over {lit.pieces} lines"
                       " belongs in a .sql or .html file")


MUTABLE = re.compile(r"^\.(t?data|t?bss)(?!\.rel\.ro)(\..*)?$|^\*COM\*$")


def symbols(obj):
    """(name, nm type, section) of what an object file defines"""
    for line in run("nm", "-f", "sysv", "--defined-only", obj).stdout.splitlines():
        field = [f.strip() for f in line.split("|")]
        if len(field) == 7:
            yield field[0], field[2], field[6]


def own_commands(tree):
    """(name below the root, output, command) of every file of src/"""
    with open(os.path.join(tree.build, "compile_commands.json"),
              encoding="utf-8") as f:
        for c in json.load(f):
            path = os.path.realpath(os.path.join(c["directory"], c["file"]))
            name = os.path.relpath(path, os.path.realpath(tree.root))
            if name.startswith("src/"):
                yield name, os.path.join(c["directory"], c["output"])


def gate_symbols(tree):
    """no mutable globals; exported names carry their file's or module's name"""
    allow = {}
    for line in read_list(tree, "tests/style/allow_names.txt"):
        path, *names = line.split()
        allow[path] = names
    state = {line.split()[0]: line.split()[1:] for line in
             read_list(tree, "tests/style/allow_state.txt")}
    objects = sorted(set(own_commands(tree)))
    if not any(os.path.exists(o) for _, o in objects):
        yield f"no object file below \"{tree.build}\"; build first"
    for name, obj in objects:
        folder, _, base = name.removeprefix("src/").removesuffix(".c").rpartition("/")
        words = base.split("_")
        prefixes = {"_".join(words[i:j + 1]) + "_" for i in range(len(words))
                    for j in range(i, len(words))}
        # plurals and singulars of the noun: faults_, analyses_, op_
        prefixes |= {base + "s_", base.removesuffix("is") + "es_",
                     words[0].removesuffix("s") + "_", folder.split("/")[0] + "_", *allow.get(name, [])}
        for symbol, kind, section in symbols(obj) if os.path.exists(obj) else ():
            if MUTABLE.match(section) and symbol not in state.get(name, []) \
                    and "*" not in state.get(name, []):
                yield f"{name}: \"{symbol}\" is mutable global state"
            if kind in "TDBRGSVW" and folder and symbol != base and (
                    not symbol.startswith(tuple(prefixes))):
                yield (f"{name}: exported \"{symbol}\" begins with none of "
                       + ", ".join(sorted(prefixes)))


def gate_built(tree):
    """every C file below src/ and tests/ is compiled by the build"""
    try:
        with open(os.path.join(tree.build, "compile_commands.json"),
                  encoding="utf-8") as f:
            commands = json.load(f)
    except OSError as e:
        yield str(e)
        return
    seen = {os.path.realpath(os.path.join(c["directory"], c["file"]))
            for c in commands}
    for name in tree.c_files("src/", "tests/"):
        if name.endswith(".c") and os.path.realpath(tree.path(name)) not in seen:
            yield f"{name}:1: no meson.build compiles this file"


SECRETS = ["db_creds.yaml", "local_db_creds.yaml", ".env", "sub/.env",
           "sub/db_creds.yaml", "sub/local_db_creds.yaml", "build/pinline",
           ".cache", "pinline-data/x"]


def gate_ignored(tree):
    """git ignores credentials, builds and caches"""
    done = run("git", "-C", tree.root, "check-ignore", "--no-index", *SECRETS)
    if "not a git repository" in done.stderr:
        return
    for name in sorted(set(SECRETS) - set(done.stdout.split())):
        yield f".gitignore:1: does not cover \"{name}\""


# pieces joined here, so that this file is clean by its own rule
PLACES = ["/wo" "rk/", "/tmp/" "wt/", "/ro" "ot/", "/ho" "me/"]
HOSTS = ["registry.npm" "js.org", "py" "pi.org", "pythonho" "sted.org",
         "deb.deb" "ian.org", "crat" "es.io", "proxy.gol" "ang.org",
         "repo1.mav" "en.org", "repo.mav" "en.apache.org"]


def gate_places(tree):
    """no path of one machine and no registry's host in a tracked file"""
    pattern = re.compile("|".join(
        [r"(?<![\w.}/])" + re.escape(p) for p in PLACES]
        + [re.escape(h) for h in HOSTS]))
    for name in tree.names:
        if os.path.getsize(tree.path(name)) > 4_000_000:
            continue
        text = tree.text(name)
        for m in pattern.finditer(text):
            yield f"{name}:{line_of(text, m.start())}: \"{m.group()}\""


SORTED = re.compile(r"/\*[^/]*?\b(?:[Ss]orted|alphabetical order)\b.*?\*/\n", re.S)
# XX(name, ABSENT("name", {"name", {.name = "name", &module_name
ROW = re.compile(r"^\s*(?:XX\(|[A-Z]+\(|\{\s*(?:\.\w+\s*=\s*)?|&[a-z]+_)\s*\"?"
                 r"([\w./-]+)")


def gate_sorted(tree):
    """a table whose comment says that it is sorted is"""
    for name in tree.c_files("src/"):
        text = tree.text(name)
        for m in SORTED.finditer(text):
            rows = []
            for n, line in enumerate(text[m.end():].splitlines()):
                if n and re.match(r"^(\};?|\s*)$", line):
                    break
                row = ROW.match(line)
                if row and n:
                    rows.append((row.group(1), n))
            for (a, _), (b, n) in zip(rows, rows[1:]):
                if a > b:
                    yield (f"{name}:{line_of(text, m.end()) + n}: \"{b}\" stands"
                           f" after \"{a}\" in a table said to be sorted")


LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def gate_links(tree):
    """relative links in documents lead somewhere; decisions have own numbers"""
    numbers = {}
    for name in (n for n in tree.names if n.endswith(".md")):
        text = re.sub(r"```.*?```", lambda m: "\n" * m.group().count("\n"),
                      tree.text(name), flags=re.S)
        for m in LINK.finditer(text):
            to = m.group(1)
            if re.match(r"[a-z]+:", to):
                continue
            if not os.path.exists(os.path.join(
                    tree.root, os.path.dirname(name), to)):
                yield f"{name}:{line_of(text, m.start())}: no file \"{to}\""
        number = re.match(r"docs/decisions/(\d{4})-", name)
        if number:
            if number.group(1) in numbers:
                yield f"{name}:1: same number as {numbers[number.group(1)]}"
            numbers[number.group(1)] = name


def gate_scripts(tree):
    """scripts parse, and those with #! are executable"""
    for name in tree.names:
        if name.endswith((".c", ".h")):
            continue
        with open(tree.path(name), "rb") as f:
            head = f.read(80).split(b"\n")[0]
        python = name.endswith(".py") or head.startswith(b"#!/usr/bin/env python3")
        shell = re.match(rb"#!(/usr)?/bin/(env )?(ba)?sh", head)
        if not name.startswith(("tools/", "tests/", "bench/", ".ci/")):
            continue
        if head.startswith(b"#!") and not os.access(tree.path(name), os.X_OK):
            yield f"{name}:1: not executable"
        if python:
            try:
                compile(tree.text(name), name, "exec")
            except SyntaxError as e:
                yield f"{name}:{e.lineno}: {e.msg}"
        elif shell:
            done = run("bash", "-n", tree.path(name))
            if done.returncode:
                yield f"{name}:1: {done.stderr.strip()}"


def gate_tidy(tree):
    """clang-tidy 19 finds nothing (slow; one file a run)"""
    def one(name):
        done = run("clang-tidy-19", "--quiet", "-p", tree.build,
                   "--extra-arg=-Wno-unknown-warning-option",
                   # glibc's inline atoi() and librdkafka's macros: gcc builds
                   "--extra-arg=-O0", "--extra-arg="
                   "-Wno-gnu-statement-expression-from-macro-expansion",
                   tree.path(name))
        return [line.replace(tree.root + "/", "")
                for line in done.stdout.splitlines()
                if re.search(r": (error|warning): ", line)]
    names = sorted({name for name, _ in own_commands(tree)
                    if not os.environ.get("TIDY") or os.environ["TIDY"] in name})
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for faults in pool.map(one, names):
            yield from faults


def gate_cppcheck(tree):
    """cppcheck finds nothing (slow)"""
    done = run("cppcheck", "--quiet", "--std=c11", "--error-exitcode=1",
               "--enable=warning,portability", "--inline-suppr",
               "--suppressions-list=" + tree.path("tests/style/cppcheck.txt"),
               "-DPINLINE_INJECT", "-DPINLINE_VERSION=\"0\"",
               "-D_POSIX_C_SOURCE=200809L", "-j", str(os.cpu_count()),
               "-I", "src", "src", cwd=tree.root)
    if done.returncode:
        yield from (line for line in done.stderr.splitlines() if ": " in line)


SLOW = ("tidy", "cppcheck")
NEEDS = {"format": "clang-format-19", "tidy": "clang-tidy-19",
         "cppcheck": "cppcheck"}


def main():
    gates = {n.removeprefix("gate_"): f for n, f in globals().items()
             if n.startswith("gate_")}
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.environ.get("PINLINE_ROOT", "."))
    parser.add_argument("--build", default=os.environ.get("PINLINE_BUILD", "build"))
    parser.add_argument("gate", nargs="*")
    args = parser.parse_args()
    tree = Tree(args.root, os.path.abspath(args.build))
    failed = skipped = 0
    names = args.gate or [g for g in gates if g not in SLOW]
    for name in names:
        tool = NEEDS.get(name)
        if tool and run("which", tool).returncode:
            print(f"skip {name}: {tool} is not installed")
            skipped += 1
            continue
        faults = list(gates[name](tree))
        for fault in faults[:60]:
            print(f"  {fault}")
        if len(faults) > 60:
            print(f"  ... and {len(faults) - 60} more")
        print(f"{'not ok' if faults else 'ok'} {name}: {gates[name].__doc__}",
              flush=True)
        failed += bool(faults)
    passed = len(names) - failed - skipped
    print(f"{passed} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
