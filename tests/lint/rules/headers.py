"""Every header compiles alone, and twice."""

import concurrent.futures
import os
import subprocess

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-fopenmp", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I."]


def library_flags():
    for hdf5 in ("hdf5-serial", "hdf5"):
        found = subprocess.run(["pkg-config", "--cflags", hdf5, "gsl", "libfyaml", "sqlite3"], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split()
    return []


def compile_alone(top, path, flags):
    source = f'#include "{path}"\n#include "{path}"\n'
    result = subprocess.run(["gcc"] + FLAGS + flags + ["-x", "c", "-"], input=source, cwd=top, capture_output=True, text=True)
    return path, result.returncode, result.stderr


def check(tree):
    flags = library_flags()
    headers = tree.select(("sim", "models"), (".h",))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for path, code, message in pool.map(lambda path: compile_alone(tree.top, path, flags), headers):
            if code != 0:
                first = next((line for line in message.splitlines() if "error" in line), message[:200])
                yield path, f"{path}: does not compile alone: {first}"


BAD = {"sim/core/a.h": "int64_t f(void);\n", "sim/core/b.h": "typedef struct { int a; } A;\nstruct b { int a; };\n"}
GOOD = {"sim/core/a.h": "#ifndef A\n#define A\n#include <stdint.h>\nint64_t f(void);\n#endif\n"}
