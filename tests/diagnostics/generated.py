"""Cases of test_diagnostics.py that are better made than kept: large, binary, or with a trace beside them. Each is a name, the files it
needs (bytes) and the arguments of `headroom check`."""

import gzip
import io
import tarfile

SCENARIO = b"""horizon: 1h
cluster: {pools: {main: {machine: aws/m5.xlarge}}}
deployments:
  chat:
    variants: {v: {service: {distribution: {time: 40ms}}}}
    workload: {arrivals: {replay: {trace: {%s}}}}
strategies: {none: {}}
"""
BURST = b"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
OPENB = b"name,num_gpu,gpu_milli,creation_time,deletion_time,scheduled_time\n"
HEADER = b"TIMESTAMP,ContextTokens,GeneratedTokens\n"
ROW = b"2023-11-16 18:17:%02d.9799600,%s,10\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + before] * 10)}]\n" for before, after in zip("abcdefghi", "bcdefghij"))


def plain(name, content):
    return name, {name + ".yaml": content}, [name + ".yaml"]


def trace(name, csv, options=b"file: t.csv"):
    return name, {name + ".yaml": SCENARIO % options, "t.csv": csv}, [name + ".yaml"]


def squeezed(content):
    return gzip.compress(content, 9, mtime=0)


def archive(*members):
    """A .tar.gz of (name, content) that is the same every time."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return squeezed(buffer.getvalue())


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
    # ---- published formats, compressed files, repairs
    trace("format_unknown", rows(b"1"), b"file: t.csv, format: azure-lm"),
    trace("format_other", rows(b"1"), b"file: t.csv, format: burstgpt"),
    trace("format_without_instants", b"num_prefill_tokens,num_decode_tokens\n3,4\n"),
    trace("burstgpt_values", BURST + b"5,ChatGPT,472,18,490,API log\n6,ChatGPT,many,18,490,API log\n7.5.1,ChatGPT,4,-1,490,API log\n8,ChatGPT,4\n"),
    trace("mooncake_values", b'{"timestamp": 0, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1]}\n'
          b'{"timestamp": 10, "input_length": 6.5, "output_length": "x", "hash_ids": [0]}\n{"timestamp": 20, "input_length": 1, "hash_ids": []}\n'
          b'{"timestamp": null, "input_length": 1, "output_length": 2}\n{"timestamp": 30, "input_length": 1, "output_len\n'),
    trace("mooncake_unsorted", b'{"timestamp": 9, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1]}\n'
          b'{"timestamp": 3, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1]}\n'),
    trace("json_array", b'[{"timestamp": 9, "input_length": 1}]\n'),
    trace("json_no_key", b'{"at": 9, "size": 1}\n{"at": 10, "size": 1}\n', b"file: t.csv, time: at, input: sise"),
    trace("minutes_missing", b"period,count\n1998-04-30 21:30:00,2\n1998-04-30 21:31:00,11\n1998-04-30 21:35:00,16\n"),
    trace("hours_broken", b"0.5,230634.0;\n1.5,336057.0\n2.5,5;;\n4.5,7.0;\n5.0,7.0;\n"),
    trace("functions_short", b"HashOwner,HashApp,HashFunction,Trigger,1,1440\no,a,f,http,1,1\n"),
    trace("clients_window", b"0,0.3,5.4,Gamma,0.03,81.9\n500,0.3,5.4,Gamma,0.03,81.9\n600,-1,5.4,Gamma,0.03,81.9\n1200,0.3,x,Gamma,0.03,81.9\n"),
    trace("jobs_end", OPENB + b"a,1,1000,0,9,3\nb,1,1000,5,3,4\nc,1,1000,6,,\nd,one,1000,7,9,8\n"),
    trace("jobs_and_sizes", rows(b"1"), b"file: t.csv, gpus: ContextTokens, input: GeneratedTokens"),
    trace("jobs_unsorted_say_so", b"timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-09 07:01:55,66.0,1,66.0,a\n2017-10-09 06:01:55,66.0,1,66.0,b\n"),
    trace("gzip_cut", squeezed(rows(*[b"%d" % k for k in range(60)]))[:-40]),
    trace("gzip_damaged", squeezed(rows(b"1", b"2"))[:30] + b"\xff" * 8 + squeezed(rows(b"1", b"2"))[38:]),
    trace("gzip_junk_behind", squeezed(rows(b"1", b"2")) + b"junk"),
    trace("gzip_values", squeezed(rows(b"1", b"x"))),
    trace("tar_values", archive(("readme.md", b"x"), ("a/one.csv", rows(b"1")), ("a/two.csv", HEADER + ROW % (30, b"x")))),
    trace("tar_tokens", archive(("chunk-0-trace.csv", b"0,0.3,5.4,Gamma,0.03,81.9\n"), ("chunk-0-dataset.json", b'{\n "0": {\n  "input_tokens": "{5: 0.5, x: 0.5}"}}'))),
    trace("tar_cut", squeezed(gzip.decompress(archive(("a.csv", rows(*[b"%d" % k for k in range(60)]))))[:1500])),
    trace("tar_of_nothing", archive(("readme.md", b"x"))),
    trace("repaired_rows", rows(b"1", b"x", b"2", b"") + b"2023-11-16 18:18:00,7\n\n" + ROW % (59, b'"1"2') + ROW % (1, b"5"), b"file: t.csv, repair: true"),
    trace("repaired_minutes", b"period,count\n1998-04-30 21:30:00,2\n1998-04-30 21:32:00,x\n1998-04-30 21:35:00,16\n", b"file: t.csv, repair: true"),
    trace("repaired_to_nothing", rows(b"x"), b"file: t.csv, repair: true"),
]

# Pools whose nodes are taken back.
POOL = b"""horizon: 1h
cluster:
  pools:
    main: {machine: {cpu: 4, memory: 8Gi, price: $1/h}, spot: {%s}}
deployments:
  chat:
    variants: {only: {service: {distribution: {time: 40ms}}}}
    workload: {arrivals: {poisson: {rate: 2/s}}}
strategies:
  none: {}
"""
RECLAIMS = b"time\n600\n1800\n"
CASES += [
    ("spot_twice", {"s.yaml": POOL % b"reclaims: 1/h, trace: {file: t.csv}", "t.csv": RECLAIMS}, ["s.yaml"]),
    ("warmup_spot_trace", {"s.yaml": b"warmup_jobs: 100\n" + POOL % b"trace: {file: t.csv}", "t.csv": RECLAIMS}, ["s.yaml"]),
]
