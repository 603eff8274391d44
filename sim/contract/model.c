/* Looking models up: by category and name or alias, in the const registry that models/registry.c gives at link time. */
#include "sim/base/text.h"
#include "sim/contract/type.h"

const Type no_params_type = {.name = "none", .help = "no parameters", .size = 1};

const Model *model_find(ModelKind kind, const char *name) {
  const ModelTable *table = &model_registry[kind];
  for (size_t k = 0; k < table->count; k++) {
    const Model *model = table->model[k];
    if (text_equal(model->name, name) || (model->alias && text_equal(model->alias, name))) return model;
  }
  return NULL;
}

const char *model_kind_name(ModelKind kind) {
  switch (kind) {
  case MODEL_POLICY: return "policy";
  case MODEL_NODE_POLICY: return "node policy";
  case MODEL_WORKLOAD: return "workload";
  case MODEL_SERVICE: return "service";
  case MODEL_SPEED: return "speed";
  case MODEL_RATE: return "rate";
  case MODEL_TRAINING: return "discipline";
  case MODEL_THROUGHPUT: return "throughput";
  }
  return "";
}
