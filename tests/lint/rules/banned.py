"""Calls that may not be made: unbounded text, hidden state, memory outside the arena, printing and exiting below sim/app."""

import re

from tree import line_of

NEVER = "strcpy strcat sprintf vsprintf gets atoi atol atoll atof strtok rand srand random srandom drand48 system popen setlocale alloca"
MEMORY = "malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf"
OUTPUT = "printf fprintf vprintf vfprintf puts putchar perror exit _exit _Exit quick_exit abort"


def pattern(words):
    return re.compile(r"(?<![\w.>])(" + "|".join(words.split()) + r")\s*\(")


def check(tree):
    for path in tree.select(("sim", "models"), (".c", ".h")):
        code = tree.code(path)
        rules = [(NEVER, "unsafe or with hidden state")]
        if path != "sim/base/arena.c":
            rules.append((MEMORY, "arenas are the only malloc"))
        if not path.startswith("sim/app/"):
            rules.append((OUTPUT, "nothing below sim/app prints or exits"))
        for words, why in rules:
            for match in pattern(words).finditer(code):
                yield f"{path}:{match.group(1)}", f"{path}:{line_of(code, match.start())}: {match.group(1)}: {why}"


BAD = {
    "sim/core/a.c": "void f(char *a) { strcpy(a, \"x\"); }\n",
    "sim/core/b.c": "void *f(void) { return malloc (3); }\n",
    "models/policy/c.c": "void f(void) { printf(\"x\"); }\n",
    "sim/app/d.c": "int f(void) { return rand(); }\n",
}
GOOD = {
    "sim/core/a.c": "/* malloc(3) */ void f(A *a) { arena_free(a); a->free(3); snprintf(b, 3, \"printf(\"); }\n",
    "sim/base/arena.c": "void *f(void) { return malloc(3); }\n",
    "sim/app/b.c": "void f(void) { printf(\"x\"); exit(3); }\n",
}
