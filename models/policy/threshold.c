/* `threshold`: the decision the project was founded on, as one transition table. decide walks the rows from the top: a row applies when
 * the state, the facts that must hold and those that must not agree; it acts, changes the state, and ends the walk unless its action says
 * to go on. `describe policy threshold` prints the same table. */
#include "models/policy/threshold.h"

/* id, text, goes on with the rows below */
#define ACTIONS(X)                                       \
  X(WAIT, "wait", false)                                 \
  X(KEEP, "keep", false)                                 \
  X(SMALL_SCALE, "continue small scale", false)          \
  X(GO_ON, "check data size", true)                      \
  X(CHECK, "check resource_limit", true)                 \
  X(USE_SMALL, "use_small_model()", false)               \
  X(USE_LARGE, "use_large_model()", true)                \
  X(VERTICAL, "scale_vertically()", false)               \
  X(HORIZONTAL, "scale_horizontally()", false)           \
  X(GIVE_BACK, "scale_down()", false)                    \
  X(ADJUST, "Adjust strategy if needed", false)          \
  X(REPORT, "report exhausted", false)

/* The step of the founding table that a row belongs to. */
#define GATES(X)                       \
  X(LOAD, "Evaluate performance")      \
  X(DATA, "Check data size")           \
  X(RESOURCES, "Check resource limit") \
  X(MONITOR, "Monitor & Optimize")

#define NEEDED (FACT_NEED | FACT_SETTLED)

/* state, must hold, must not hold, gate, condition, its result, action, next state. Small letters are states; `any`; `same`: unchanged;
 * `rest`: what is in use then: scaled_vertically with larger requests than at the start, else scaled_horizontally with more replicas,
 * else small_model_running or idle. */
#define TABLE(X)                                                                                                                      \
  X(any, 0, FACT_METRICS, LOAD, "metrics visible", 0, WAIT, same)                                                                     \
  X(optimized, FACT_NEED, FACT_SETTLED, LOAD, "need to scale", 1, WAIT, rest)                                                         \
  X(any, 0, FACT_SETTLED, LOAD, "last action settled", 0, WAIT, same)                                                                 \
  X(any, FACT_SHRANK, 0, DATA, "data_size < threshold", 1, USE_SMALL, small_model_running)                                            \
  X(any, FACT_GREW, 0, DATA, "data_size >= threshold", 1, USE_LARGE, preparing_to_scale)                                              \
  X(any, FACT_GREW, FACT_NEED, LOAD, "need to scale", 0, KEEP, same)                                                                  \
  X(any, NEEDED, 0, LOAD, "need to scale", 1, GO_ON, same)                                                                            \
  X(any, NEEDED | FACT_SMALL_DATA, FACT_SMALL_RUNNING, DATA, "data_size < threshold", 1, USE_SMALL, small_model_running)              \
  X(any, NEEDED, FACT_SMALL_DATA, DATA, "data_size < threshold", 0, CHECK, preparing_to_scale)                                        \
  X(any, NEEDED | FACT_SMALL_DATA, 0, DATA, "small model already running", 1, CHECK, preparing_to_scale)                              \
  X(preparing_to_scale, NEEDED | FACT_LIMIT | FACT_CAN_VERTICAL, 0, RESOURCES, "resource_limit", 1, VERTICAL, scaled_vertically)      \
  X(preparing_to_scale, NEEDED | FACT_CAN_HORIZONTAL, FACT_LIMIT, RESOURCES, "resource_limit", 0, HORIZONTAL, scaled_horizontally)    \
  X(preparing_to_scale, NEEDED | FACT_CAN_HORIZONTAL, 0, RESOURCES, "resource_limit, but no room on the node", 1, HORIZONTAL,         \
    scaled_horizontally)                                                                                                              \
  X(preparing_to_scale, NEEDED | FACT_CAN_VERTICAL, 0, RESOURCES, "no resource_limit, but no replica can be added", 1, VERTICAL,      \
    scaled_vertically)                                                                                                                \
  X(preparing_to_scale, NEEDED, 0, RESOURCES, "both ways blocked", 1, REPORT, exhausted)                                              \
  X(any, FACT_GIVE_BACK, 0, LOAD, "utilisation < scale_down_below", 1, GIVE_BACK, rest)                                               \
  X(idle, 0, 0, LOAD, "need to scale", 0, SMALL_SCALE, idle)                                                                          \
  X(any, FACT_QUIET, 0, MONITOR, "no action for N periods, objective met", 1, ADJUST, optimized)                                      \
  X(exhausted, 0, 0, LOAD, "need to scale", 0, KEEP, rest)                                                                            \
  X(any, 0, 0, LOAD, "need to scale", 0, KEEP, same)

#define ACTION_ENUM(id, text, goes_on) ACTION_##id,
#define ACTION_TEXT(id, text, goes_on) text,
#define ACTION_GOES_ON(id, text, goes_on) goes_on,
typedef enum Action { ACTIONS(ACTION_ENUM) ACTION_COUNT } Action;
static const char *const action_text[] = {ACTIONS(ACTION_TEXT)};
static const bool action_goes_on[] = {ACTIONS(ACTION_GOES_ON)};

#define GATE_ENUM(id, text) GATE_##id,
#define GATE_TEXT(id, text) text,
typedef enum Gate { GATES(GATE_ENUM) GATE_COUNT } Gate;
static const char *const gate_text[] = {GATES(GATE_TEXT)};

/* The names of the table, and what they stand for. */
enum {
  PLACE_any = -1,
  PLACE_same = -2,
  PLACE_rest = -3,
  PLACE_idle = MODEL_STATE_IDLE,
  PLACE_small_model_running = MODEL_STATE_SMALL_MODEL_RUNNING,
  PLACE_preparing_to_scale = MODEL_STATE_PREPARING_TO_SCALE,
  PLACE_scaled_vertically = MODEL_STATE_SCALED_VERTICALLY,
  PLACE_scaled_horizontally = MODEL_STATE_SCALED_HORIZONTALLY,
  PLACE_optimized = MODEL_STATE_OPTIMIZED,
  PLACE_exhausted = MODEL_STATE_EXHAUSTED
};

typedef struct Row {
  int from;
  unsigned must, must_not;
  Gate gate;
  const char *condition;
  int result;
  Action action;
  int to;
} Row;
#define TABLE_ROW(from, must, must_not, gate, condition, result, action, to) \
  {PLACE_##from, must, must_not, GATE_##gate, condition, result, ACTION_##action, PLACE_##to},
static const Row table[] = {TABLE(TABLE_ROW)};
enum { ROWS = sizeof table / sizeof table[0] };

static ModelState rest(const ThresholdState *state, const Observation *observation, const Decision *decision) {
  if (decision->request_millicores > observation->initial_millicores) return MODEL_STATE_SCALED_VERTICALLY;
  if (decision->replicas > state->initial_replicas) return MODEL_STATE_SCALED_HORIZONTALLY;
  if (decision->variant == 0 && observation->variants > 1) return MODEL_STATE_SMALL_MODEL_RUNNING;
  return MODEL_STATE_IDLE;
}

static bool act(Action action, ThresholdState *state, const ThresholdView *view, Decision *decision) {
  switch (action) {
  case ACTION_USE_SMALL:
    decision->variant = 0;
    state->shrank = false;
    return true;
  case ACTION_USE_LARGE:
    decision->variant = state->large;
    state->grew = false;
    return true;
  case ACTION_VERTICAL: decision->request_millicores = view->vertical_millicores; return true;
  case ACTION_HORIZONTAL: decision->replicas = view->horizontal_replicas; return true;
  case ACTION_GIVE_BACK:
    decision->replicas = view->fewer_replicas;
    decision->request_millicores = view->smaller_millicores;
    return true;
  case ACTION_WAIT:
  case ACTION_KEEP:
  case ACTION_SMALL_SCALE:
  case ACTION_GO_ON:
  case ACTION_CHECK:
  case ACTION_ADJUST:
  case ACTION_REPORT:
  case ACTION_COUNT: break;
  }
  return false;
}

static bool applies(const Row *row, ModelState model_state, unsigned facts) {
  return (row->from == PLACE_any || row->from == (int)model_state) && (facts & row->must) == row->must && !(facts & row->must_not);
}

/* The two sides of a row's condition. */
static void record(const Threshold *threshold, const ThresholdState *state, const Observation *observation, const ThresholdView *view,
                   const Row *row, ModelState after, Decision *decision) {
  const double none = __builtin_nan("");
  double value = none, limit = none;
  switch (row->gate) {
  case GATE_LOAD:
    value = observation->has_metrics ? observation->utilisation_ratio : none;
    limit = row->action == ACTION_GIVE_BACK ? threshold->scale_down_below_ratio : threshold->scale_up_above_ratio;
    if ((view->facts & FACT_NEED) && value <= threshold->scale_up_above_ratio) /* then it is the objective that is missed */
      value = observation->attainment_ratio, limit = observation->objective_attainment_ratio;
    break;
  case GATE_DATA: value = view->data_size_bytes, limit = state->data_edge_bytes; break;
  case GATE_RESOURCES:
    if (threshold->resource_limit.source != LIMIT_STOCK_OUT) value = (double)observation->pool_nodes, limit = (double)observation->pool_max_nodes;
    break;
  case GATE_MONITOR: value = (double)state->quiet, limit = (double)threshold->optimized_after; break;
  case GATE_COUNT: return;
  }
  decision_step(decision, gate_text[row->gate], row->condition, row->result, action_text[row->action], after, value, limit);
}

/* One pass over the table; true if something was done. */
static bool walk(const Threshold *threshold, ThresholdState *state, const Observation *observation, const ThresholdView *view,
                 Decision *decision) {
  bool acted = false;
  for (size_t k = 0; k < ROWS; k++) {
    const Row *row = &table[k];
    if (!applies(row, state->model_state, view->facts)) continue;
    bool did = act(row->action, state, view, decision);
    acted = acted || did;
    if (row->to == PLACE_rest) state->model_state = rest(state, observation, decision);
    else if (row->to != PLACE_same) state->model_state = (ModelState)row->to;
    record(threshold, state, observation, view, row, state->model_state, decision);
    if (did || !acted) decision->reason = action_goes_on[row->action] && !did ? row->condition : action_text[row->action];
    if (row->action == ACTION_WAIT) decision->reason = view->facts & FACT_METRICS ? "the last action settles" : "no metrics";
    if (!action_goes_on[row->action]) break;
  }
  return acted;
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Threshold *threshold = params;
  ThresholdState *remembered = state;
  if (remembered->model_state == MODEL_STATE_NONE) remembered->model_state = MODEL_STATE_IDLE;
  ThresholdView view = threshold_look(threshold, remembered, observation);
  if (walk(threshold, remembered, observation, &view, decision)) {
    remembered->acted = true;
    remembered->acted_ns = observation->now_ns;
    remembered->quiet = 0;
    remembered->below = false;
  }
  if (observation->has_metrics) decision->metric = observation->utilisation_ratio;
  decision->target = threshold->target_ratio;
  decision->raw_replicas = (double)view.horizontal_replicas;
  bool known = observation->has_metrics || threshold->data_size.source == DATA_SERIES;
  decision->data_size_bytes = known ? view.data_size_bytes : __builtin_nan("");
  decision->resource_limit = (view.facts & FACT_LIMIT) != 0;
  decision->model_state = remembered->model_state;
}

#define RESULT_0 "no"
#define RESULT_1 "yes"
#define DESCRIBE_WAIT "wait"
#define DESCRIBE_KEEP "keep"
#define DESCRIBE_SMALL_SCALE "continue small scale"
#define DESCRIBE_GO_ON "check data size, go on"
#define DESCRIBE_CHECK "check resource_limit, go on"
#define DESCRIBE_USE_SMALL "use_small_model()"
#define DESCRIBE_USE_LARGE "use_large_model(), go on"
#define DESCRIBE_VERTICAL "scale_vertically()"
#define DESCRIBE_HORIZONTAL "scale_horizontally()"
#define DESCRIBE_GIVE_BACK "scale_down()"
#define DESCRIBE_ADJUST "Adjust strategy if needed"
#define DESCRIBE_REPORT "report exhausted"
#define TABLE_TEXT(from, must, must_not, gate, condition, result, action, to) \
  #from " | " condition ": " RESULT_##result " | " DESCRIBE_##action " | " #to "\n"

extern const Policy policy_threshold;
const Policy policy_threshold = {
    .model = {.kind = MODEL_POLICY,
              .name = "threshold",
              .summary = "the founding rule: small model, or up on the node, or out to more nodes",
              .rule = "Rows are tried from the top; the first that applies acts and ends the look, unless it says `go on`.\n"
                      "state | condition: result | action | next state\n" TABLE(TABLE_TEXT)
                      "need to scale: utilisation > scale_up_above, or attainment below the objective.\n"
                      "scale_horizontally(): ready x utilisation / target replicas, one more at least, as far as they can be placed.\n"
                      "scale_vertically(): request x utilisation / target, least_step more at least, up to the cap.\n"
                      "scale_down(): utilisation < scale_down_below for scale_down_after: fewer replicas first, then smaller ones.\n"
                      "Where both ways of a gate could be taken, resource_limit decides; where its way is blocked, the other is taken.\n"
                      "rest: what is in use then: scaled_vertically, scaled_horizontally, small_model_running or idle.",
              .evidence = "from the founding decision, 22 hand-computed runs in tests/unit/test_threshold.c",
              .params = &threshold_type},
    .state_bytes = sizeof(ThresholdState),
    .resizes = true,
    .decide = decide,
};
