/* headroom: which command. Everything a command knows of its options is in its table here. */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "sim/app/command.h"
#include "sim/base/text.h"

#define SET_OPTION {"--set", 0, "PATH=VALUE", "change the scenario: deployments.chat.concurrency=8 (repeatable)"}
#define MANIFEST_OPTION {"--filename", 'f', "PATH", "a file or folder of Kubernetes manifests: one further strategy, named after it (repeatable)"}
#define ASSERT_OPTION {"--assert", 0, "TEXT", "'[STRATEGY:] METRIC >= VALUE': exit 0 if its interval lies inside, 99 outside, 98 undecided (repeatable)"}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const Option run_options[] = {
    {"--output", 'o', "FILE", "where results go (default: the scenario's name with .h5)"},
    SET_OPTION,
    {"--threads", 'j', "N", "worker threads (default: OMP_NUM_THREADS, else all processors)"},
    {"--strategies", 0, "A,B", "only these strategies"},
    {"--traces", 0, "WHICH", "keep traces of the first replication (default), all, or none"},
    {"--resume", 0, NULL, "go on with an interrupted sweep"},
    {"--shard", 0, "k/N", "only share k of N, for merge: 1/4 ... 4/4; auto, auto/N, none (default: the launcher's)"},
    {"--force", 0, NULL, "replace an existing result or journal"},
    {"--plain", 0, NULL, "the plain event loop everywhere (slower, the same results)"},
    {"--quiet", 'q', NULL, "print nothing but errors"},
    {"--json", 0, NULL, "print the comparison as JSON"},
    {"--csv", 0, NULL, "print the comparison as CSV"},
    ASSERT_OPTION,
    MANIFEST_OPTION,
};
static const Option check_options[] = {SET_OPTION, {"--traces", 0, "WHICH", "for the expected size: first (default), all, none"}, MANIFEST_OPTION};
static const Option compare_options[] = {
    {"--json", 0, NULL, "as JSON"},
    {"--csv", 0, NULL, "as CSV; with --baseline or --pairs, the differences"},
    {"--baseline", 'b', "NAME", "differences of every strategy from this one"},
    {"--pairs", 0, NULL, "differences of all pairs of strategies"},
    {"--control", 0, NULL, "narrow means by a control of known mean: an Erlang queue among the strategies, or the offered load"},
    ASSERT_OPTION,
};
static const Option merge_options[] = {
    {"--partial", 0, NULL, "write what is there; runs that are missing get status 2"},
    {"--force", 0, NULL, "replace an existing result"},
    {"--remove", 0, NULL, "remove the journals when the result is complete"},
    {"--quiet", 'q', NULL, "print nothing but errors"},
};
static const Option status_options[] = {{"--json", 0, NULL, "as JSON"}, {"--csv", 0, NULL, "as CSV, one row a share"}};
static const Option explain_options[] = {
    {"--strategy", 's', "NAME", "which strategy (default: the first that decided anything)"},
    {"--deployment", 'd', "NAME", "only this deployment"},
    {"--point", 0, "K", "which point of the sweep (default 0)"},
    {"--limit", 'n', "N", "at most this many decisions (default 40; 0: all)"},
    {"--json", 0, NULL, "as JSON lines"},
    {"--csv", 0, NULL, "as CSV"},
};
static const Option generate_options[] = {
    {"--output", 'o', "FILE", "where the trace goes (default: standard output)"},
    {"--deployment", 'd', "NAME", "whose workload (default: the first that has one)"},
    {"--replication", 0, "K", "which replication's random numbers (default 0)"},
    SET_OPTION,
    MANIFEST_OPTION,
    {"--count", 0, NULL, "only say how many jobs there are"},
};

static const Option fit_options[] = {
    {"--output", 'o', "FILE", "write the workload here, as YAML (default: print it)"},
    {"--set", 0, "KEY=VALUE", "how to read the trace, by the keys of `describe trace` (repeatable)"},
    {"--repair", 0, NULL, "sort rows, leave out those that cannot be read, and count them"},
    {"--replicas", 0, "N", "replicas that the fit is adjusted and checked on (default 50)"},
    {"--threads", 'j', "N", "worker threads (default: OMP_NUM_THREADS, else all processors)"},
    {"--force", 0, NULL, "replace an existing file"},
    {"--quiet", 'q', NULL, "print nothing but errors"},
    {"--json", 0, NULL, "print trace against fit as JSON"},
    {"--csv", 0, NULL, "print trace against fit as CSV"},
};
static const Option tune_options[] = {
    {"--minimize", 0, "METRIC", "a column of results (describe columns), DEPLOYMENT.COLUMN; cost_usd: the whole bill"},
    {"--maximize", 0, "METRIC", "the same, where more is better"},
    {"--subject-to", 0, "CONSTRAINT", "'latency_p99_s <= 0.5', 'attainment_ratio >= 0.99' (repeatable)"},
    {"--strategy", 's', "NAME", "the strategy to tune (default: the one that the paths name)"},
    {"--over", 0, "PATH=VALUES", "a threshold: PATH={a,b,c}, PATH=50%..90%..5%, PATH=50%..90% (repeatable)"},
    {"--method", 0, "NAME", "auto (default: model for ranges, else halving), halving, model: no guarantee"},
    {"--budget", 0, "RUNS", "at most so many runs (default: 20 a design, at least 400)"},
    {"--guarantee", 0, "P", "choose with this probability of being right: 0.95"},
    {"--indifference", 0, "D", "guarantee: differences below this do not matter: 1% (default), or in the metric's unit"},
    {"--tolerance", 0, "E", "guarantee: a constraint may be missed by this: 1% (default) of its bound, or in its unit"},
    {"--holdout", 0, "TIME", "judge on the last 2d, tune on the rest; none (default: 2/7 of traces over 3 days)"},
    {"--confirm", 0, "N", "new replications for the judgement (default 20)"},
    {"--output", 'o', "FILE", "write the scenario with the tuned fields changed, comments kept"},
    {"--write-manifest", 0, "DIR", "write the manifests with the tuned fields changed, comments kept"},
    SET_OPTION,
    {"--seed", 0, "N", "of all random numbers (default: the scenario's)"},
    {"--threads", 'j', "N", "worker threads (default: OMP_NUM_THREADS, else all processors)"},
    {"--journal", 0, "FILE", "keep every run here, for later tunings (default: NAME.tune.journal until it is done)"},
    {"--resume", 0, NULL, "go on with an interrupted tuning"},
    {"--shard", 0, "k/N", "make a share of every round, in one folder with the others: 1/4 ... 4/4; auto, auto/N, none"},
    {"--wait", 0, "S", "give up when another share has not run for so many seconds (default 600)"},
    {"--force", 0, NULL, "replace an existing output or journal"},
    {"--plain", 0, NULL, "the plain event loop everywhere (slower, the same results)"},
    {"--quiet", 'q', NULL, "print nothing but errors"},
    {"--json", 0, NULL, "print the outcome as JSON"},
    {"--csv", 0, NULL, "print the outcome as CSV"},
    MANIFEST_OPTION,
};
static const Option sensitivity_options[] = {
    {"--over", 0, "PATH=VALUES", "a threshold: PATH=50%..90%, PATH={a,b,c} (repeatable)"},
    {"--metric", 0, "METRIC", "a column of results (repeatable; default cost_usd)"},
    {"--method", 0, "NAME", "morris (default): screening; sobol: variance-based indices"},
    {"--strategy", 's', "NAME", "the strategy (default: the one that the paths name)"},
    {"--trajectories", 0, "N", "morris: default 10; N x (thresholds + 1) points"},
    {"--samples", 0, "N", "sobol: default 128; N x (thresholds + 2) points"},
    {"--replications", 0, "N", "runs of each point, the same random numbers at every point (default 3)"},
    SET_OPTION,
    {"--seed", 0, "N", "of all random numbers (default: the scenario's)"},
    {"--threads", 'j', "N", "worker threads (default: OMP_NUM_THREADS, else all processors)"},
    {"--journal", 0, "FILE", "keep every run here (a tuning's journal serves, too)"},
    {"--resume", 0, NULL, "go on where it was interrupted"},
    {"--force", 0, NULL, "replace an existing journal"},
    {"--plain", 0, NULL, "the plain event loop everywhere (slower, the same results)"},
    {"--quiet", 'q', NULL, "print nothing but errors"},
    {"--json", 0, NULL, "print the outcome as JSON"},
    {"--csv", 0, NULL, "print the outcome as CSV"},
    MANIFEST_OPTION,
};

static const Option describe_options[] = {
    {"--set", 0, "KEY=VALUE", "trace FILE: how to read it, by the keys of `describe trace` (repeatable)"},
    {"--repair", 0, NULL, "trace FILE: sort rows, leave out those that cannot be read, and count them"},
};

static const Command commands[] = {
    {"run", "SCENARIO", "Runs a scenario: every strategy at every point, replicated; writes HDF5 and prints the comparison.", 1, 1, run_options, COUNT(run_options), cmd_run},
    {"merge", "RESULT [JOURNAL|FOLDER...]", "Writes the result of a sweep run in shares, from its journals (default: those beside RESULT).", 1, COMMAND_ARGUMENTS, merge_options, COUNT(merge_options), cmd_merge},
    {"status", "JOURNAL|RESULT|FOLDER...", "Says what of a sweep is done, running, failed or missing, also while it runs.", 1, COMMAND_ARGUMENTS, status_options, COUNT(status_options), cmd_status},
    {"check", "SCENARIO", "Reads a scenario and says what it would run and how large the result would be.", 1, 1, check_options, COUNT(check_options), cmd_check},
    {"compare", "RESULT", "Compares the strategies of a result, with 95 % intervals over replications.", 1, 1, compare_options, COUNT(compare_options), cmd_compare},
    {"tune", "SCENARIO", "Finds the best thresholds of a strategy under constraints, judges them on new runs, writes the tuned scenario.", 1, 1, tune_options, COUNT(tune_options), cmd_tune},
    {"sensitivity", "SCENARIO", "Which thresholds matter: Morris screening, or Sobol indices.", 1, 1, sensitivity_options, COUNT(sensitivity_options), cmd_sensitivity},
    {"explain", "RESULT", "Prints the decisions of a run: step, condition checked, result, action taken, system state.", 1, 1, explain_options, COUNT(explain_options), cmd_explain},
    {"describe", "[WHAT] [NAME]", "Reference: describe policy hpa; describe scenario, workload, service, speed, rate, nodes, discipline, throughput, meters, catalog, columns, schema; describe trace FILE: the statistics of a trace.", 0, 2, describe_options, COUNT(describe_options), cmd_describe},
    {"generate", "SCENARIO", "Writes the jobs a workload generates as a trace file; replaying it gives identical results.", 1, 1, generate_options, COUNT(generate_options), cmd_generate},
    {"fit", "TRACE", "Writes a workload that reproduces a trace, and prints trace against fit, line by line.", 1, 1, fit_options, COUNT(fit_options), cmd_fit},
    {"version", "", "Prints the version and those of the libraries.", 0, 0, NULL, 0, cmd_version},
};

static void print_help(FILE *out) {
  fprintf(out, "headroom: which scaling strategy should run my ML cluster, and how sure are we?\n\nheadroom COMMAND ...\n\n");
  for (size_t k = 0; k < COUNT(commands); k++) {
    char left[48];
    snprintf(left, sizeof left, "%s %s", commands[k].name, commands[k].arguments);
    fprintf(out, "  %-24s %s\n", left, commands[k].summary);
  }
  fprintf(out, "\nheadroom COMMAND --help lists a command's options. A first scenario: configs/quickstart.yaml\n");
}

static int unknown_command(const char *name) {
  const char *names[COUNT(commands)];
  for (size_t k = 0; k < COUNT(commands); k++) names[k] = commands[k].name;
  const char *near = text_nearest(name, names, COUNT(commands));
  fprintf(stderr, "headroom: no command %s", name);
  if (near) fprintf(stderr, "; did you mean %s?", near);
  fprintf(stderr, "\nTry: headroom --help\n");
  return ERR_USAGE;
}

/* What could not be printed is an error, not a success; but a reader that has read enough (`| head`) is no one's fault. */
static int printed(int code) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  if (errno == EPIPE) return code;
  fprintf(stderr, "headroom: standard output: %s\n", strerror(errno));
  return code ? code : ERR_IO;
}

/* Arenas come and go with every run: their memory stays in the process instead of being mapped and unmapped each time. */
static void keep_memory(void) {
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 128 << 20);
}

int main(int argc, char **argv) {
  keep_memory();
  interrupted_catch();
  if (argc < 2) {
    print_help(stderr);
    return ERR_USAGE;
  }
  const char *name = argv[1];
  if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
    print_help(stdout);
    return ERR_NONE;
  }
  if (!strcmp(name, "--version")) name = "version";
  for (size_t k = 0; k < COUNT(commands); k++)
    if (!strcmp(commands[k].name, name)) return printed(commands[k].run(&commands[k], argc - 2, argv + 2));
  return unknown_command(name);
}
