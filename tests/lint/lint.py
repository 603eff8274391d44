#!/usr/bin/env python3
"""Runs the lint rules (tests/lint/rules/*.py) over the checkout: `lint.py [--objects build/release-gcc] [rule ...]`.

A rule is a module with check(tree), which yields (key, message), and BAD and GOOD, small trees on which test_lint.py proves that
it can fail and can pass. Exceptions are in allow.txt, each with its reason.
"""

import argparse
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from tree import Tree, is_allowed, read_allowed  # noqa: E402

RULES = ["layers", "units", "globals", "lengths", "banned", "headers", "text"]


def load(rule):
    return importlib.import_module(f"rules.{rule}")


def findings(rule, tree, allowed=()):
    """Messages of one rule that no exception covers; each ends in the key an exception would name."""
    return [f"{message}  [{rule} {key}]" for key, message in load(rule).check(tree) if not is_allowed(allowed, rule, key)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", help="folder of compiled objects, for the rule on globals")
    parser.add_argument("rules", nargs="*", default=RULES)
    options = parser.parse_args()
    tree = Tree(os.path.dirname(os.path.dirname(HERE)), options.objects and os.path.abspath(options.objects))
    allowed = read_allowed(os.path.join(HERE, "allow.txt"))
    count = 0
    for rule in options.rules:
        for message in findings(rule, tree, allowed):
            print(message)
            count += 1
    if count:
        print(f"lint: {count} findings", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
