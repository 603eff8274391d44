/* headroom explain: the decisions of one run as the founding table - step, condition checked, condition result, action taken, system
 * state - and the tracker of its variables: data_size, resource_limit, model_state at the start, after each step, and at the end. */
#include <math.h>
#include <string.h>

#include "sim/app/command.h"
#include "sim/app/machine_text.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/contract/policy.h"
#include "sim/core/time.h"
#include "sim/lab/store.h"

enum { OPT_STRATEGY, OPT_DEPLOYMENT, OPT_POINT, OPT_LIMIT, OPT_JSON, OPT_CSV };

typedef struct Explain {
  Arena arena;
  ResultFile file;
  uint64_t run;
  size_t strategy;
  int64_t deployment; /* -1: all */
  long long limit;
  DecisionRow *row;
  size_t count;
  double *end_size, *end_limit, *end_state; /* [deployments], at the end of the run */
} Explain;

static const char *result_words(int result) { return result < 0 ? "-" : result ? "True" : "False"; }

static void format_size(char *text, size_t room, double bytes) {
  if (isnan(bytes)) snprintf(text, room, "-");
  else if (bytes >= 1e9) snprintf(text, room, "%.3g GB", bytes / 1e9);
  else if (bytes >= 1e6) snprintf(text, room, "%.3g MB", bytes / 1e6);
  else snprintf(text, room, "%.3g kB", bytes / 1e3);
}

static bool wanted(const Explain *x, const DecisionRow *row) { return x->deployment < 0 || row->deployment == (uint32_t)x->deployment; }

static void print_change(const DecisionRow *row) {
  const char *comma = "";
  if (row->replicas_before != row->replicas_after) {
    printf("%s replicas %lld -> %lld", comma, (long long)row->replicas_before, (long long)row->replicas_after);
    comma = ",";
  }
  if (row->millicores_before != row->millicores_after) {
    printf("%s cpu %g -> %g", comma, (double)row->millicores_before / 1e3, (double)row->millicores_after / 1e3);
    comma = ",";
  }
  if (row->bytes_before != row->bytes_after) {
    char from[48], to[48];
    format_bytes(from, row->bytes_before);
    format_bytes(to, row->bytes_after);
    printf("%s memory %s -> %s", comma, from, to);
    comma = ",";
  }
  if (row->variant_before != row->variant_after) {
    printf("%s variant %d -> %d", comma, row->variant_before, row->variant_after);
    comma = ",";
  }
  if (!*comma) printf(" nothing changed");
  if (row->replicas_wished != row->replicas_after) printf(" (wished %lld)", (long long)row->replicas_wished);
}

/* The values on the way to the wish, as far as the rule has them. */
static void print_values(const DecisionRow *row) {
  const struct { const char *name; double value; } values[] = {
      {"metric", row->metric}, {"target", row->target}, {"replicas by the rule", row->raw_replicas}, {"after tolerance", row->after_tolerance},
      {"stabilised", row->stabilised}, {"rate-limited", row->rate_limited}};
  const char *comma = "  ";
  for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
    if (isnan(values[k].value)) continue;
    printf("%s%s %.4g", comma, values[k].name, values[k].value);
    comma = ", ";
  }
  if (*comma == ',') printf("\n");
}

static void print_heading(const Explain *x, const DecisionRow *row) {
  char at[48];
  format_duration(at, row->at_ns);
  printf("\n%s  %s:", at, x->file.deployment[row->deployment]);
  print_change(row);
  if (row->reason && *row->reason) printf("  [%s]", row->reason);
  if (row->quiet_before) printf("  (%u look%s before it changed nothing)", row->quiet_before, row->quiet_before == 1 ? "" : "s");
  printf("\n");
  print_values(row);
}

/* The two sides of a condition; sizes as sizes. */
static void format_sides(char *text, size_t room, const DecisionRow *row) {
  text[0] = 0;
  if (isnan(row->value) || isnan(row->threshold)) return;
  char a[40], b[40];
  if (strstr(row->condition, "data_size")) {
    format_size(a, sizeof a, row->value);
    format_size(b, sizeof b, row->threshold);
  } else {
    snprintf(a, sizeof a, "%.4g", row->value);
    snprintf(b, sizeof b, "%.4g", row->threshold);
  }
  snprintf(text, room, " (%s against %s)", a, b);
}

static void print_step(const DecisionRow *row) {
  char sides[100];
  format_sides(sides, sizeof sides, row);
  printf("  %-20s | %-40s | %-6s | %-25s | %s%s\n", row->step, *row->condition ? row->condition : "-", result_words(row->result),
         *row->action ? row->action : "-", row->model_state ? model_state_words((ModelState)row->model_state) : "-", sides);
}

static void print_decisions(const Explain *x) {
  printf("  %-20s | %-40s | %-6s | %-25s | %s\n", "Step", "Condition checked", "Result", "Action taken", "System state");
  long long printed = 0;
  uint32_t last = UINT32_MAX;
  for (size_t k = 0; k < x->count; k++) {
    const DecisionRow *row = &x->row[k];
    if (!wanted(x, row)) continue;
    if (row->decision != last) {
      if (x->limit && printed == x->limit) {
        printf("\n... more decisions: --limit 0 prints all\n");
        return;
      }
      printed++;
      print_heading(x, row);
    }
    last = row->decision;
    print_step(row);
  }
  if (!printed) printf("  no decision changed anything\n");
}

static void print_tracked(const char *when, double data_size_bytes, double resource_limit, const char *state) {
  char size[40];
  format_size(size, sizeof size, data_size_bytes);
  printf("  %-14s | %-12s | %-14s | %s\n", when, size, isnan(resource_limit) || resource_limit < 0 ? "-" : result_words(resource_limit > 0), state);
}

enum { TRACKED_STEPS = 3 };

/* The variables of the founding decision: at the start, after the first steps that changed the state, at the end of the run. */
static void print_tracker(const Explain *x) {
  printf("\nVariables\n  %-14s | %-12s | %-14s | %s\n", "", "data_size", "resource_limit", "model_state");
  bool begun = false;
  int state = MODEL_STATE_IDLE, steps = 0;
  for (size_t k = 0; k < x->count && steps < TRACKED_STEPS; k++) {
    const DecisionRow *row = &x->row[k];
    if (!wanted(x, row)) continue;
    if (!begun) print_tracked("start", row->data_size_bytes, row->resource_limit, model_state_name(MODEL_STATE_IDLE));
    begun = true;
    if (row->model_state == state || row->model_state == MODEL_STATE_NONE) continue;
    state = row->model_state;
    char when[40];
    snprintf(when, sizeof when, "after step %d", ++steps);
    print_tracked(when, row->data_size_bytes, row->resource_limit, model_state_name((ModelState)state));
  }
  size_t d = x->deployment < 0 ? 0 : (size_t)x->deployment;
  int final = isnan(x->end_state[d]) ? MODEL_STATE_NONE : (int)x->end_state[d];
  print_tracked("final", x->end_size[d], x->end_limit[d], final ? model_state_name((ModelState)final) : "-");
}

static void json_member(const char *name, const char *text) {
  printf(", \"%s\": ", name);
  json_string(text);
}

static void print_json(const Explain *x) {
  for (size_t k = 0; k < x->count; k++) {
    const DecisionRow *r = &x->row[k];
    if (!wanted(x, r)) continue;
    printf("{\"at_s\": %.9f", s_from_ns(r->at_ns));
    json_member("deployment", x->file.deployment[r->deployment]);
    printf(", \"decision\": %u", r->decision);
    json_member("step", r->step);
    json_member("condition", r->condition);
    printf(", \"result\": %s", r->result < 0 ? "null" : r->result ? "true" : "false");
    json_member("action", r->action);
    json_member("model_state", model_state_name((ModelState)r->model_state));
    printf(", \"replicas_before\": %lld, \"replicas_after\": %lld, \"cores_before\": %g, \"cores_after\": %g, \"variant_before\": %d, \"variant_after\": %d",
           (long long)r->replicas_before, (long long)r->replicas_after, (double)r->millicores_before / 1e3, (double)r->millicores_after / 1e3,
           r->variant_before, r->variant_after);
    json_member("reason", r->reason);
    printf("}\n");
  }
}

static void print_csv(const Explain *x) {
  printf("at_s,deployment,decision,step,condition,result,value,threshold,action,model_state,metric,target,replicas_before,replicas_wished,replicas_after,"
         "cores_before,cores_after,variant_before,variant_after,reason\n");
  for (size_t k = 0; k < x->count; k++) {
    const DecisionRow *r = &x->row[k];
    if (!wanted(x, r)) continue;
    printf("%.9f,", s_from_ns(r->at_ns));
    csv_string(x->file.deployment[r->deployment]);
    printf(",%u,", r->decision);
    csv_string(r->step);
    printf(",");
    csv_string(r->condition);
    printf(",%s,", r->result < 0 ? "" : r->result ? "true" : "false");
    csv_number(r->value);
    printf(",");
    csv_number(r->threshold);
    printf(",");
    csv_string(r->action);
    printf(",");
    csv_string(model_state_name((ModelState)r->model_state));
    printf(",");
    csv_number(r->metric);
    printf(",");
    csv_number(r->target);
    printf(",%lld,%lld,%lld,%g,%g,%d,%d,", (long long)r->replicas_before, (long long)r->replicas_wished, (long long)r->replicas_after,
           (double)r->millicores_before / 1e3, (double)r->millicores_after / 1e3, r->variant_before, r->variant_after);
    csv_string(r->reason);
    printf("\n");
  }
}

static int unknown_name(const char *what, const char *name, const char *const *names, size_t n) {
  const char *near = text_nearest(name, names, n);
  fprintf(stderr, "headroom: no %s %s", what, name);
  if (near) fprintf(stderr, "; did you mean %s?", near);
  fprintf(stderr, " There are:");
  for (size_t k = 0; k < n; k++) fprintf(stderr, " %s", names[k]);
  fprintf(stderr, "\n");
  return ERR_USAGE;
}

static int find_name(const char *name, const char *const *names, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (!strcmp(name, names[k])) return (int)k;
  return -1;
}

/* The first replication of a point and strategy. */
static bool find_run(Explain *x, uint64_t point) {
  for (x->run = 0; x->run < x->file.n_runs; x->run++)
    if (x->file.run_point[x->run] == point && x->file.run_strategy[x->run] == x->strategy && x->file.run_replication[x->run] == 0) return true;
  uint64_t last = x->file.n_runs ? x->file.run_point[x->file.n_runs - 1] : 0;
  fprintf(stderr, "headroom: there is no point %llu; the last one is %llu\n", (unsigned long long)point, (unsigned long long)last);
  return false;
}

static bool load_end(Explain *x, const char *path, Err *err) {
  size_t n = x->file.n_deployments;
  x->end_size = ARENA_ARRAY(&x->arena, double, n);
  x->end_limit = ARENA_ARRAY(&x->arena, double, n);
  x->end_state = ARENA_ARRAY(&x->arena, double, n);
  return result_file_trace_end(path, x->run, "data_size_bytes", x->end_size, n, &x->arena, err) &&
         result_file_trace_end(path, x->run, "resource_limit", x->end_limit, n, &x->arena, err) &&
         result_file_trace_end(path, x->run, "model_state", x->end_state, n, &x->arena, err);
}

static int load(Explain *x, const Arguments *a, Err *err) {
  long long point = 0;
  if (a->value[OPT_POINT] && !option_integer("--point", a->value[OPT_POINT], 0, 1000000000000LL, &point)) return ERR_USAGE;
  if (a->value[OPT_LIMIT] && !option_integer("--limit", a->value[OPT_LIMIT], 0, 1000000000000LL, &x->limit)) return ERR_USAGE;
  if (a->value[OPT_DEPLOYMENT]) {
    x->deployment = find_name(a->value[OPT_DEPLOYMENT], x->file.deployment, x->file.n_deployments);
    if (x->deployment < 0) return unknown_name("deployment", a->value[OPT_DEPLOYMENT], x->file.deployment, x->file.n_deployments);
  }
  size_t first = 0, last = x->file.n_strategies;
  if (a->value[OPT_STRATEGY]) {
    int k = find_name(a->value[OPT_STRATEGY], x->file.strategy, x->file.n_strategies);
    if (k < 0) return unknown_name("strategy", a->value[OPT_STRATEGY], x->file.strategy, x->file.n_strategies);
    first = (size_t)k, last = first + 1;
  }
  for (x->strategy = first; x->strategy < last; x->strategy++) {
    if (!find_run(x, (uint64_t)point)) return ERR_USAGE;
    if (!result_file_decisions(a->argument[0], x->run, &x->arena, &x->row, &x->count, err)) return err_report(err);
    if (x->count || x->strategy + 1 == last) break;
  }
  return load_end(x, a->argument[0], err) ? ERR_NONE : err_report(err);
}

int cmd_explain(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  Explain x = {.deployment = -1, .limit = 40};
  Err err = {0};
  int code = result_file_open(&x.file, a.argument[0], &x.arena, &err) ? load(&x, &a, &err) : err_report(&err);
  if (code == ERR_NONE && a.value[OPT_JSON]) {
    print_json(&x);
  } else if (code == ERR_NONE && a.value[OPT_CSV]) {
    print_csv(&x);
  } else if (code == ERR_NONE) {
    printf("%s, strategy %s, run %llu\n\n", x.file.name, x.file.strategy[x.strategy], (unsigned long long)x.run);
    print_decisions(&x);
    print_tracker(&x);
  }
  arena_free(&x.arena);
  return code;
}
