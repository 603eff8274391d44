/* Printing a tuning; see tune_print.h. */
#include "sim/app/tune_print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/app/machine_text.h"
#include "sim/base/units.h"

enum { ALIKE_SHOWN = 12, CELL = 64 };

static const char *shown_name(const Tune *tune, size_t design, Arena *arena) { return space_name(&tune->space, design, arena); }

/* Four significant digits of what is uncertain decide how many decimals are worth printing. */
static void format_interval(char *cell, Interval i) {
  double half = i.half_width, size = isfinite(half) && half > 0 ? half : fabs(i.mean) / 100;
  int decimals = size > 0 ? 1 - (int)floor(log10(size)) : 2;
  decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
  if (isnan(i.mean)) snprintf(cell, CELL, "-");
  else if (isnan(half)) snprintf(cell, CELL, "%.*f", decimals, i.mean);
  else snprintf(cell, CELL, "%.*f ±%.*f", decimals, i.mean, decimals, half);
}

static int width_of(const char *text) {
  int n = 0;
  for (; *text; text++) n += (*text & 0xc0) != 0x80;
  return n;
}

static void print_cell(const char *text, int width) { printf("  %s%*s", text, width > width_of(text) ? width - width_of(text) : 0, ""); }

static void print_task(const Tune *tune) {
  const TuneMetric *m = tune->metric;
  printf("%s %s of strategy %s", m[0].sign > 0 ? "Least" : "Largest", m[0].name, tune->sweep->strategy[tune->engine.strategy]);
  for (size_t k = 1; k < tune->n_metrics; k++) printf("%s %s", k == 1 ? ", subject to" : " and", m[k].text);
  printf("\n");
}

static void print_right(const Tune *tune, const TuneOutcome *o) {
  switch (tune->search) {
  case SEARCH_HALVING: printf("No guarantee: halving with racing on common random numbers"); break;
  case SEARCH_MODEL: printf("No guarantee: model-based search (Gaussian process, expected improvement)"); break;
  case SEARCH_GUARANTEE:
    if (!o->guaranteed) printf("No guarantee: the budget ended before the procedure did");
    else printf("Right with probability %g", tune->spec.guarantee_ratio);
    break;
  }
  printf("; %zu ", o->n_designs);
  if (o->grid_size > o->n_designs) printf("of %llu ", (unsigned long long)o->grid_size);
  printf("designs, %llu runs", (unsigned long long)o->runs_search + o->runs_judgement);
  if (tune->engine.reused) printf(" (%llu of them from the journal)", (unsigned long long)tune->engine.reused);
  printf(".\n");
  if (tune->search != SEARCH_GUARANTEE) return;
  double alpha = 1 - tune->spec.guarantee_ratio;
  if (tune->n_metrics > 1) printf("  error %.3g = %.3g that a constraint is misjudged (Andradottir and Kim 2010) + %.3g that a worse design is chosen (KN, Kim and Nelson 2001)\n", alpha, alpha / 2, alpha / 2);
  else printf("  error %.3g that a worse design is chosen (KN, Kim and Nelson 2001)\n", alpha);
  printf("  for means over replications that are normal; differences of %s below %.4g do not matter", tune->metric[0].name, tune->indifference);
  for (size_t k = 1; k < tune->n_metrics; k++) printf("; `%s` is judged to ±%.3g", tune->metric[k].text, tune->metric[k].tolerance);
  printf("\n");
}

static void print_counts(const TuneOutcome *o) {
  printf("%s %zu were shown to be worse, %zu to violate a constraint", o->found ? "Of the others" : "Of all", o->n_worse, o->n_infeasible);
  if (o->n_ranked_out) printf(", %zu looked worse and were left behind for the budget's sake", o->n_ranked_out);
  if (o->n_failed) printf(", %zu failed", o->n_failed);
  printf(".\n");
}

static const char *side_words(int side) { return side > 0 ? "kept" : side < 0 ? "VIOLATED" : "not decided by these runs"; }

static void print_winner(const Tune *tune, const TuneOutcome *o, Arena *arena) {
  char cell[CELL];
  printf("\nWinner      %s\n", shown_name(tune, o->best, arena));
  if (o->has_written) printf("As written  %s\n", shown_name(tune, 0, arena));
  printf("\n  %-24s", "");
  print_cell("winner", 22);
  if (o->has_written) {
    print_cell("as written", 22);
    print_cell("difference", 20);
  }
  printf("\n");
  for (size_t m = 0; m < tune->n_metrics; m++) {
    printf("  %-24s", tune->metric[m].name);
    format_interval(cell, o->winner[m]);
    print_cell(cell, 22);
    if (o->has_written) {
      format_interval(cell, o->written[m]);
      print_cell(cell, 22);
      format_interval(cell, o->difference[m]);
      print_cell(cell, 20);
    }
    if (m > 0) printf("  %s: %s", tune->metric[m].text, side_words(constraint_side(&tune->metric[m], o->winner[m])));
    printf("\n");
  }
  printf("95 %% intervals of a fresh confirmation: %u new replications", o->confirmations);
  if (tune->holdout_ns > 0) {
    char text[64];
    format_duration(text, tune->holdout_ns);
    printf(", on the last %s, which was not tuned on", text);
  }
  printf("; given %s.\n", tune->sweep->conditional_on);
}

static void print_alike(const Tune *tune, const TuneOutcome *o, Arena *arena) {
  char cell[CELL];
  if (o->n_alike == 0) {
    printf("\nEvery other design that was compared was told apart from it (paired differences, simultaneously at 95 %%).\n");
    return;
  }
  printf("\nCannot be told apart from it (paired differences of %s from the search, simultaneously at 95 %%):\n", tune->metric[0].name);
  for (size_t k = 0; k < o->n_alike && k < ALIKE_SHOWN; k++) {
    Interval difference = o->alike[k].difference;
    difference.mean *= tune->metric[0].sign;
    format_interval(cell, difference);
    printf("  %-40s  %s%s\n", shown_name(tune, o->alike[k].design, arena), difference.mean >= 0 ? "+" : "", cell);
  }
  if (o->n_alike > ALIKE_SHOWN) printf("  ... and %zu more\n", o->n_alike - ALIKE_SHOWN);
}

static void print_end(const Tune *tune, size_t axis, FlatEnd end, uint32_t next, size_t constraint, Arena *arena) {
  const char *value = end == FLAT_WORSE || end == FLAT_VIOLATES ? space_text(&tune->space, axis, next, arena) : "";
  switch (end) {
  case FLAT_EDGE: printf("end of the range"); break;
  case FLAT_WORSE: printf("%s is worse", value); break;
  case FLAT_VIOLATES: printf("%s violates %s", value, tune->metric[1 + constraint].text); break;
  case FLAT_UNKNOWN: printf("not looked further: budget"); break;
  }
}

static void print_flat(const Tune *tune, const TuneOutcome *o, Arena *arena) {
  bool any = false;
  for (size_t a = 0; a < tune->space.n_axes; a++) {
    const TuneFlat *flat = &o->flat[a];
    if (!flat->ordered) continue;
    if (!any) printf("\nFlat region: each alone may move so far before it is distinguishably worse (95 %%, the confirmation's replications)\n");
    any = true;
    printf("  %s: %s .. %s  (", tune->space.axis[a].label, space_text(&tune->space, a, flat->low, arena), space_text(&tune->space, a, flat->high, arena));
    print_end(tune, a, flat->low_end, flat->low_next, flat->low_constraint, arena);
    printf("; ");
    print_end(tune, a, flat->high_end, flat->high_next, flat->high_constraint, arena);
    printf(")\n");
  }
}

static void print_settings(const Tune *tune, size_t design, Arena *arena) {
  const uint32_t *value = space_values(&tune->space, design);
  printf("\nTo run it:");
  for (size_t a = 0; a < tune->space.n_axes; a++) printf(" --set '%s=%s'", tune->space.axis[a].path, space_text(&tune->space, a, value[a], arena));
  printf("\n");
}

void tune_print(const Tune *tune, const TuneOutcome *o) {
  Arena arena = {0};
  print_task(tune);
  print_right(tune, o);
  if (o->found) {
    print_winner(tune, o, &arena);
    print_alike(tune, o, &arena);
    print_counts(o);
    print_flat(tune, o, &arena);
    print_settings(tune, o->best, &arena);
  } else {
    printf("\nNo design keeps the constraints");
    if (o->n_designs && tune->search != SEARCH_GUARANTEE) printf("; the nearest is %s", shown_name(tune, o->best, &arena));
    printf(".\n");
    print_counts(o);
  }
  if (tune->engine.failed) printf("%llu runs failed; the first: %s\n", (unsigned long long)tune->engine.failed, tune->engine.message);
  arena_free(&arena);
}

/* ---- JSON ---- */

static void json_interval(const char *name, Interval i) {
  json_string(name);
  printf(": {\"mean\": ");
  json_number(i.mean);
  printf(", \"half_width\": ");
  json_number(i.half_width);
  printf(", \"count\": %llu}", (unsigned long long)i.count);
}

static void json_settings(const Tune *tune, size_t design, Arena *arena) {
  const uint32_t *value = space_values(&tune->space, design);
  printf("{");
  for (size_t a = 0; a < tune->space.n_axes; a++) {
    printf("%s", a ? ", " : "");
    json_string(tune->space.axis[a].path);
    printf(": ");
    json_string(space_text(&tune->space, a, value[a], arena));
  }
  printf("}");
}

static void json_metrics(const Tune *tune, const char *name, const Interval *interval) {
  printf(",\n \"%s\": {", name);
  for (size_t m = 0; m < tune->n_metrics; m++) {
    printf("%s", m ? ", " : "");
    json_interval(m ? tune->metric[m].text : tune->metric[m].name, interval[m]);
  }
  printf("}");
}

static const char *json_end(FlatEnd end) {
  switch (end) {
  case FLAT_EDGE: return "edge";
  case FLAT_WORSE: return "worse";
  case FLAT_VIOLATES: return "violates";
  case FLAT_UNKNOWN: return "unknown";
  }
  return "";
}

static void json_found(const Tune *tune, const TuneOutcome *o, Arena *arena) {
  printf(",\n \"winner\": ");
  json_settings(tune, o->best, arena);
  json_metrics(tune, "confirmation", o->winner);
  if (o->has_written) {
    json_metrics(tune, "as_written", o->written);
    json_metrics(tune, "difference", o->difference);
  }
  printf(",\n \"constraints\": {");
  for (size_t m = 1; m < tune->n_metrics; m++) {
    int side = constraint_side(&tune->metric[m], o->winner[m]);
    printf("%s", m > 1 ? ", " : "");
    json_string(tune->metric[m].text);
    printf(": \"%s\"", side > 0 ? "kept" : side < 0 ? "violated" : "undecided");
  }
  printf("},\n \"alike\": [");
  for (size_t k = 0; k < o->n_alike; k++) {
    printf("%s\n  {\"settings\": ", k ? "," : "");
    json_settings(tune, o->alike[k].design, arena);
    Interval difference = o->alike[k].difference;
    difference.mean *= tune->metric[0].sign;
    printf(", ");
    json_interval("difference", difference);
    printf("}");
  }
  printf("],\n \"flat\": {");
  bool first = true;
  for (size_t a = 0; a < tune->space.n_axes; a++) {
    const TuneFlat *flat = &o->flat[a];
    if (!flat->ordered) continue;
    printf("%s", first ? "" : ", ");
    first = false;
    json_string(tune->space.axis[a].path);
    printf(": {\"low\": ");
    json_string(space_text(&tune->space, a, flat->low, arena));
    printf(", \"low_end\": \"%s\", \"high\": ", json_end(flat->low_end));
    json_string(space_text(&tune->space, a, flat->high, arena));
    printf(", \"high_end\": \"%s\"}", json_end(flat->high_end));
  }
  printf("}");
}

void tune_print_json(const Tune *tune, const TuneOutcome *o) {
  static const char *const searches[] = {"halving", "model", "guarantee"};
  Arena arena = {0};
  printf("{\"strategy\": ");
  json_string(tune->sweep->strategy[tune->engine.strategy]);
  printf(", \"%s\": ", tune->metric[0].sign > 0 ? "minimize" : "maximize");
  json_string(tune->metric[0].name);
  printf(", \"method\": \"%s\", \"guarantee\": ", searches[tune->search]);
  if (o->guaranteed) printf("%g, \"indifference\": %.17g", tune->spec.guarantee_ratio, tune->indifference);
  else printf("null");
  printf(", \"conditional_on\": ");
  json_string(tune->sweep->conditional_on);
  printf(", \"holdout_s\": %.17g, \"designs\": %zu, \"runs\": %llu, \"found\": %s", (double)tune->holdout_ns / 1e9, o->n_designs,
         (unsigned long long)o->runs_search + o->runs_judgement, o->found ? "true" : "false");
  printf(",\n \"worse\": %zu, \"infeasible\": %zu, \"ranked_out\": %zu, \"failed\": %zu", o->n_worse, o->n_infeasible, o->n_ranked_out, o->n_failed);
  if (o->found) json_found(tune, o, &arena);
  printf("}\n");
  arena_free(&arena);
}

/* ---- CSV ---- */

static void csv_interval(Interval i) {
  printf(",");
  csv_number(i.mean);
  printf(",");
  csv_number(i.half_width);
}

static void csv_settings(const Tune *tune, const char *role, size_t design, Arena *arena) {
  const uint32_t *value = space_values(&tune->space, design);
  printf("%s", role);
  for (size_t a = 0; a < tune->space.n_axes; a++) {
    printf(",");
    csv_string(space_text(&tune->space, a, value[a], arena));
  }
}

/* The winner, its metrics judged on new runs; then those that cannot be told apart from it, by the difference of the objective. */
void tune_print_csv(const Tune *tune, const TuneOutcome *o) {
  Arena arena = {0};
  const Interval none = {.mean = (double)NAN, .half_width = (double)NAN};
  printf("role");
  for (size_t a = 0; a < tune->space.n_axes; a++) {
    printf(",");
    csv_string(tune->space.axis[a].path);
  }
  for (size_t m = 0; m < tune->n_metrics; m++) printf(",%s,%s_half_width", tune->metric[m].name, tune->metric[m].name);
  printf(",difference,difference_half_width\n");
  if (o->found) {
    csv_settings(tune, "winner", o->best, &arena);
    for (size_t m = 0; m < tune->n_metrics; m++) csv_interval(o->winner[m]);
    csv_interval(none);
    printf("\n");
  }
  for (size_t k = 0; o->found && k < o->n_alike; k++) {
    Interval difference = o->alike[k].difference;
    difference.mean *= tune->metric[0].sign;
    csv_settings(tune, "alike", o->alike[k].design, &arena);
    for (size_t m = 0; m < tune->n_metrics; m++) csv_interval(none);
    csv_interval(difference);
    printf("\n");
  }
  arena_free(&arena);
}
