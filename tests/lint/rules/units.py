"""Units are part of a name: a public number called a time, a cost or a rate says in what (_ns _s _rps _bytes _usd _usd_per_h ...)."""

import re

from tree import line_of, strip_bodies

NEEDS_UNIT = "time|latency|duration|memory|cost|price|rate|delay|timeout|bandwidth"
NUMBER = r"(?:double|float|u?int(?:8|16|32|64)_t|size_t|unsigned|int|long|__int128)"
# A declaration: the type and one or more names ("double a, *b_cost[3], c"), up to ; ) { = or (.
DECLARATION = re.compile(r"\b" + NUMBER + r"\s+((?:const\s+)?\**\s*[A-Za-z_]\w*(?:\s*\[[^\]]*\])*"
                         r"(?:\s*,\s*\**[A-Za-z_]\w*(?:\s*\[[^\]]*\])*(?=\s*[,;]))*)")
NAME = re.compile(r"[A-Za-z_]\w*")


def check(tree):
    for path in tree.select(("sim", "models"), (".h",)):
        code = strip_bodies(tree.code(path))
        for match in DECLARATION.finditer(code):
            for name in NAME.findall(re.sub(r"\[[^\]]*\]", "", match.group(1))):
                if re.fullmatch(rf"(?:\w*_)?(?:{NEEDS_UNIT})", name):
                    yield f"{path}:{name}", f"{path}:{line_of(code, match.start())}: `{name}` names no unit (_ns _s _bytes _usd ...)"


BAD = {
    "sim/core/a.h": "double mean_latency(void);\n",
    "sim/core/b.h": "typedef struct { int64_t start, drain_time; } A;\n",
    "sim/core/c.h": "void f(double price, int n);\n",
    "sim/core/d.h": "static inline int g(void) { if (1) { return 2; } return 3; }\ndouble price(void);\n",
}
GOOD = {
    "sim/core/a.h": "/* double cost; */ double mean_latency_s(void); typedef struct { int64_t start_time_ns; double rate_rps; } A;\n"
                    "double cost_usd(int count, const char *price);\n"
                    "static inline double f_s(void) { if (1) { double cost = 3; return cost; } double time = 4; return time; }\n",
}
