/* `steps`: the rate is multiplied by a factor given over time, constant between points or linear. Here the factor is what it says (it need
 * not have mean 1): the rate of the arrivals is the rate at factor 1. The integral is piecewise linear or quadratic and inverted exactly;
 * at each point it is rounded to ns, so that pieces join in integers. */
#include <stdio.h>

#include "sim/contract/workload.h"
#include "sim/core/time.h"

#define POINT_FIELDS(F, C, O, L, M, R, P)                                                  \
  F(duration, at, NULL, 0, 3.2e9, REQUIRED, "from when on", "")                         \
  F(number, factor, NULL, 0, 1e6, REQUIRED, "rate = this times the rate of the arrivals", "")
typedef struct Point { FIELD_MEMBERS(POINT_FIELDS) } Point;
#define ROW_STRUCT Point
static const Field point_fields[] = {FIELD_ROWS(POINT_FIELDS)};
#undef ROW_STRUCT
static const Type point_type = FIELD_TYPE("point", "a factor from an instant on", Point, point_fields, NULL);

typedef enum Interpolate { INTERPOLATE_STEP, INTERPOLATE_LINEAR } Interpolate;
static const char *const interpolate_names[] = {"step", "linear", NULL};

#define STEPS_FIELDS(F, C, O, L, M, R, P)                                                                                  \
  L(points, Point, &point_type, REQUIRED, "instants, ascending, and the factor from there on; the first holds before it, too") \
  C(interpolate, interpolate_names, "step", "between two points: the first one's factor, or a straight line", "")
typedef struct Steps { FIELD_MEMBERS(STEPS_FIELDS) } Steps;
#define ROW_STRUCT Steps
static const Field steps_fields[] = {FIELD_ROWS(STEPS_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Steps *steps = value;
  if (steps->points.count == 0) return err_at(err, "points", "needs at least one point");
  bool ok = true;
  for (size_t k = 1; k < steps->points.count; k++) {
    if (LIST_AT(steps->points, Point, k)->at_ns > LIST_AT(steps->points, Point, k - 1)->at_ns) continue;
    char path[48];
    snprintf(path, sizeof path, "points[%zu].at", k);
    ok = err_at(err, path, "must be later than the point before it");
  }
  return ok;
}

static const Type steps_type = FIELD_TYPE("steps", "a factor over time", Steps, steps_fields, check);

/* A piece [start, end) of real time that covers [done, done + rise) of operational time. */
typedef struct StepsState {
  size_t next; /* the point at the piece's end */
  int64_t start_ns, end_ns, done_ns, rise_ns;
  double first, last; /* factors at both ends */
  int64_t last_ns;    /* results never go back */
} StepsState;

#define LAST_NS (INT64_C(1) << 62)

static void piece_set(const Steps *steps, StepsState *piece, int64_t start_ns, size_t next) {
  const List *points = &steps->points;
  const Point *from = LIST_AT(*points, Point, next ? next - 1 : 0);
  const Point *to = next < points->count ? LIST_AT(*points, Point, next) : NULL;
  bool linear = steps->interpolate == INTERPOLATE_LINEAR && next > 0 && to;
  piece->next = next;
  piece->start_ns = start_ns;
  piece->end_ns = to ? to->at_ns : LAST_NS;
  piece->first = from->factor;
  const Point *last = linear ? to : from;
  piece->last = last->factor;
  piece->rise_ns = ns_from_double((piece->first + piece->last) / 2 * (double)(piece->end_ns - start_ns));
  if (!to) piece->rise_ns = LAST_NS;
}

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  StepsState *piece = state;
  (void)context, (void)arena;
  *piece = (StepsState){.done_ns = 0};
  piece_set(params, piece, 0, 0);
}

/* The real time after `work` of a piece: work = first t + (last - first) t^2 / (2 length), solved without cancellation. */
static int64_t piece_inverse(const StepsState *piece, int64_t work_ns) {
  double work = (double)work_ns, length = (double)(piece->end_ns - piece->start_ns), first = piece->first;
  double bend = (piece->last - first) / length, inside = first * first + 2 * bend * work;
  double below = first + __builtin_sqrt(inside > 0 ? inside : 0);
  int64_t after_ns = below > 0 ? ns_from_double(2 * work / below) : 0;
  if (!(below > 0) && work_ns > 0) return piece->end_ns;
  return after_ns < piece->end_ns - piece->start_ns ? piece->start_ns + after_ns : piece->end_ns;
}

static void warp(const void *params, void *state, const WorkloadContext *context, int64_t *instant_ns, size_t n) {
  const Steps *steps = params;
  StepsState *piece = state;
  (void)context;
  for (size_t k = 0; k < n; k++) {
    while (piece->next < steps->points.count && instant_ns[k] - piece->done_ns >= piece->rise_ns) {
      piece->done_ns += piece->rise_ns;
      piece_set(steps, piece, piece->end_ns, piece->next + 1);
    }
    int64_t real_ns = piece_inverse(piece, instant_ns[k] - piece->done_ns);
    if (real_ns < piece->last_ns) real_ns = piece->last_ns;
    instant_ns[k] = piece->last_ns = real_ns;
  }
}

extern const RateModel rate_steps;
const RateModel rate_steps = {
    .model = {.kind = MODEL_RATE,
              .name = "steps",
              .alias = "ramp",
              .summary = "a factor on the rate over time: steps, or straight lines between points",
              .rule = "rate(t) = factor(t) x the rate of the arrivals. Before the first point its factor holds, after the last one the last.\n"
                      "The factor is not brought to mean 1.",
              .evidence = "counts against the integral by hand, tests/unit/test_workloads.c",
              .params = &steps_type},
    .state_bytes = sizeof(StepsState),
    .begin = begin,
    .warp = warp,
};
