/* Pages of `headroom describe`; see reference.h. */
#include "sim/lab/reference.h"

#include <string.h>

#include "sim/lab/catalogue.h"
#include "sim/lab/decode_parts.h"
#include "sim/lab/metric_map.h"
#include "sim/lab/trace_format.h"
#include "sim/run/scenario_graph.h"

enum { TOPICS_MOST = 256, INDENT = 4 };

static void line(Text *out, int indent, const char *text) { text_addf(out, "%*s%s\n", indent, "", text); }

/* ---- fields ---- */

static const char *kind_words(FieldKind kind) {
  static const char *const words[FIELD_KINDS] = {
      [FIELD_DURATION] = "duration",
      [FIELD_BYTES] = "bytes",
      [FIELD_CPU] = "CPU cores",
      [FIELD_GPU] = "GPUs",
      [FIELD_QUANTITY] = "quantity",
      [FIELD_METRIC] = "metric",
      [FIELD_POINTER] = "map of keys",
      [FIELD_RATIO] = "ratio",
      [FIELD_RATE] = "rate",
      [FIELD_USD_PER_H] = "price per hour",
      [FIELD_USD] = "amount in USD",
      [FIELD_NUMBER] = "number",
      [FIELD_INTEGER] = "whole number",
      [FIELD_FLAG] = "true or false",
      [FIELD_TEXT] = "text",
      [FIELD_FILE] = "file",
      [FIELD_CHOICE] = "one of",
      [FIELD_DISTRIBUTION] = "number, or a distribution",
      [FIELD_DURATION_DISTRIBUTION] = "duration, or a distribution of durations",
      [FIELD_BYTES_DISTRIBUTION] = "bytes, or a distribution of bytes",
      [FIELD_OBJECT] = "map of keys",
      [FIELD_LIST] = "list",
      [FIELD_MAP] = "map of names",
      [FIELD_MODEL] = "model",
  };
  return words[kind];
}

static bool has_bounds(const Field *field) {
  FieldKind kind = quantity_kind(field->kind);
  bool quantity = kind <= FIELD_INTEGER;
  return quantity && (field->min != 0 || field->max != 0);
}

static bool is_list_of_scalars(const Field *field) {
  return field->kind == FIELD_LIST && field->sub->n_fields == 1 && !field->sub->field[0].name[0];
}

static void field_kind(Text *out, const Field *field) {
  if (is_list_of_scalars(field)) {
    const Field *item = &field->sub->field[0];
    text_addf(out, "%s", kind_words(item->kind));
    for (size_t k = 0; item->kind == FIELD_CHOICE && item->choices[k]; k++) text_addf(out, "%s%s", k ? ", " : " ", item->choices[k]);
    text_addf(out, ", or a list of such%s", field->need == REQUIRED ? "; required" : "");
    return;
  }
  text_addf(out, "%s", kind_words(field->kind));
  if (field->kind == FIELD_CHOICE)
    for (size_t k = 0; field->choices[k]; k++) text_addf(out, "%s%s", k ? ", " : " ", field->choices[k]);
  if (field->kind == FIELD_MODEL) text_addf(out, ": %s", model_kind_name(field->model_kind));
  if (field->sub) text_addf(out, " (%s)", field->sub->name[0] ? field->sub->name : field->sub->help);
  if (has_bounds(field)) text_addf(out, ", %s", range_text(field->kind, field->min, field->max, out->arena));
  if (field->need == REQUIRED) text_addf(out, "; required");
  else if (field->default_text) text_addf(out, "; default %s", field->default_text[0] ? field->default_text : "empty");
}

static size_t name_width(const Type *type) {
  size_t width = 0;
  for (size_t k = 0; k < type->n_fields; k++) {
    size_t n = strlen(type->field[k].name);
    if (n > width) width = n;
  }
  return width;
}

void reference_type(Text *out, const Type *type, bool nested, int indent) {
  int width = (int)name_width(type);
  for (size_t k = 0; k < type->n_fields; k++) {
    const Field *field = &type->field[k];
    text_addf(out, "%*s%-*s  ", indent, "", width, field->name);
    field_kind(out, field);
    text_addf(out, "\n%*s%s", indent + width + 2, "", field->help);
    if (field->source[0]) text_addf(out, " [%s]", field->source);
    text_addf(out, "\n");
    if (nested && field->sub && !is_list_of_scalars(field)) reference_type(out, field->sub, true, indent + INDENT);
  }
}

/* ---- models ---- */

static void paragraph(Text *out, int indent, const char *text) {
  for (const char *at = text; at && *at;) {
    size_t length = strcspn(at, "\n");
    text_addf(out, "%*s%.*s\n", indent, "", (int)length, at);
    at += length + (at[length] == '\n');
  }
}

void reference_model(Text *out, const Model *model) {
  text_addf(out, "%s %s: %s\n", model_kind_name(model->kind), model->name, model->summary);
  if (model->alias) text_addf(out, "also called %s\n", model->alias);
  if (model->rule && model->rule[0]) {
    text_addf(out, "\nRule\n");
    paragraph(out, 2, model->rule);
  }
  text_addf(out, "\nParameters\n");
  if (model->params->n_fields == 0) line(out, 2, "none");
  reference_type(out, model->params, true, 2);
  if (model->evidence && model->evidence[0]) {
    text_addf(out, "\nEvidence\n");
    paragraph(out, 2, model->evidence);
  }
}

static void models_page(Text *out, ModelKind kind) {
  const ModelTable *table = &model_registry[kind];
  size_t width = 0;
  for (size_t k = 0; k < table->count; k++) {
    size_t n = strlen(table->model[k]->name);
    if (n > width) width = n;
  }
  for (size_t k = 0; k < table->count; k++) {
    const Model *model = table->model[k];
    text_addf(out, "  %-*s  %s", (int)width, model->name, model->summary);
    if (model->alias) text_addf(out, " (alias %s)", model->alias);
    text_addf(out, "\n");
  }
}

/* ---- other pages ---- */

static void distribution_page(Text *out) {
  size_t count;
  const LawForm *form = law_forms(&count);
  text_addf(out, "A distribution is a plain quantity (a constant), or one of these; a quantity has the unit of its key.\n\n");
  for (size_t f = 0; f < count; f++) {
    text_addf(out, "  {%s: {", form[f].kind);
    for (size_t k = 0; k < form[f].n_keys; k++) {
      const LawKey *key = &form[f].key[k];
      text_addf(out, "%s%s: ", k ? ", " : "", key->name);
      if (!form[f].make) text_addf(out, "[[value, cumulative], ..., [value, 1]]");
      else if (key->quantity) text_addf(out, "quantity");
      else text_addf(out, "number %s", range_text(FIELD_NUMBER, key->min, key->max, out->arena));
    }
    text_addf(out, "}}\n");
  }
  text_addf(out, "\nA time may also be what is moved over a bandwidth, as a container image and a model's weights at a cold start: (image + weights) / bandwidth + init.\n\n"
                 "  {image: bytes, weights: bytes, bandwidth: bytes/s, init: duration}; only bandwidth is required\n");
}

static void units_page(Text *out) {
  static const char page[] =
      "Units are written as Kubernetes and Go write them; a unit that is missing or unknown is an error.\n\n"
      "  duration        250ms, 95s, 5m, 1h30m, 7d, 2w; ns us ms s m h d w; 0 needs none\n"
      "  bytes           16Gi (2^30), 10G (10^9), 512Mi, 1e9; not 10GB\n"
      "  CPU cores       4, 1.5, 500m\n"
      "  GPUs            1, 8, 250m (a quarter of one)\n"
      "  ratio           0.7 or 70%\n"
      "  rate            40/s, 12/m, 3/h, 1.5k/s\n"
      "  price per hour  $0.526/h\n"
      "  amount in USD   $100\n"
      "  number          12, 1e6, 2.5k\n"
      "  file            relative to the scenario's folder; ${HEADROOM_DATA}/... at the folder of real data\n";
  text_add(out, page, sizeof page - 1);
}

static void machine_row(Text *out, const CatalogueEntry *entry, int width) {
  Resources r = {entry->cpu_millicores, entry->memory_bytes, entry->gpu_milligpus};
  text_addf(out, "  %-*s  %5.5g  %8.5g  %3.3g  %9.5g  %s%s%s\n", width, entry->key, (double)r.millicores / 1e3,
            (double)r.bytes / (double)(1 << 30), (double)r.milligpus / 1e3, (double)entry->price_nano_usd_per_h / 1e9, entry->gpu_model,
            entry->gpu_model[0] ? ", " : "", entry->date);
}

static bool catalogue_page(Text *out, Err *err) {
  Catalogue catalogue;
  const CatalogueEntry *entry;
  if (!catalogue_load(&catalogue, &entry, out->arena, err)) return false;
  size_t width = 0;
  for (size_t k = 0; k < catalogue.count; k++)
    if (strlen(entry[k].key) > width) width = strlen(entry[k].key);
  text_addf(out, "Machines for `machine:` of a pool (configs/catalog/nodes.yaml has the sources)\n\n");
  text_addf(out, "  %-*s  %5s  %8s  %3s  %9s\n", (int)width, "name", "cores", "GiB", "GPU", "USD/h");
  for (size_t k = 0; k < catalogue.count; k++) machine_row(out, &entry[k], (int)width);
  return true;
}

/* ---- topics ---- */

static const Type *type_named(const Type *type, const char *name) {
  if (text_equal(type->name, name)) return type;
  for (size_t k = 0; k < type->n_fields; k++) {
    const Type *found = type->field[k].sub ? type_named(type->field[k].sub, name) : NULL;
    if (found) return found;
  }
  return NULL;
}

static size_t add_types(const Type *type, const char **topic, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (text_equal(topic[k], type->name)) return n;
  if (n < TOPICS_MOST) topic[n++] = type->name;
  for (size_t k = 0; k < type->n_fields; k++)
    if (type->field[k].sub) n = add_types(type->field[k].sub, topic, n);
  return n;
}

/* The word for a category: "node-policy" for "node policy". */
static const char *kind_topic(ModelKind kind) { return kind == MODEL_NODE_POLICY ? "node-policy" : model_kind_name(kind); }

static int kind_named(const char *word) {
  if (text_equal(word, "nodes")) return MODEL_NODE_POLICY; /* as the key of a strategy is called */
  for (int kind = 0; kind < MODEL_KINDS; kind++)
    if (text_equal(word, kind_topic((ModelKind)kind)) || text_equal(word, model_kind_name((ModelKind)kind))) return kind;
  return -1;
}

static void topics_page(Text *out) {
  const char *topic[TOPICS_MOST];
  size_t n = add_types(&scenario_type, topic, 0);
  text_addf(out, "headroom describe TOPIC\n\nKeys of a scenario file, from the top\n ");
  for (size_t k = 0; k < n; k++) text_addf(out, " %s", topic[k]);
  text_addf(out, "\n\nOther pages\n  distribution units meters trace catalog columns schema\n");
  for (int kind = 0; kind < MODEL_KINDS; kind++) {
    text_addf(out, "\nModels: %s NAME\n", kind_topic((ModelKind)kind));
    models_page(out, (ModelKind)kind);
  }
}

static bool unknown_topic(const char *word, Arena *arena, Err *err) {
  const char *topic[TOPICS_MOST * 2];
  size_t n = add_types(&scenario_type, topic, 0);
  static const char *const others[] = {"distribution", "units", "meters", "trace", "catalog", "columns", "schema"};
  for (size_t k = 0; k < sizeof others / sizeof *others; k++) topic[n++] = others[k];
  for (int kind = 0; kind < MODEL_KINDS; kind++) {
    topic[n++] = kind_topic((ModelKind)kind);
    for (size_t k = 0; k < model_registry[kind].count && n < TOPICS_MOST * 2 - MODEL_KINDS; k++) topic[n++] = model_registry[kind].model[k]->name;
  }
  const char *nearest = text_nearest(word, topic, n);
  return err_add(err, ERR_USAGE, "no page `%.60s`%s", word,
                 nearest ? arena_format(arena, "; did you mean `%s`?", nearest) : "; `headroom describe` lists them");
}

static bool model_page(Text *out, ModelKind kind, const char *name, Err *err) {
  const Model *model = model_find(kind, name);
  if (model) {
    reference_model(out, model);
    return true;
  }
  const ModelTable *table = &model_registry[kind];
  const char **names = ARENA_ARRAY(out->arena, const char *, table->count);
  for (size_t k = 0; k < table->count; k++) names[k] = table->model[k]->name;
  return err_add(err, ERR_USAGE, "no %s `%.60s`%s", model_kind_name(kind), name, names_hint(name, names, table->count, out->arena));
}

static void trace_page(Text *out) {
  text_addf(out, "A trace file is told by its columns; `workload replay` plays it, `headroom describe trace FILE` says what it is like.\n"
                 "Where the columns have other names, these keys name them:\n\n");
  reference_type(out, &trace_file_type, false, 2);
  text_addf(out, "\nFormats\n");
  trace_formats_page(out);
}

static bool word_page(Text *out, const char *word, Err *err) {
  if (text_equal(word, "distribution")) distribution_page(out);
  else if (text_equal(word, "units")) units_page(out);
  else if (text_equal(word, "columns")) reference_columns(out);
  else if (text_equal(word, "meters")) metric_reference(out);
  else if (text_equal(word, "schema")) reference_schema(out);
  else if (text_equal(word, "trace")) trace_page(out);
  else if (text_equal(word, "catalog") || text_equal(word, "catalogue")) return catalogue_page(out, err);
  else if (kind_named(word) >= 0) models_page(out, (ModelKind)kind_named(word));
  else {
    const Type *type = type_named(&scenario_type, word);
    if (type) {
      text_addf(out, "%s: %s\n\n", type->name, type->help);
      reference_type(out, type, false, 2);
      return true;
    }
    for (int kind = 0; kind < MODEL_KINDS; kind++)
      if (model_find((ModelKind)kind, word)) return model_page(out, (ModelKind)kind, word, err);
    return unknown_topic(word, out->arena, err);
  }
  return true;
}

bool reference_page(Text *out, const char *const *word, size_t n_words, Err *err) {
  if (n_words == 0) {
    topics_page(out);
    return true;
  }
  if (n_words == 1) {
    int kind = kind_named(word[0]);
    const Type *type = type_named(&scenario_type, word[0]);
    /* `workload` is both a key of a deployment and a category. */
    if (kind >= 0 && type) {
      text_addf(out, "%s: %s\n\n", type->name, type->help);
      reference_type(out, type, false, 2);
      text_addf(out, "\nModels: %s NAME\n", kind_topic((ModelKind)kind));
    }
    return word_page(out, word[0], err);
  }
  int kind = kind_named(word[0]);
  if (kind < 0 && n_words == 3) { /* node policy NAME */
    kind = kind_named(arena_format(out->arena, "%s %s", word[0], word[1]));
    word++;
  }
  if (kind < 0) return unknown_topic(word[0], out->arena, err);
  return model_page(out, (ModelKind)kind, word[1], err);
}
