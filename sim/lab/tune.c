/* The search of a tuning; the judgement is in tune_judge.c. */
#include "sim/lab/tune.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/lab/tune_guarantee.h"
#include "sim/lab/tune_model.h"

enum { HALVING_VALUES = 50, GUARANTEE_VALUES = 11, FIRST_STAGE = 10, A_DESIGN = 4, PILOT_REPLICATIONS = 10, DESIGNS_MOST = 4096 };
#define PILOT_FIRST (UINT32_C(1) << 23) /* replications of the pilot: of no other use */

typedef struct Found {
  size_t *design;
  TuneFate *fate;
  size_t n;
} Found;

static uint64_t search_budget(const Tune *tune) { return tune->budget ? tune->budget - tune->for_judgement : 0; }

/* ---- the three searches ---- */

static bool search_halving(Tune *tune, TuneSamples *samples, Found *found, TuneOutcome *outcome, Err *err) {
  uint64_t most = search_budget(tune) / A_DESIGN;
  if (most < 2) most = 2;
  found->n = space_grid(&tune->space, HALVING_VALUES, most < DESIGNS_MOST ? (size_t)most : DESIGNS_MOST, &found->design, tune->arena);
  outcome->grid_size = space_grid_size(&tune->space, HALVING_VALUES);
  HalvingOptions options = {.budget = search_budget(tune)};
  HalvingResult result;
  if (!tune_halving(samples, found->design, found->n, &options, &result, err)) return false;
  found->fate = result.fate;
  outcome->best = result.best;
  outcome->found = result.feasible;
  return true;
}

static size_t at_point(void *space, double *x) { return space_design_at(space, x); }

static bool search_model(Tune *tune, TuneSamples *samples, Found *found, TuneOutcome *outcome, Err *err) {
  bool category[TUNE_AXES_MOST];
  for (size_t a = 0; a < tune->space.n_axes; a++) category[a] = !tune->space.axis[a].ordered;
  TuneCube cube = {tune->space.n_axes, category, at_point, &tune->space};
  ModelOptions options = {.budget = search_budget(tune)};
  ModelResult result;
  if (!tune_model(samples, &cube, &options, &result, err)) return false;
  *found = (Found){result.design, result.fate, result.n_designs};
  outcome->best = result.best;
  outcome->found = result.feasible;
  return true;
}

/* What the indifference is a share of: the objective of the scenario as written, on replications that nothing else uses, so that it is fixed
 * before the procedure begins. */
static bool set_indifference(Tune *tune, Err *err) {
  const char *text = tune->spec.indifference, *why;
  size_t n = strlen(text);
  bool share = n > 0 && text[n - 1] == '%';
  bool good = share ? parse_ratio(text, &tune->indifference, &why) : parse_number(text, &tune->indifference, &why);
  if (!good || !(tune->indifference > 0)) return err_add(err, ERR_USAGE, "--indifference %.40s: a share (1%%) or a number above 0 is wanted", text);
  if (!share) return true;
  TuneSamples pilot;
  size_t as_written = 0;
  samples_begin(&pilot, tune->arena, &tune->tuning_problem, PILOT_FIRST);
  if (!samples_extend_all(&pilot, &as_written, 1, PILOT_REPLICATIONS, err)) return false;
  double size = fabs(samples_mean(&pilot, 0, 0, 0.95).mean);
  if (!(size > 0)) return err_add(err, ERR_USAGE, "--indifference %.40s: the objective of the scenario as written is %g; give a number in its unit", text, size);
  tune->indifference *= size;
  return true;
}

static bool search_guarantee(Tune *tune, TuneSamples *samples, Found *found, TuneOutcome *outcome, Err *err) {
  if (!set_indifference(tune, err)) return false;
  found->n = space_grid(&tune->space, GUARANTEE_VALUES, DESIGNS_MOST, &found->design, tune->arena);
  outcome->grid_size = space_grid_size(&tune->space, GUARANTEE_VALUES);
  double *tolerance = ARENA_ARRAY(tune->arena, double, tune->n_metrics), alpha = 1 - tune->spec.guarantee_ratio;
  for (size_t k = 1; k < tune->n_metrics; k++) tolerance[k - 1] = tune->metric[k].tolerance;
  bool constrained = tune->n_metrics > 1;
  GuaranteeOptions options = {.alpha_check = constrained ? alpha / 2 : 0, .alpha_select = constrained ? alpha / 2 : alpha, .indifference = tune->indifference,
                              .tolerance = tolerance, .first_replications = FIRST_STAGE, .budget = search_budget(tune)};
  GuaranteeResult result;
  if (!tune_guarantee(samples, found->design, found->n, &options, &result, err)) return false;
  found->fate = result.fate;
  outcome->found = result.found;
  outcome->guaranteed = result.guaranteed;
  outcome->best = result.best;
  return true;
}

/* ---- all of it ---- */

/* Where nothing keeps the constraints halving shows nobody to violate them, since it looks for the nearest: said here, simultaneously. */
static void find_violators(const TuneSamples *samples, Found *found) {
  double level = 1 - 0.1 / (double)found->n;
  for (size_t k = 0; k < found->n; k++)
    for (size_t j = 0; j < samples->problem->n_constraints && (found->fate[k] == FATE_LEFT || found->fate[k] == FATE_RANKED_OUT); j++) {
      Interval g = samples_mean(samples, found->design[k], 1 + j, level);
      if (g.mean > g.half_width) found->fate[k] = FATE_INFEASIBLE;
    }
}

static void count_fates(const Found *found, TuneOutcome *outcome) {
  outcome->n_designs = found->n;
  for (size_t k = 0; k < found->n; k++) switch (found->fate[k]) {
    case FATE_LEFT: break;
    case FATE_WORSE: outcome->n_worse++; break;
    case FATE_INFEASIBLE: outcome->n_infeasible++; break;
    case FATE_RANKED_OUT: outcome->n_ranked_out++; break;
    case FATE_FAILED: outcome->n_failed++; break;
    }
}

bool tune_run(Tune *tune, TuneOutcome *outcome, Err *err) {
  *outcome = (TuneOutcome){0};
  TuneSamples samples;
  Found found = {0};
  samples_begin(&samples, tune->arena, &tune->tuning_problem, 0);
  bool good = false;
  switch (tune->search) {
  case SEARCH_HALVING: good = search_halving(tune, &samples, &found, outcome, err); break;
  case SEARCH_MODEL: good = search_model(tune, &samples, &found, outcome, err); break;
  case SEARCH_GUARANTEE: good = search_guarantee(tune, &samples, &found, outcome, err); break;
  }
  if (!good) return false;
  if (!outcome->found) find_violators(&samples, &found);
  count_fates(&found, outcome);
  outcome->runs_search = samples.runs;
  return !outcome->found || tune_judge(tune, &samples, found.design, found.fate, found.n, outcome, err);
}
