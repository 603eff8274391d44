/* What policies and the controller share: the empty decision, the steps of the founding table, and the names of its states. */
#include "sim/contract/policy.h"

void decision_begin(Decision *decision, const Observation *observation) {
  const double none = __builtin_nan("");
  *decision = (Decision){.replicas = observation->replicas,
                         .request_millicores = observation->request_millicores,
                         .request_bytes = observation->request_bytes,
                         .request_milligpus = observation->request_milligpus,
                         .variant = observation->variant,
                         .metric = none,
                         .target = none,
                         .raw_replicas = none,
                         .after_tolerance = none,
                         .stabilised = none,
                         .rate_limited = none,
                         .data_size_bytes = none,
                         .resource_limit = -1,
                         .model_state = MODEL_STATE_NONE,
                         .reason = ""};
}

void decision_step(Decision *decision, const char *step, const char *condition, int result, const char *action, ModelState state,
                   double value, double threshold) {
  if (decision->n_steps >= DECISION_STEPS) return;
  decision->step[decision->n_steps++] = (DecisionStep){step, condition, result, action, state, value, threshold};
}

#define STATE_NAME(id, name, words) name,
#define STATE_WORDS(id, name, words) words,

const char *model_state_name(ModelState state) {
  static const char *const names[] = {MODEL_STATES(STATE_NAME)};
  return (unsigned)state < MODEL_STATE_COUNT ? names[state] : "";
}

const char *model_state_words(ModelState state) {
  static const char *const words[] = {MODEL_STATES(STATE_WORDS)};
  return (unsigned)state < MODEL_STATE_COUNT ? words[state] : "";
}
