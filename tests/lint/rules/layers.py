"""The directory is the layer: a file includes its own layer or any below, by its full path from the top."""

import os
import re

BELOW = {"base": {"base"}, "core": {"base", "core"}}
BELOW["world"] = BELOW["core"] | {"world"}
BELOW["contract"] = BELOW["core"] | {"contract"}
BELOW["run"] = BELOW["world"] | BELOW["contract"] | {"run"}
BELOW["lab"] = BELOW["run"] | {"lab"}
BELOW["app"] = BELOW["lab"] | {"app"}
MODELS_MAY = BELOW["contract"]
TOP_LEVEL = {"sim", "models", "configs", "analysis", "tests", "bench", "Makefile", "README.md", "LICENSE", "CHANGELOG.md",
             "CONTRIBUTING.md", "CITATION.cff"}


def allowed_include(path, included):
    place = path.split("/")
    target = included.split("/")
    if target[0] == "models":
        return place[0] == "models"
    if target[0] != "sim" or len(target) != 3:
        return False
    if place[0] == "models":
        return target[1] in MODELS_MAY
    return target[1] in BELOW[place[1]]


def check(tree):
    for name in sorted({path.split("/")[0] for path in tree.files}):
        if name not in TOP_LEVEL and not name.startswith(".") and os.path.isdir(os.path.join(tree.top, name)):
            yield name, f"{name}: the top level holds {' '.join(sorted(TOP_LEVEL))} and nothing else"
    for path in tree.select(("sim", "models"), (".c", ".h")):
        place = path.split("/")
        if place[0] == "sim" and (len(place) != 3 or place[1] not in BELOW):
            yield path, f"{path}: is in no layer; layers are sim/{{{','.join(BELOW)}}}/FILE"
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
            if match and not allowed_include(path, match.group(1)):
                yield f"{path}:{match.group(1)}", (f'{path}:{number}: may not include "{match.group(1)}": only its own layer or below, '
                                                   "by the full path from the top")


BAD = {
    "sim/core/a.c": '#include "sim/run/run.h"\n',
    "sim/world/a.c": '#include "sim/contract/type.h"\n',
    "sim/contract/a.h": '#include "sim/world/node.h"\n',
    "sim/run/a.c": '#include "models/registry.h"\n',
    "models/policy/a.c": '#include "sim/run/run.h"\n',
    "sim/base/b.c": '#include "err.h"\n',
    "sim/extra/a.c": "",
    "helpers/a.c": "",
}
GOOD = {
    "sim/run/a.c": '#include <stdio.h>\n#include "sim/world/node.h"\n#include "sim/contract/type.h"\n#include "sim/run/b.h"\n',
    "models/policy/a.c": '#include "sim/contract/policy.h"\n#include "models/policy/b.h"\n',
}
