"""A file has at most 800 lines, a function at most 80 (C and Python)."""

import ast
import re

from tree import line_of, strip_c

FILE_LINES = 800
FUNCTION_LINES = 80


def c_functions(text):
    """(name, first line, last line) of every function of a C text."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()), strip_c(text), flags=re.MULTILINE)
    depth, start, head = 0, 0, 0
    for match in re.finditer(r"[{};]", code):
        if match.group() == "{":
            if depth == 0:
                head, start = start, match.start()
            depth += 1
        elif match.group() == "}":
            depth -= 1
            if depth == 0:
                before = code[head:start]
                name = re.search(r"([A-Za-z_]\w*)\s*\(", before)
                if name and re.search(r"\)\s*(?:__attribute__.*)?$", before.rstrip()) and "=" not in before:
                    first = head + len(before) - len(before.lstrip())
                    yield name.group(1), line_of(code, first), line_of(code, match.start())
                start = match.end()
        elif depth == 0:
            start = match.end()


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


def check(tree):
    for path in tree.select(("sim", "models", "tests", "bench", "analysis"), (".c", ".h", ".py")):
        text = tree.text(path)
        lines = text.count("\n")
        if lines > FILE_LINES:
            yield path, f"{path}: {lines} lines; a file has at most {FILE_LINES}"
        for name, first, last in python_functions(text) if path.endswith(".py") else c_functions(text):
            if last - first + 1 > FUNCTION_LINES:
                yield f"{path}:{name}", f"{path}:{first}: {name} has {last - first + 1} lines; a function has at most {FUNCTION_LINES}"


BAD = {
    "sim/core/a.c": "int a;\n" * 801,
    "sim/core/b.c": "struct s { int a; };\nstatic int\nf(int a) {\n" + "  a++;\n" * 78 + "}\n",
    "tests/c.py": "def f():\n" + "    pass\n" * 80,
}
GOOD = {
    "sim/core/a.c": "static const int table[] = {\n" + "1,\n" * 100 + "};\nint f(void) {\n" + ";\n" * 78 + "}\n",
    "tests/c.py": "def f():\n" + "    pass\n" * 79,
}
