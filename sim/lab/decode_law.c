/* Laws: a plain quantity, or {kind: {parameters}} by what users know (mean and cv, median and p95 ...). The forms are one table, for the
 * decoder and the reference pages alike. */
#include <string.h>

#include "sim/lab/decode_parts.h"
#include "sim/run/scenario_graph.h"

static Distribution make_constant(const double *x) { return distribution_constant(x[0]); }
static Distribution make_exponential(const double *x) { return distribution_exponential(x[0]); }
static Distribution make_uniform(const double *x) { return (Distribution){.kind = DISTRIBUTION_UNIFORM, .a = x[0], .b = x[1]}; }

/* cv 0 is a constant; the laws' own parameters would be infinite. */
static Distribution make_lognormal(const double *x) {
  return x[1] > 0 ? distribution_lognormal_mean_cv(x[0], x[1]) : distribution_constant(x[0]);
}
/* mean = median * exp(s^2 / 2) and cv^2 = exp(s^2) - 1. */
static Distribution make_lognormal_median(const double *x) {
  const double mean_and_cv[2] = {x[0] * __builtin_sqrt(1 + x[1] * x[1]), x[1]};
  return make_lognormal(mean_and_cv);
}
static Distribution make_lognormal_p95(const double *x) { return distribution_lognormal_median_quantile(x[0], 0.95, x[1]); }
static Distribution make_lognormal_p99(const double *x) { return distribution_lognormal_median_quantile(x[0], 0.99, x[1]); }
static Distribution make_gamma(const double *x) { return x[1] > 0 ? distribution_gamma_mean_cv(x[0], x[1]) : distribution_constant(x[0]); }
static Distribution make_erlang(const double *x) { return distribution_gamma_mean_cv(x[0], 1 / __builtin_sqrt(x[1])); }
static Distribution make_weibull(const double *x) { return distribution_weibull_mean_cv(x[0], x[1]); }
static Distribution make_pareto(const double *x) { return (Distribution){.kind = DISTRIBUTION_PARETO, .a = x[0], .b = x[1], .c = x[2]}; }
static Distribution make_hyperexponential(const double *x) { return distribution_hyperexponential_mean_cv(x[0], x[1]); }

#define QUANTITY(name_) {.name = name_, .quantity = true}
#define PLAIN(name_, low, high) {.name = name_, .min = low, .max = high}

static const LawForm forms[] = {
    {"constant", {QUANTITY("value")}, 1, make_constant},
    {"exponential", {QUANTITY("mean")}, 1, make_exponential},
    {"uniform", {QUANTITY("low"), QUANTITY("high")}, 2, make_uniform},
    {"lognormal", {QUANTITY("mean"), PLAIN("cv", 0, 100)}, 2, make_lognormal},
    {"lognormal", {QUANTITY("median"), PLAIN("cv", 0, 100)}, 2, make_lognormal_median},
    {"lognormal", {QUANTITY("median"), QUANTITY("p95")}, 2, make_lognormal_p95},
    {"lognormal", {QUANTITY("median"), QUANTITY("p99")}, 2, make_lognormal_p99},
    {"gamma", {QUANTITY("mean"), PLAIN("cv", 0, 100)}, 2, make_gamma},
    {"erlang", {QUANTITY("mean"), PLAIN("stages", 1, 1000)}, 2, make_erlang},
    {"weibull", {QUANTITY("mean"), PLAIN("cv", 0.05, 20)}, 2, make_weibull},
    {"pareto", {PLAIN("alpha", 0.01, 100), QUANTITY("low"), QUANTITY("high")}, 3, make_pareto},
    {"hyperexponential", {QUANTITY("mean"), PLAIN("cv", 1, 100)}, 2, make_hyperexponential},
    {"empirical", {{.name = "points"}}, 1, NULL},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

const LawForm *law_forms(size_t *count) {
  *count = FORMS;
  return forms;
}

/* ---- reading ---- */

static bool law_number(Decoder *decoder, const Field *field, const LawKey *key, const Yaml *node, double *value) {
  FieldKind kind = key->quantity ? quantity_kind(field->kind) : FIELD_NUMBER;
  const char *why;
  if (yaml_is_null(node) || node->kind != YAML_SCALAR)
    return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` must be a %s, there is %s", key->name,
                      key->quantity ? "quantity" : "number", yaml_kind_words(node));
  if (!parse_quantity(kind, node->text, value, &why))
    return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is `%.60s`: %s", key->name, node->text, why);
  bool within = key->quantity ? *value >= 0 : *value >= key->min && *value <= key->max;
  if (within) return true;
  return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is %.60s; it must %s", key->name, node->text,
                    key->quantity ? "not be negative" : arena_format(decoder->arena, "be %s", range_text(kind, key->min, key->max, decoder->arena)));
}

/* Locates what distribution_prepare says, and holds the mean against the field's bounds. */
static bool law_finish(Decoder *decoder, const Field *field, YamlMark mark, Distribution *law) {
  size_t first = decoder->err->count;
  if (!distribution_prepare(law, decoder->arena, decoder->err)) {
    for (size_t k = first; k < decoder->err->count && k < ERR_ITEMS; k++) yaml_locate(&decoder->err->item[k], mark);
    return false;
  }
  double mean = distribution_mean(law) / kind_scale(field->kind);
  if (mean >= field->min && mean <= field->max) return true;
  return yaml_error(decoder->err, ERR_SCENARIO, mark, "the mean of `%s` must be %s", field->name,
                    range_text(field->kind, field->min, field->max, decoder->arena));
}

static bool form_fits(const LawForm *form, const Yaml *map) {
  if (map->count != form->n_keys) return false;
  for (size_t k = 0; k < form->n_keys; k++)
    if (!yaml_entry(map, form->key[k].name)) return false;
  return true;
}

/* "{mean, cv}, {median, cv} or {median, p95}" */
static const char *forms_of(const char *kind, Arena *arena) {
  Text text = {.arena = arena};
  size_t left = 0;
  for (size_t f = 0; f < FORMS; f++) left += text_equal(forms[f].kind, kind);
  for (size_t f = 0; f < FORMS; f++) {
    if (!text_equal(forms[f].kind, kind)) continue;
    left--;
    text_add(&text, "{", 1);
    for (size_t k = 0; k < forms[f].n_keys; k++) text_addf(&text, "%s%s", k ? ", " : "", forms[f].key[k].name);
    text_addf(&text, "}%s", left > 1 ? ", " : left == 1 ? " or " : "");
  }
  return text.bytes;
}

static bool decode_points(Decoder *decoder, const Field *field, const Yaml *list, YamlMark mark, Distribution *law) {
  static const LawKey keys[2] = {QUANTITY("value"), PLAIN("cumulative", 0, 1)};
  if (list->kind != YAML_LIST || list->count == 0)
    return yaml_error(decoder->err, ERR_SCENARIO, mark, "`points` is a list of [value, cumulative], the last cumulative 1");
  DistributionPoint *points = ARENA_ARRAY(decoder->arena, DistributionPoint, list->count);
  for (size_t k = 0; k < list->count; k++) {
    const Yaml *pair = list->entry[k].value;
    if (pair->kind != YAML_LIST || pair->count != 2)
      return yaml_error(decoder->err, ERR_SCENARIO, pair->mark, "a point is [value, cumulative]");
    if (!law_number(decoder, field, &keys[0], pair->entry[0].value, &points[k].value)) return false;
    if (!law_number(decoder, field, &keys[1], pair->entry[1].value, &points[k].cumulative)) return false;
  }
  *law = (Distribution){.kind = DISTRIBUTION_EMPIRICAL, .points = points, .n_points = list->count};
  return law_finish(decoder, field, mark, law);
}

static bool wrong_keys(Decoder *decoder, const char *kind, const Yaml *params, YamlMark mark) {
  return yaml_error(decoder->err, ERR_SCENARIO, params->count ? params->entry[0].mark : mark, "`%.60s` is written with %s", kind,
                    forms_of(kind, decoder->arena));
}

static bool law_of_form(Decoder *decoder, const Field *field, const LawForm *form, const Yaml *params, YamlMark mark, Distribution *law) {
  double value[LAW_KEYS] = {0};
  if (!form->make) return decode_points(decoder, field, yaml_entry(params, "points")->value, mark, law);
  bool good = true;
  for (size_t k = 0; k < form->n_keys; k++)
    good &= law_number(decoder, field, &form->key[k], yaml_entry(params, form->key[k].name)->value, &value[k]);
  if (!good) return false;
  *law = form->make(value);
  return law_finish(decoder, field, mark, law);
}

static bool unknown_law(Decoder *decoder, const YamlEntry *entry) {
  const char *names[FORMS];
  size_t n = 0;
  for (size_t f = 0; f < FORMS; f++)
    if (n == 0 || !text_equal(names[n - 1], forms[f].kind)) names[n++] = forms[f].kind;
  return yaml_error(decoder->err, ERR_SCENARIO, entry->mark, "no distribution `%.60s`%s", entry->key,
                    names_hint(entry->key, names, n, decoder->arena));
}

/* ---- a time as what is moved over a bandwidth ---- */

static const char *const transfer_keys[] = {"image", "weights", "init", "bandwidth"};
enum { TRANSFER_KEYS = sizeof transfer_keys / sizeof transfer_keys[0], TRANSFER_INIT = 2, TRANSFER_BANDWIDTH = 3 };

static bool transfer_part(Decoder *decoder, const YamlEntry *entry, size_t key, double *value) {
  const Yaml *node = entry->value;
  const char *why = "1Gi/s is wanted";
  size_t n = node->kind == YAML_SCALAR ? strlen(node->text) : 0;
  bool per_s = n > 2 && text_equal(node->text + n - 2, "/s");
  FieldKind kind = key == TRANSFER_INIT ? FIELD_DURATION : FIELD_BYTES;
  if (node->kind != YAML_SCALAR || yaml_is_null(node))
    return yaml_error(decoder->err, ERR_SCENARIO, entry->mark, "`%s` is one value, there is %s", entry->key, yaml_kind_words(node));
  const char *text = key == TRANSFER_BANDWIDTH && per_s ? arena_text(decoder->arena, node->text, n - 2) : node->text;
  bool good = (key != TRANSFER_BANDWIDTH || per_s) && parse_quantity(kind, text, value, &why);
  if (good && (key == TRANSFER_BANDWIDTH ? *value <= 0 : *value < 0)) good = false, why = key == TRANSFER_BANDWIDTH ? "it must be positive" : "it must not be negative";
  return good || yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is `%.60s`: %s", entry->key, node->text, why);
}

/* {image: 8Gi, weights: 16Gi, bandwidth: 1Gi/s, init: 5s} */
static bool decode_transfer(Decoder *decoder, const Field *field, const Yaml *node, Distribution *law) {
  double value[TRANSFER_KEYS] = {0};
  bool good = true;
  for (size_t e = 0; e < node->count; e++) {
    const YamlEntry *entry = &node->entry[e];
    size_t key = 0;
    while (key < TRANSFER_KEYS && !text_equal(transfer_keys[key], entry->key)) key++;
    if (key < TRANSFER_KEYS) good &= transfer_part(decoder, entry, key, &value[key]);
    else good = yaml_error(decoder->err, ERR_SCENARIO, entry->mark, "unknown key `%.60s`%s", entry->key, names_hint(entry->key, transfer_keys, TRANSFER_KEYS, decoder->arena));
  }
  if (!good) return false;
  *law = distribution_constant(value[TRANSFER_INIT] + (value[0] + value[1]) / value[TRANSFER_BANDWIDTH] * 1e9);
  return law_finish(decoder, field, node->mark, law);
}

bool decode_law(Decoder *decoder, const Field *field, const Yaml *node, Distribution *law) {
  if (node->kind == YAML_SCALAR) {
    double value;
    const char *why;
    if (!parse_quantity(field->kind, node->text, &value, &why))
      return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is `%.60s`: %s", field->name, node->text, why);
    double edge = value / kind_scale(field->kind);
    if (edge < field->min || edge > field->max)
      return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is %.60s; it must be %s", field->name, node->text,
                        range_text(field->kind, field->min, field->max, decoder->arena));
    *law = distribution_constant(value);
    return law_finish(decoder, field, node->mark, law);
  }
  if (field->kind == FIELD_DURATION_DISTRIBUTION && node->kind == YAML_MAP && yaml_entry(node, "bandwidth")) return decode_transfer(decoder, field, node, law);
  if (node->kind != YAML_MAP || node->count != 1)
    return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is a quantity or one law, as in {exponential: {mean: ...}}", field->name);
  const YamlEntry *entry = &node->entry[0];
  const Yaml *params = entry->value;
  const LawForm *single = NULL; /* a law of one quantity may be written {constant: 5s} */
  bool known = false;
  for (size_t f = 0; f < FORMS; f++) {
    if (!text_equal(forms[f].kind, entry->key)) continue;
    known = true;
    if (forms[f].n_keys == 1 && forms[f].make) single = &forms[f];
    if (params->kind == YAML_MAP && form_fits(&forms[f], params)) return law_of_form(decoder, field, &forms[f], params, entry->mark, law);
  }
  if (!known) return unknown_law(decoder, entry);
  if (!single || params->kind != YAML_SCALAR || yaml_is_null(params)) return wrong_keys(decoder, entry->key, params, entry->mark);
  double value;
  if (!law_number(decoder, field, &single->key[0], params, &value)) return false;
  *law = single->make(&value);
  return law_finish(decoder, field, entry->mark, law);
}
