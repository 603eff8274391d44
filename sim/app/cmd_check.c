/* headroom check: reads a scenario as run would, prints what it is, how many runs and how large the result file will be; and headroom
 * version. */
#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "sim/app/command.h"
#include "sim/base/units.h"
#include "sim/base/version.h"
#include "sim/lab/store.h"

enum { OPT_SET, OPT_TRACES };

/* Bytes in the file, measured on the quick start (60 runs, 6 or 60 traced) and on 2,000 runs of M/M/2: the file itself, a run's summary and
 * latency counts for each deployment, the trace groups, a compressed column of 256 doubles. Decisions come on top: how many there will be is not known before. */
enum { BYTES_OF_FILE = 58000, BYTES_OF_SUMMARY = 1250, BYTES_OF_TRACES = 55000, BYTES_OF_COLUMN = 600 };

static double expected_bytes(const Sweep *sweep, TraceKeep keep) {
  double runs = (double)sweep_wanted_runs(sweep), traced = keep == TRACE_KEEP_NONE ? 0 : keep == TRACE_KEEP_ALL ? runs : runs / (double)sweep->first->replications;
  double deployments = (double)sweep->n_deployments, pools = (double)sweep->n_pools;
  double columns = deployments * TRACE_COUNT + pools * POOL_COUNT;
  return BYTES_OF_FILE + runs * deployments * BYTES_OF_SUMMARY + (traced > 0 ? BYTES_OF_TRACES : 0) + traced * columns * BYTES_OF_COLUMN;
}

static void print_size(double bytes) {
  if (bytes < 1e6) printf("%.0f kB", bytes / 1e3);
  else if (bytes < 1e9) printf("%.0f MB", bytes / 1e6);
  else printf("%.1f GB", bytes / 1e9);
}

static void print_names(const char *what, const char *const *name, size_t n) {
  printf("  %-12s", what);
  for (size_t k = 0; k < n; k++) printf("%s%s", k ? ", " : "", name[k]);
  printf("\n");
}

static void print_arrivals(const Sweep *sweep) {
  const Scenario *s = sweep->first;
  double jobs = 0;
  for (size_t d = 0; d < s->deployments.count; d++) {
    const WorkloadSpec *workload = &scenario_deployment(s, d)->workload;
    if (!workload->arrivals.model) continue;
    double rps = ((const Workload *)workload->arrivals.model)->mean_rps(workload->arrivals.params, s->horizon_ns);
    jobs += rps * s_from_ns(s->horizon_ns);
  }
  printf("  %-12sabout %.3g a run, %.3g in all\n", "jobs", jobs, jobs * (double)sweep_wanted_runs(sweep));
}

static void print_sweep(const Sweep *sweep, TraceKeep keep) {
  char horizon[48];
  format_duration(horizon, sweep->first->horizon_ns);
  printf("%s: ok\n", sweep->path);
  printf("  %-12s%s, horizon %s, seed %lld\n", "scenario", sweep->name, horizon, (long long)sweep->first->seed);
  print_names("deployments", sweep->deployment, sweep->n_deployments);
  print_names("pools", sweep->pool, sweep->n_pools);
  print_names("strategies", sweep->strategy, sweep->n_strategies);
  for (size_t p = 0; p < sweep->n_parameters; p++) {
    const SweepParameter *parameter = &sweep->parameter[p];
    printf("  %-12s%s:", "sweeps", parameter->name);
    for (uint64_t k = 0; k < sweep->axis_count[parameter->axis]; k++) printf(" %s", parameter->value[k]);
    printf("\n");
  }
  printf("  %-12s%llu (%llu points x %u strategies x %lld replications", "runs", (unsigned long long)sweep_wanted_runs(sweep),
         (unsigned long long)sweep->n_points, sweep->n_strategies, (long long)sweep->first->replications);
  if (sweep->wanted) printf("; up to %u until %s is precise enough", sweep->n_replications, sweep->first->precision.metric);
  printf(")\n");
  print_arrivals(sweep);
  for (size_t k = 0; k < sweep->n_inputs; k++) printf("  %-12s%s (sha256 %.12s)\n", "input", sweep->input[k].path, sweep->input[k].sha256);
  printf("  %-12sabout ", "result");
  print_size(expected_bytes(sweep, keep));
  printf("\n");
}

int cmd_check(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  TraceKeep keep = TRACE_KEEP_FIRST;
  const char *traces = a.value[OPT_TRACES];
  if (traces && !strcmp(traces, "all")) keep = TRACE_KEEP_ALL;
  else if (traces && !strcmp(traces, "none")) keep = TRACE_KEEP_NONE;
  else if (traces && strcmp(traces, "first") != 0) {
    fprintf(stderr, "headroom: --traces %s: first, all or none is wanted\n", traces);
    return ERR_USAGE;
  }
  Arena arena = {0};
  Sweep sweep;
  memset(&sweep, 0, sizeof sweep);
  Err err = {0};
  int code = ERR_NONE;
  SweepEdits edits = arguments_edits(&a, NULL);
  if (sweep_open_edited(&sweep, &arena, a.argument[0], &edits, &err)) {
    warnings_report(&err);
    print_sweep(&sweep, keep);
  } else {
    code = err_report(&err);
  }
  sweep_close(&sweep);
  arena_free(&arena);
  return code;
}

int cmd_version(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  printf("headroom %s\nGSL %s, HDF5 %d.%d.%d, SQLite %s, OpenMP %d\n", HEADROOM_VERSION, GSL_VERSION, H5_VERS_MAJOR, H5_VERS_MINOR,
         H5_VERS_RELEASE, sqlite3_libversion(), _OPENMP);
  return ERR_NONE;
}
