"""Cases of test_diagnostics.py that are better made than kept: large, binary, or with a trace beside them. Each is a name, the files it
needs (bytes) and the arguments of `headroom check`."""

SCENARIO = b"""horizon: 1h
cluster: {pools: {main: {machine: aws/m5.xlarge}}}
deployments:
  chat:
    variants: {v: {service: {distribution: {time: 40ms}}}}
    workload: {arrivals: {replay: {trace: {%s}}}}
strategies: {none: {}}
"""
HEADER = b"TIMESTAMP,ContextTokens,GeneratedTokens\n"
ROW = b"2023-11-16 18:17:%02d.9799600,%s,10\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 10)}]\n" for before, after in zip("abcdefghi", "bcdefghij"))


def plain(name, content):
    return name, {name + ".yaml": content}, [name + ".yaml"]


def trace(name, csv, options=b"file: t.csv"):
    return name, {name + ".yaml": SCENARIO % options, "t.csv": csv}, [name + ".yaml"]


def rows(*fields):
    return HEADER + b"".join(ROW % (k, field) for k, field in enumerate(fields))


CASES = [
    ("missing_file", {}, ["nowhere.yaml"]),
    ("a_folder", {"folder/x": b""}, ["folder"]),
    plain("not_utf8", b"name: caf\xe9\n"),
    plain("control_character", b"name: a\x07b\n"),
    plain("nul_character", b'name: "a\\0b"\n'),
    plain("syntax_tab", b"horizon: 1h\nstrategies:\n\tnone: {}\n"),
    plain("long_line", b"name: x\ncluster: {" + b"pools: {}, " + b"x" * 500000 + b": 1, " + b"y" * 500000 + b": 2}\nhorizon: never\n"),
    plain("long_name", b"horizon: " + b"9" * 1000000 + b"\n"),
    plain("deep_nesting", b"[" * 100000),
    plain("deep_blocks", b"".join(b" " * k + b"a:\n" for k in range(150))),
    plain("many_aliases", LAUGHS.encode()),
    plain("many_merges", b"a: &a {" + b", ".join(b"k%d: 1" % k for k in range(2000)) + b"}\n"
          + b"".join(b"m%d: {<<: *a}\n" % k for k in range(1000))),
    ("trace_missing", {"s.yaml": SCENARIO % b"file: nowhere.csv"}, ["s.yaml"]),
    ("trace_folder", {"s.yaml": SCENARIO % b"file: ."}, ["s.yaml"]),
    ("trace_no_variable", {"s.yaml": SCENARIO % b'file: "${HEADROOM_DATA}/t.csv"'}, ["s.yaml"]),
    trace("trace_empty", b""),
    trace("trace_header_only", HEADER),
    trace("trace_unsorted", HEADER + ROW % (9, b"1") + ROW % (8, b"1")),
    trace("trace_missing_field", rows(b"1", b"2") + b"2023-11-16 18:18:00,7\n"),
    trace("trace_truncated", rows(b"1", b"2")[:-4]),
    trace("trace_text_in_number", rows(b"1", b"2", b"12x", b"", b"-3", b"1e99", b"7.5", b"x")),
    trace("trace_bad_instant", HEADER + b"yesterday,1,1\n2023-02-29 00:00:00,1,1\n2023-02-28 24:00:00,1,1\n,1,1\n"),
    trace("trace_quote", HEADER + b'2023-11-16 18:17:03,"12,1\n'),
    trace("trace_behind_quote", HEADER + b'2023-11-16 18:17:03,"12"x,1\n'),
    trace("trace_blank_line", rows(b"1") + b"\n" + ROW % (30, b"1")),
    trace("trace_no_column", rows(b"1"), b"file: t.csv, input: ContextToken"),
    trace("trace_crlf_error", (b"\xef\xbb\xbf" + rows(b"1", b"x")).replace(b"\n", b"\r\n")),
    trace("counts_gap", b"time,jobs\n0,3\n60,4\n240,5\n", b"file: t.csv, kind: counts"),
    trace("counts_twice", b"time,jobs\n0,3\n60,4\n60,5\n", b"file: t.csv, kind: counts"),
    trace("counts_between", b"time,jobs\n0,3\n60,4\n90,5\n", b"file: t.csv, kind: counts"),
    trace("counts_interval", b"3\n4\n5\n", b"file: t.csv, kind: counts"),
    trace("counts_sizes", b"time,jobs\n0,3\n", b"file: t.csv, kind: counts, input: jobs"),
]
