/* headroom generate: the jobs of a workload as a trace file. The stamps are nanoseconds from the start of the run and the sizes whole
 * units, so a replay of the file is the same workload, bit for bit. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/app/command.h"
#include "sim/lab/sweep.h"
#include "sim/run/arrivals.h"

enum { OPT_OUTPUT, OPT_DEPLOYMENT, OPT_REPLICATION, OPT_SET, OPT_FILENAME, OPT_COUNT };

static void write_jobs(const Scenario *scenario, size_t deployment, uint32_t replication, Arena *arena, FILE *out) {
  static const char header[] = "arrival_ns,input,output\n";
  Arrivals *arrivals = ARENA_NEW(arena, Arrivals);
  arrivals_begin(arrivals, scenario, deployment, scenario_streams(scenario, replication), scenario->initial_variant[deployment], arena);
  fputs(header, out);
  while (arrivals_peek(arrivals) != INSTANT_NEVER) {
    const JobBlock *block = &arrivals->block;
    size_t k = arrivals->cursor++;
    fprintf(out, "%" PRId64 ",%" PRIu32 ",%" PRIu32 "\n", block->arrival_ns[k], block->input[k], block->output[k]);
  }
}

static uint64_t count_jobs(const Scenario *scenario, size_t deployment, uint32_t replication, Arena *arena) {
  Arrivals *arrivals = ARENA_NEW(arena, Arrivals);
  uint64_t count = 0;
  arrivals_begin(arrivals, scenario, deployment, scenario_streams(scenario, replication), scenario->initial_variant[deployment], arena);
  for (; arrivals_peek(arrivals) != INSTANT_NEVER; arrivals->cursor = arrivals->block.count) count += arrivals->block.count - arrivals->cursor;
  return count;
}

/* The named deployment, or the first with a workload; its number of deployments when there is none. */
static size_t find_deployment(const Scenario *scenario, const char *name) {
  for (size_t d = 0; d < scenario->deployments.count; d++) {
    const DeploymentSpec *spec = scenario_deployment(scenario, d);
    if (name ? !strcmp(spec->name, name) : spec->workload.arrivals.model != NULL) return d;
  }
  return scenario->deployments.count;
}

static int generate(const Sweep *sweep, const Arguments *a, uint32_t replication, Arena *arena) {
  const Scenario *scenario = sweep->first;
  const char *name = a->value[OPT_DEPLOYMENT], *path = a->value[OPT_OUTPUT];
  size_t d = find_deployment(scenario, name);
  if (d == scenario->deployments.count || !scenario_deployment(scenario, d)->workload.arrivals.model) {
    fprintf(stderr, "headroom: %s%s has no workload\n", name ? "deployment " : "the scenario", name ? name : "");
    return ERR_USAGE;
  }
  if (((const Workload *)scenario_deployment(scenario, d)->workload.arrivals.model)->closed) {
    fprintf(stderr, "headroom: the jobs of `closed` follow from how they are served: there is no trace of them\n");
    return ERR_USAGE;
  }
  if (a->value[OPT_COUNT]) {
    printf("%" PRIu64 "\n", count_jobs(scenario, d, replication, arena));
    return ERR_NONE;
  }
  FILE *out = path ? fopen(path, "wx") : stdout;
  if (!out) {
    fprintf(stderr, "headroom: %s: %s\n", path, strerror(errno));
    return ERR_IO;
  }
  write_jobs(scenario, d, replication, arena, out);
  bool ok = fflush(out) == 0 && !ferror(out);
  if (path) ok = fclose(out) == 0 && ok;
  if (ok) return ERR_NONE;
  fprintf(stderr, "headroom: %s: %s\n", path ? path : "standard output", strerror(errno));
  return ERR_IO;
}

int cmd_generate(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  long long replication = 0;
  if (a.value[OPT_REPLICATION] && !option_integer("--replication", a.value[OPT_REPLICATION], 0, 16777214, &replication)) return ERR_USAGE;
  Arena arena = {0};
  Sweep sweep;
  memset(&sweep, 0, sizeof sweep);
  Err err = {0};
  int code;
  SweepEdits edits = arguments_edits(&a, NULL);
  if (sweep_open_edited(&sweep, &arena, a.argument[0], &edits, &err)) code = generate(&sweep, &a, (uint32_t)replication, &arena);
  else code = err_report(&err);
  sweep_close(&sweep);
  arena_free(&arena);
  return code;
}
