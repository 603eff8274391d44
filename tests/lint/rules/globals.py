"""No writable globals: nothing in an object file lies in .data, .bss, thread-local or common storage."""

import os
import subprocess

WRITABLE = (".data", ".bss", ".tdata", ".tbss", "*COM*", ".sdata", ".sbss", ".lbss", ".ldata")
READ_ONLY = (".data.rel.ro",)


def writable_symbols(objects):
    """(object, symbol, section) of everything writable; `nm -f sysv` prints the section in the last column."""
    output = subprocess.run(["nm", "-A", "-f", "sysv"] + objects, capture_output=True, text=True, check=True).stdout
    for line in output.splitlines():
        columns = [column.strip() for column in line.split("|")]
        if len(columns) < 7:
            continue
        section = columns[6].split()[0] if columns[6] else ""
        if section.startswith(WRITABLE) and not section.startswith(READ_ONLY) and columns[3] not in ("SECTION", "FILE"):
            name_of_object, _, symbol = columns[0].partition(":")
            yield name_of_object, symbol, section


def check(tree):
    if tree.objects is None:
        return
    objects = []
    for path in tree.select(("sim", "models"), (".c",)):
        name = os.path.join(tree.objects, path[:-2] + ".o")
        if os.path.exists(name):
            objects.append(name)
        else:
            yield path, f"{path}: is not compiled yet (make objects)"
    if objects:
        for name, symbol, section in writable_symbols(objects):
            path = os.path.relpath(name, tree.objects)[:-2] + ".c"
            yield f"{path}:{symbol}", f"{path}: `{symbol}` is writable ({section}); state belongs to a struct that its caller owns"


# Compiled by the self-test.
BAD = {
    "sim/core/a.c": "int counter = 3;\n",
    "sim/core/b.c": "int next(void);\nint next(void) { static int n; return ++n; }\n",
    "sim/core/c.c": "_Thread_local int n;\n",
}
GOOD = {"sim/core/a.c": "const int limit = 3;\nstatic const char *const word[] = {\"a\"};\nconst char *f(int i);\n"
                        "const char *f(int i) { return word[i * limit]; }\n"}
