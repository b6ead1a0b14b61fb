#!/usr/bin/env python3
"""test_gates.py - each style gate passes a clean tree and finds a planted fault."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

import gates

ROOT = os.environ.get("PINLINE_ROOT", os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))

CLEAN = {
    "src/core/a.h": "/* a.h - numbers. */\n#ifndef CORE_A_H\n#define CORE_A_H\n"
                    "\nint a_get(int i);\n\n#endif\n",
    "src/core/a.c": '#include "core/a.h"\n\nint a_get(int i)\n{\n'
                    "    return i + 1;\n}\n",
    "src/flow/b.h": "/* b.h - sums. */\n#ifndef FLOW_B_H\n#define FLOW_B_H\n"
                    "\nint b_sum(int i);\n\n#endif\n",
    "src/flow/b.c": '#include "flow/b.h"\n\n#include "core/a.h"\n\n'
                    "/* Sorted. */\nstatic const int numbers[] = {\n    1,\n};\n\n"
                    "int b_sum(int i)\n{\n    return numbers[0] + a_get(i);\n}\n",
    "tools/tool": "#!/bin/bash\necho ok\n",
    "README.md": "[code](src/core/a.c)\n",
    "docs/decisions/0001-x.md": "# x\n",
    ".gitignore": None,
    ".clang-format": None,
    "tools/check-layers": None,
    "tools/check-headers": None,
    "tools/layers.txt": None,
}
LONG = "".join(f"    i += {n};\n" for n in range(61))
DEEP = ("    if (i) {\n        if (i) {\n            if (i) {\n"
        "                if (i) {\n                    if (i) {\n"
        "                        i++;\n" + "".join(
            "    " * n + "}\n" for n in range(5, 0, -1)))

# gate, what is planted: file -> text (text starting with + is appended), and
# a word that the fault's line must hold
PLANTS = [
    ("format", {"src/core/a.c": "+int  a_x ;\n"}, "src/core/a.c"),
    ("layers", {"src/core/a.c": '+#include "flow/b.h"\n'}, "floor"),
    ("layers", {"src/core/a.c": "+#include <sqlite3.h>\n"}, "sqlite3.h"),
    ("layers", {"src/core/a.c": "+#include <libpq-fe.h>\n"}, "libpq-fe.h"),
    ("layers", {"src/core/a.c": '+#include "a.h"\n'}, "source root"),
    ("layers", {"src/flow/b.c": '+#include "core/a_int.h"\n'}, "private"),
    ("layers", {"src/core/a.h": '+#include "core/c.h"\n',
                "src/core/c.h": '#include "core/a.h"\n'}, "cycle"),
    ("headers", {"src/core/a.h": "+size_t a_more(void);\n"}, "src/core/a.h"),
    ("size", {"src/core/a.c": f"+\nint a_l(int i)\n{{\n{LONG}    return i;\n}}\n"},
     "a_l() has"),
    ("size", {"src/core/a.c": "+\nint a_p(int a, int b, int c, int d, int e,\n"
                              "        int f, int g)\n{\n    return a;\n}\n"},
     "a_p() takes 7"),
    ("size", {"src/core/a.c": f"+\nint a_d(int i)\n{{\n{DEEP}    return i;\n}}\n"},
     "a_d() nests 5"),
    ("size", {"src/core/a.h": "+" + "/* */\n" * 150}, "at most 150"),
    ("size", {"src/core/a.c": "+" + "/* */\n" * 600}, "at most 600"),
    ("banned", {"src/core/a.c": "+int a_y; // why\n"}, "// comment"),
    ("banned", {"src/core/a.c": "+void a_q(void)\n{\n    exit(1);\n}\n"}, "exit()"),
    ("banned", {"src/core/a.c": "+void a_q(char *s)\n{\n    strcpy(s, \"a\");\n}\n"},
     "strcpy()"),
    ("banned", {"src/flow/b.c": "+void b_q(char *s)\n{\n    strtol(s, 0, 9);\n}\n"},
     "strtol()"),
    ("banned", {"src/flow/b.c": "+/* TO" "DO: later */\n"}, "TO" "DO"),
    ("languages", {"src/core/a.c": '+const char a_s[] = "SELECT a "\n    "FROM b";\n'},
     "src/core/a.c:7"),
    ("symbols", {"src/core/a.c": "+static int count;\nint *a_c(void);\n"
                                 "int *a_c(void)\n{\n    return &count;\n}\n"},
     '"count" is mutable'),
    ("symbols", {"src/core/a.c": "+int other(void);\nint other(void)\n{\n"
                                 "    return 0;\n}\n"}, '"other" begins with none'),
    ("built", {"src/core/d.c": "int d_x(void);\n"}, "src/core/d.c"),
    ("ignored", {".gitignore": "/build*/\n/.cache\n/pinline-data/\n.env\n"},
     "db_creds.yaml"),
    ("places", {"README.md": "+see " + "/wo" "rk/main\n"}, "README.md:2"),
    ("places", {"tools/tool": "+curl " + "py" "pi.org\n"}, "tools/tool:3"),
    ("sorted", {"src/flow/b.c": '+\n/* In alphabetical order. */\n'
                                'static const char *const n[] = {\n    {"b"},\n'
                                '    {"a"},\n};\n'}, '"a" stands after "b"'),
    ("links", {"README.md": "+[x](docs/none.md)\n"}, "docs/none.md"),
    ("links", {"docs/decisions/0001-y.md": "# y\n"}, "same number"),
    ("scripts", {"tools/tool": "+if then\n"}, "tools/tool"),
    ("scripts", {"tools/bad.py": "def (:\n"}, "tools/bad.py"),
]


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if text is None:
            shutil.copy(os.path.join(ROOT, name), path)
            continue
        with open(path, "a" if text.startswith("+") else "w",
                  encoding="utf-8") as f:
            f.write(text.removeprefix("+"))
        if name.startswith("tools/"):
            os.chmod(path, 0o755)


def build(folder):
    """What meson leaves: objects and compile_commands.json."""
    out = os.path.join(folder, "build")
    os.makedirs(out)
    rows = []
    for name in ("src/core/a.c", "src/flow/b.c"):
        obj = name.replace("/", "_") + ".o"
        done = subprocess.run(["cc", "-I", "src", "-c", name, "-o", f"build/{obj}"],
                              cwd=folder, capture_output=True, check=False)
        if done.returncode == 0:
            rows.append(f'{{"directory": "{out}", "file": "../{name}", '
                        f'"output": "{obj}"}}')
    with open(os.path.join(out, "compile_commands.json"), "w",
              encoding="utf-8") as f:
        f.write("[" + ",".join(rows) + "]")
    return out


def faults_of(gate, planted):
    with tempfile.TemporaryDirectory() as folder:
        write(folder, CLEAN)
        write(folder, planted)
        out = (build(folder) if gate in ("symbols", "built")
               else os.path.join(folder, "build"))
        subprocess.run(["git", "init", "-q", folder], check=True)
        tree = gates.Tree(folder, out)
        return list(getattr(gates, f"gate_{gate}")(tree))


def main():
    counts = {"ok": 0, "not ok": 0, "skip": 0}

    def say(how, text):
        counts[how] += 1
        print(how, text)

    for gate in sorted({p[0] for p in PLANTS}):
        tool = gates.NEEDS.get(gate)
        if tool and not shutil.which(tool):
            say("skip", f"{gate}: {tool} is not installed")
            continue
        found = faults_of(gate, {})
        say("not ok" if found else "ok", f"{gate} passes a clean tree")
        for fault in found:
            print("  ", fault)
        for _, planted, word in (p for p in PLANTS if p[0] == gate):
            found = faults_of(gate, planted)
            hit = any(word in fault for fault in found)
            say("ok" if hit else "not ok", f"{gate} finds what is planted: {word}")
            if not hit:
                print("  ", found)
    print(f"{counts['ok']} passed, {counts['not ok']} failed"
          + (f", {counts['skip']} skipped" if counts["skip"] else ""))
    return 1 if counts["not ok"] else 0


with contextlib.suppress(BrokenPipeError):
    sys.exit(main())
