"""Fits service laws to measured profiles.

    /usr/bin/python3 analysis/fit_services.py PROFILES              # how good the laws are: fitted on half of the batch sizes, judged on the others
    /usr/bin/python3 analysis/fit_services.py PROFILES -o configs/services

PROFILES is the folder with llm_measured_ttft_tpot_vs_batch.csv, resnet_cpu_vertical_scaling.csv and cv_batch_latency_nvidia.csv.

The law of llm-continuous-batching: an iteration takes a + p x prompt tokens + c x sequences + d x cached tokens. With b sequences held at once (a
benchmark with concurrency b), inputs of I and outputs of O tokens, each iteration decodes b tokens and reads b I / O tokens of prompts, so

    time per token       = a + c b + d b (I + O / 2) + p b I / O
    time to first token  = t0 + 1.5 (a + c b + d b (I + O / 2)) + p I (1 + b / O + (b - 1) / (2 rounds))

A prompt is on its way for t0, waits half an iteration, and is read in one that decodes, too. The last term is how such benchmarks begin: all b at
once, so that the first of `rounds` rounds queues for (b - 1) / 2 prompts. They commonly send 10 requests for each of b. All five coefficients are at
least 0; one group of equal I and O cannot tell c from d, so d is fitted only where shapes differ. Least squares of relative errors.
"""

import argparse
import collections
import csv
import itertools
import math
import os
import statistics

import numpy

GROUP = ("system", "model_path", "backend", "backend_version", "precision", "tp_size", "isl", "osl")
ROUNDS = 10
TPOT_LIMIT, TTFT_LIMIT = 0.15, 0.25
COEFFICIENTS = ("a", "c", "d", "p", "t0")  # ms, ms a sequence, ms a cached token, ms a prompt token, ms

Point = collections.namedtuple("Point", "input output batch tpot_ms ttft_ms")


# ---- the law -------------------------------------------------------------------------------------------------------------


def terms(point):
    """What multiplies the coefficients in the time per token and in the time to first token."""
    b, cached, prompts = point.batch, point.batch * (point.input + point.output / 2), point.batch * point.input / point.output
    queued = point.input * (1 + b / point.output + (b - 1) / (2 * ROUNDS))
    return [1, b, cached, prompts, 0], [1.5, 1.5 * b, 1.5 * cached, queued, 1]


def predict(law, point):
    """(time per token, time to first token), ms."""
    return tuple(sum(law[name] * x for name, x in zip(COEFFICIENTS, row)) for row in terms(point))


def non_negative(matrix, target):
    """Least squares with coefficients of at least 0: the best of all subsets whose solution is (there are only 31)."""
    best, found = math.inf, numpy.zeros(matrix.shape[1])
    scale = numpy.sqrt((matrix**2).sum(axis=0))
    scale[scale == 0] = 1
    for size in range(1, matrix.shape[1] + 1):
        for subset in map(list, itertools.combinations(range(matrix.shape[1]), size)):
            x = numpy.linalg.lstsq(matrix[:, subset] / scale[subset], target, rcond=None)[0]
            error = float(((matrix[:, subset] / scale[subset] @ x - target) ** 2).sum())
            if (x >= 0).all() and error < best - 1e-12:
                best, found = error, numpy.zeros(matrix.shape[1])
                found[subset] = x / scale[subset]
    return found


def fit(points):
    """The coefficients by name."""
    shapes = {(p.input, p.output) for p in points}
    rows = [numpy.array(row, float) / measured for p in points for row, measured in zip(terms(p), (p.tpot_ms, p.ttft_ms))]
    matrix = numpy.array(rows)
    if len(shapes) == 1:
        matrix[:, COEFFICIENTS.index("d")] = 0
    return dict(zip(COEFFICIENTS, map(float, non_negative(matrix, numpy.ones(len(rows))))))


# ---- the measurements ----------------------------------------------------------------------------------------------------


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def llm_groups(folder, least=4):
    """{group: points by ascending batch size}; of sizes measured twice the medians."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in read(os.path.join(folder, "llm_measured_ttft_tpot_vs_batch.csv")):
        found[tuple(row[name] for name in GROUP)][float(row["batch_size"])].append((float(row["silicon_tpot_ms"]), float(row["silicon_ttft_ms"])))
    groups = {}
    for group, sizes in found.items():
        if len(sizes) >= least:
            groups[group] = [Point(int(group[6]), int(group[7]), b, *(statistics.median(v[k] for v in sizes[b]) for k in (0, 1))) for b in sorted(sizes)]
    return groups


def halves(points):
    """Every second batch size, from the smallest: (to fit, to judge)."""
    return points[::2], points[1::2]


Verdict = collections.namedtuple("Verdict", "group law tpot ttft")  # relative errors of the points to judge


def judge(groups):
    verdicts = []
    for group, points in groups.items():
        known, held_out = halves(points)
        law = fit(known)
        errors = [[abs(guess / measured - 1) for guess, measured in zip(predict(law, p), (p.tpot_ms, p.ttft_ms))] for p in held_out]
        verdicts.append(Verdict(group, law, [e[0] for e in errors], [e[1] for e in errors]))
    return verdicts


def missed(verdicts):
    return [v for v in verdicts if statistics.median(v.tpot) > TPOT_LIMIT or statistics.median(v.ttft) > TTFT_LIMIT]


def overall(verdicts):
    return statistics.median(e for v in verdicts for e in v.tpot), statistics.median(e for v in verdicts for e in v.ttft)


def report(verdicts):
    tpot, ttft = overall(verdicts)
    lines = [f"{len(verdicts)} groups, {sum(len(v.tpot) for v in verdicts)} batch sizes held out: median error {tpot:.1%} of the time per token, {ttft:.1%} of the "
             f"time to first token", f"{len(missed(verdicts))} groups miss {TPOT_LIMIT:.0%} or {TTFT_LIMIT:.0%} (median error of each):"]
    for v in sorted(missed(verdicts), key=lambda v: v.group):
        lines.append(f"  {statistics.median(v.tpot):7.1%} {statistics.median(v.ttft):7.1%}  {' '.join(x or '-' for x in v.group)}")
    return "\n".join(lines)


# ---- scenarios around the laws -------------------------------------------------------------------------------------------


def duration(ms):
    return f"{round(ms * 1e6)}ns"


def service_lines(law, points, parallel):
    """The parameters as YAML, a line each."""
    lines = [f"{key}: {duration(law[name] * factor)}" for key, name, factor in (("iteration", "a", 1), ("per_prefill_token", "p", 1), ("per_sequence", "c", 1),
                                                                               ("per_thousand_kv", "d", 1000), ("overhead", "t0", 1))]
    lines.append(f"measured_tensor_parallel: {parallel}")
    for key, name in (("batch", "batch"), ("input", "input"), ("output", "output")):
        values = [getattr(p, name) for p in points]
        lines += [f"measured_{key}_least: {min(values):.0f}", f"measured_{key}_most: {max(values):.0f}"]
    return lines


# (file, group without its shape, machine, GPUs, memory of the weights)
SHIPPED = (
    ("llama-3.1-8b-h100", ("h100_sxm", "meta-llama/Llama-3.1-8B-Instruct", "trtllm", "1.0.0rc3", "", "1.0"), 1, "16Gi"),
    ("qwen3-32b-fp8-h100-tp2", ("h100_sxm", "Qwen/Qwen3-32B", "trtllm", "1.0.0rc3", "fp8", "2.0"), 2, "34Gi"),
    ("qwen3-32b-vllm-h100-tp4", ("h100_sxm", "Qwen/Qwen3-32B", "vllm", "0.12.0", "", "4.0"), 4, "66Gi"),
    ("llama-3.1-70b-fp8-h200-tp4", ("h200_sxm", "meta-llama/Llama-3.1-70B", "trtllm", "", "fp8", "4.0"), 4, "72Gi"),
    ("gpt-oss-120b-vllm-b200-tp1", ("b200_sxm", "openai/gpt-oss-120b", "vllm", "0.15.1", "fp4", "1.0"), 1, "66Gi"),
)


def llm_scenario(name, key, gpus, weights, groups):
    chosen = [points for group, points in groups.items() if group[:6] == key]
    known = [p for points in chosen for p in halves(points)[0]]
    held_out = [p for points in chosen for p in halves(points)[1]]
    law = fit(known)
    errors = [[abs(guess / measured - 1) for guess, measured in zip(predict(law, p), (p.tpot_ms, p.ttft_ms))] for p in held_out]
    tpot, ttft = (statistics.median(e[k] for e in errors) for k in (0, 1))
    first = known[0]
    shapes = ", ".join(f"{i}/{o}" for i, o in sorted({(p.input, p.output) for p in known}))
    batch = max(p.batch for p in known + held_out)
    words = " ".join(x for x in key[1:5] if x)
    rate = 0.5 * 1000 * 16 / predict(law, Point(first.input, first.output, 16, 0, 0))[0] / first.output
    parameters = "\n            ".join(service_lines(law, known + held_out, gpus))
    return f"""# {words} on {gpus} GPU{'s' if gpus > 1 else ''} ({key[0]}): a measured law of continuous batching.
# A small scenario around it; copy what stands under `service`.
#
# Fitted by analysis/fit_services.py to every second batch size of the measurements in ai-dynamo/aiconfigurator (commit 095f58a,
# aic-core/.../silicon_sample.csv, Apache-2.0), inputs/outputs of
# {shapes} tokens. On the other batch sizes
# ({len(held_out)} points) the median error is {tpot:.1%} of the time per token and {ttft:.1%} of the time to first token.
# Outside of measured_... `headroom check` warns: there the line is a guess.
name: {name}
horizon: 20m
warmup: 2m
replications: 2

cluster:
  pools:
    gpu: {{machine: {{cpu: 64, memory: 512Gi, gpu: 8, price: $30/h}}, nodes: {{min: 1, max: 4}}, startup: 120s}}  # price and start-up: placeholders

deployments:
  llm:
    requests: {{cpu: 8, memory: 96Gi, gpu: {gpus}}}
    concurrency: {batch:.0f}
    dispatch: least-outstanding
    replicas: {{initial: 1, min: 1, max: 4}}
    variants:
      only:
        load: {{image: 8Gi, weights: {weights}, bandwidth: 1Gi/s}}  # your registry and storage
        service:
          llm-continuous-batching:
            {parameters}
    objective: {{latency: 60s, attainment: 99%}}
    workload:
      arrivals: {{poisson: {{rate: {rate:.3g}/s}}}}
      input: {first.input}
      output: {first.output}

strategies:
  none: {{scale: none}}
  out: {{scale: {{horizontal: {{metric: in_flight_per_replica, target: {max(1, batch // 2):.0f}}}}}}}
"""


def resnet_scenario(folder):
    """Measured throughput by cores, made monotone: the best with so many cores or fewer."""
    rows = read(os.path.join(folder, "resnet_cpu_vertical_scaling.csv"))
    texts = {}
    for depth in sorted({int(row["resnet_depth"]) for row in rows}):
        best, points = 0.0, []
        for cores in sorted({int(row["cpu_cores"]) for row in rows if int(row["resnet_depth"]) == depth}):
            rates = [float(row["saturation_rps"]) for row in rows if int(row["resnet_depth"]) == depth and int(row["cpu_cores"]) == cores and row["saturation_rps"]]
            if not rates:
                continue
            best = max(best, statistics.median(rates))
            points.append(f"{{cores: {cores}, rate: {best:g}/s}}")
        texts[depth] = "[" + ", ".join(points) + "]"
    shown = "\n".join(f"#   ResNet-{depth}: {text}" for depth, text in texts.items() if depth != 50)
    return f"""# ResNet on CPU cores: how much faster a replica gets with more of them, measured. Copy what stands under `speed`.
#
# Made by analysis/fit_services.py from capacity_result_Feb_21.csv of reconfigurable-ml-pipeline/InfAdapter (commit 398b18f): jobs a second at saturation;
# where more cores were slower, the best so far. Other depths:
{shown}
name: resnet-cpu
horizon: 20m
warmup: 2m
replications: 2

cluster:
  pools:
    cpu: {{machine: {{cpu: 24, memory: 64Gi, price: $1/h}}, nodes: {{min: 1, max: 2}}, startup: 60s}}  # placeholders

deployments:
  classify:
    requests: {{cpu: 1, memory: 1Gi}}
    limits: {{cpu: 20}}
    speed:
      table: {{points: {texts[50]}}}
    variants:
      resnet-50: {{accuracy: 76.13%, load: 6.5s, service: {{distribution: {{time: 100ms}}}}}}
    objective: {{latency: 750ms, attainment: 99%}}
    workload: {{arrivals: {{poisson: {{rate: 12/s}}}}}}

strategies:
  none: {{scale: none}}
  up: {{scale: {{vertical: {{target: 60%}}}}}}
"""


def batching_scenario(folder):
    """Latency by batch size, made monotone."""
    rows = [row for row in read(os.path.join(folder, "cv_batch_latency_nvidia.csv")) if row["model"].startswith("resnet50")]
    tables = collections.OrderedDict()
    for row in rows:
        tables.setdefault((row["hardware"], row["precision_table"]), []).append((int(row["batch_size"]), float(row["latency_avg_ms"])))
    (hardware, precision), points = max(tables.items(), key=lambda item: (len(item[1]), item[0]))
    longest, items = 0.0, []
    for size, latency in sorted(points):
        longest = max(longest, latency)
        items.append(f"{{size: {size}, time: {round(longest * 1000)}us}}")
    largest = max(size for size, _ in points)
    return f"""# ResNet-50 on a GPU in dynamic batches ({hardware}, {precision}), measured. Copy what stands under `service`.
#
# Made by analysis/fit_services.py from the tables in NVIDIA/DeepLearningExamples (commit 729963d, PyTorch/Classification/ConvNets/resnet50v1.5/README.md):
# mean latency by batch size; where a larger batch was faster, the slowest so far. Between the sizes it is a line.
name: resnet50-gpu
horizon: 10m
warmup: 1m
replications: 2

cluster:
  pools:
    gpu: {{machine: {{cpu: 8, memory: 32Gi, gpu: 1, price: $1/h}}, nodes: {{min: 1, max: 4}}, startup: 90s}}  # placeholders

deployments:
  classify:
    requests: {{cpu: 4, memory: 8Gi, gpu: 1}}
    concurrency: {largest}
    replicas: {{initial: 1, min: 1, max: 4}}
    variants:
      resnet-50:
        load: 10s
        service:
          dynamic-batching:
            max_size: {largest}
            max_wait: 5ms
            table: [{', '.join(items)}]
    objective: {{latency: 200ms, attainment: 99%}}
    workload: {{arrivals: {{poisson: {{rate: 300/s}}}}}}

strategies:
  none: {{scale: none}}
"""


def scenarios(folder):
    """{file name: text}"""
    groups = llm_groups(folder)
    found = {f"{name}.yaml": llm_scenario(name, key, gpus, weights, groups) for name, key, gpus, weights in SHIPPED}
    found["resnet-cpu.yaml"] = resnet_scenario(folder)
    found["resnet50-gpu.yaml"] = batching_scenario(folder)
    return found


def main():
    parser = argparse.ArgumentParser(description="Fits service laws to measured profiles.")
    parser.add_argument("profiles")
    parser.add_argument("-o", "--output", help="writes the scenarios of configs/services to this folder")
    arguments = parser.parse_args()
    print(report(judge(llm_groups(arguments.profiles))))
    for name, text in scenarios(arguments.profiles).items() if arguments.output else ():
        with open(os.path.join(arguments.output, name), "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    main()
