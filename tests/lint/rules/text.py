"""Plain text: no tabs or trailing blanks, a last newline, an opening comment in C, no path of one person's machine."""

import re

TEXT = (".c", ".h", ".py", ".yaml", ".yml", ".md", ".cff", ".txt", ".sh", ".ipynb", "Makefile", "LICENSE", "/deps", "/run")
# An absolute path of a home or a work folder; part of a longer path or of an address does not count.
MACHINE_PATH = re.compile(r"(?<![\w.~}$])/(?:work|home|root)(?:/|\b(?=[\s\"'`]))")


def check_line(path, number, line):
    if line != line.rstrip():
        yield f"{path}:blank", f"{path}:{number}: ends in blanks"
    if "\t" in line and path.endswith((".c", ".h", ".py", ".yaml")):
        yield f"{path}:tab", f"{path}:{number}: holds a tab"
    match = MACHINE_PATH.search(line)
    if match:
        yield f"{path}:path", f"{path}:{number}: holds the path `{match.group()}` of one machine"


def check(tree):
    for path in tree.files:
        if not path.endswith(TEXT) or path.startswith("tests/bad/"):
            continue
        text = tree.text(path)
        for number, line in enumerate(text.split("\n"), 1):
            yield from check_line(path, number, line)
        if text and not text.endswith("\n") and not path.endswith(".ipynb"):
            yield f"{path}:newline", f"{path}: has no last newline"
        if path.endswith((".c", ".h")) and path.startswith(("sim/", "models/", "tests/")) and not text.startswith("/*"):
            yield f"{path}:opening", f"{path}: does not open with a comment that says what it is"


BAD = {
    "sim/core/a.c": "/* a */\nint a; \n",
    "sim/core/b.c": "/* a */\n\tint a;\n",
    "sim/core/c.c": "int a;\n",
    "sim/core/d.c": "/* a */\nint a;",
    "configs/e.yaml": "file: /" + "home/someone/x.csv\n",
    "tests/f.py": "X = '/" + "work'\n",
}
GOOD = {
    "sim/core/a.c": "/* a */\nint a;\n",
    "README.md": "https://example.org/home/x ~/root/ and $HOME/work/\n",
}
