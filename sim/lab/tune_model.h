/* Model-based search over continuous ranges: no guarantee. A Gaussian process for the objective and one for each constraint (tune_gp.h);
 * the next design is where expected improvement times the probability that all constraints are kept is largest (Jones, Schonlau and Welch,
 * "Efficient global optimization", 1998, eq. (15); the constraints as Schonlau, Welch and Jones, 1998, and Gardner et al., ICML 2014).
 * Candidates are a Sobol set and points around the best; several designs a round are chosen one after the other, each believed to give
 * what the model expects (kriging believer: Ginsbourger, Le Riche and Carraro, 2010). The last part of the budget goes to the most
 * promising designs, by halving. */
#ifndef SIM_LAB_TUNE_MODEL_H
#define SIM_LAB_TUNE_MODEL_H

#include "sim/lab/tune_halving.h"

/* The designs of a search: points of the unit cube, each snapped to one that can be written down. */
typedef struct TuneCube {
  size_t dimensions;    /* <= GP_DIMENSIONS */
  const bool *category; /* [dimensions] */
  /* The number of the design at a point (equal designs have one number); the point is moved to where the design is. */
  size_t (*design_at)(void *context, double *x);
  void *context;
} TuneCube;

typedef struct ModelOptions {
  uint64_t budget;
  uint32_t replications; /* of each design while searching; 0 stands for 4 */
} ModelOptions;

typedef struct ModelResult {
  size_t best;
  bool feasible;
  size_t *design; /* all that were evaluated, in order */
  TuneFate *fate;
  size_t n_designs;
  uint32_t rounds;
} ModelResult;

bool tune_model(TuneSamples *samples, const TuneCube *cube, const ModelOptions *options, ModelResult *result, Err *err);

/* Point k of a low-discrepancy set in the unit cube (Sobol's, of GSL, its first point, the corner, left out). */
void cube_points(double *x, size_t n, size_t dimensions, Arena *arena);

#endif
