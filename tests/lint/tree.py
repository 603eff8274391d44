"""What the lint rules look at: the files of a checkout, C text without comments and strings, and the list of allowed exceptions."""

import fnmatch
import os
import re

SKIPPED_FOLDERS = {".git", "build", "__pycache__", ".ipynb_checkpoints", ".cache"}
SKIPPED_ENDINGS = (".h5", ".o", ".pyc", ".png", ".svg", ".gz", ".pdf")


class Tree:
    """A checkout: `files` are paths from its top; `objects` is the folder of compiled objects, or None."""

    def __init__(self, top, objects=None):
        self.top = top
        self.objects = objects
        self.files = []
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
            for name in sorted(names):
                if not name.endswith(SKIPPED_ENDINGS) and ".journal" not in name:
                    self.files.append(os.path.relpath(os.path.join(folder, name), top))

    def select(self, folders, endings):
        """Files below one of `folders` (tuple of names) with one of `endings`."""
        return [path for path in self.files if path.split("/")[0] in folders and path.endswith(endings)]

    def text(self, path):
        with open(os.path.join(self.top, path), encoding="utf-8") as file:
            return file.read()

    def code(self, path):
        return strip_c(self.text(path))


def strip_c(text):
    """C text with comments, strings and character constants blanked, line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        return '""' if match.group().startswith('"') else re.sub(r"[^\n]", " ", match.group())

    # Include lines keep their paths.
    return "".join(line if line.startswith("#include") else pattern.sub(blank, line)
                   for line in re.split(r"(^#include[^\n]*\n)", text, flags=re.MULTILINE))


def strip_bodies(code):
    """Stripped C text with the bodies of functions blanked: what follows a `)` in braces. Line numbers are kept."""
    out, depth, start = [], 0, 0
    for match in re.finditer(r"[{}]", code):
        if match.group() == "{":
            if depth or re.search(r"\)\s*$", code[:match.start()]):
                if depth == 0:
                    out.append(code[start:match.start()])
                    start = match.start()
                depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                out.append(re.sub(r"[^\n]", " ", code[start:match.end()]))
                start = match.end()
    return "".join(out) + code[start:]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def read_allowed(path):
    """[(rule, pattern, reason)] of allow.txt: `rule pattern reason`, a reason is required."""
    allowed = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                words = line.split(None, 2)
                if len(words) < 3:
                    raise SystemExit(f"{path}:{number}: an exception needs `rule pattern reason`")
                allowed.append(tuple(words))
    return allowed


def is_allowed(allowed, rule, key):
    return any(rule == name and fnmatch.fnmatchcase(key, pattern) for name, pattern, _ in allowed)
