/* Scalars: text into quantities, flags, choices, texts and files, with their bounds. */
#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/core/time.h"
#include "sim/lab/decode_parts.h"
#include "sim/lab/metric_map.h"
#include "sim/run/scenario_graph.h"

FieldKind quantity_kind(FieldKind kind) {
  if (kind == FIELD_DURATION_DISTRIBUTION) return FIELD_DURATION;
  if (kind == FIELD_BYTES_DISTRIBUTION) return FIELD_BYTES;
  return kind == FIELD_DISTRIBUTION ? FIELD_NUMBER : kind;
}

double kind_scale(FieldKind kind) {
  switch (quantity_kind(kind)) {
  case FIELD_DURATION:
  case FIELD_USD_PER_H:
  case FIELD_USD: return 1e9;
  case FIELD_CPU:
  case FIELD_GPU:
  case FIELD_QUANTITY: return 1e3;
  default: return 1;
  }
}

static bool parse_whole(FieldKind kind, const char *text, int64_t *value, const char **why) {
  switch (kind) {
  case FIELD_DURATION: return parse_duration_ns(text, value, why);
  case FIELD_BYTES: return parse_bytes(text, value, why);
  case FIELD_CPU:
  case FIELD_GPU:
  case FIELD_QUANTITY: return parse_milli(text, value, why);
  case FIELD_USD_PER_H: return parse_usd_per_h(text, value, why);
  case FIELD_USD: return parse_usd(text, value, why);
  case FIELD_INTEGER: return parse_integer(text, value, why);
  default: *why = "not a quantity"; return false;
  }
}

static bool parse_real(FieldKind kind, const char *text, double *value, const char **why) {
  if (kind == FIELD_RATIO) return parse_ratio(text, value, why);
  return kind == FIELD_RATE ? parse_rate_rps(text, value, why) : parse_number(text, value, why);
}

static bool is_real(FieldKind kind) { return kind == FIELD_RATIO || kind == FIELD_RATE || kind == FIELD_NUMBER; }
static bool is_whole(FieldKind kind) {
  return kind == FIELD_DURATION || kind == FIELD_BYTES || kind == FIELD_CPU || kind == FIELD_GPU || kind == FIELD_QUANTITY ||
         kind == FIELD_USD_PER_H || kind == FIELD_USD || kind == FIELD_INTEGER;
}

bool parse_quantity(FieldKind kind, const char *text, double *value, const char **why) {
  int64_t whole;
  kind = quantity_kind(kind);
  if (is_real(kind)) return parse_real(kind, text, value, why);
  if (!parse_whole(kind, text, &whole, why)) return false;
  *value = (double)whole;
  return true;
}

bool decode_number(FieldKind kind, const char *text, double *number) {
  const char *why;
  if (!parse_quantity(kind, text, number, &why)) return false;
  *number /= kind_scale(kind);
  return true;
}

/* ---- bounds ---- */

static const char *edge_text(FieldKind kind, double edge, Arena *arena) {
  char text[48];
  double base = edge * kind_scale(kind);
  kind = quantity_kind(kind);
  if (kind == FIELD_DURATION) format_duration(text, ns_from_double(base));
  else if (kind == FIELD_BYTES && fabs(base) < 9e18) format_bytes(text, (int64_t)base);
  else if ((kind == FIELD_CPU || kind == FIELD_GPU || kind == FIELD_QUANTITY) && fabs(base) < 9e18) format_milli(text, (int64_t)base);
  else text_double(text, edge);
  bool money = kind == FIELD_USD || kind == FIELD_USD_PER_H;
  return arena_format(arena, "%s%s%s", money ? "$" : "", text, kind == FIELD_RATE ? "/s" : kind == FIELD_USD_PER_H ? "/h" : "");
}

/* A bound that only keeps arithmetic safe says nothing to the reader. */
static bool is_beyond(FieldKind kind, double max) {
  kind = quantity_kind(kind);
  return max >= (kind == FIELD_DURATION ? 3e9 : kind == FIELD_BYTES ? 1e15 : 9e15);
}

const char *range_text(FieldKind kind, double min, double max, Arena *arena) {
  if (is_beyond(kind, max)) return arena_format(arena, "at least %s", edge_text(kind, min, arena));
  return arena_format(arena, "from %s to %s", edge_text(kind, min, arena), edge_text(kind, max, arena));
}

static bool in_range(Decoder *decoder, const Field *field, const Yaml *node, double value) {
  double edge = value / kind_scale(field->kind);
  if (edge >= field->min && edge <= field->max) return true;
  bool percent = field->kind == FIELD_RATIO && edge > 1 && edge / 100 >= field->min && edge / 100 <= field->max && !strchr(node->text, '%');
  return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is %.60s; it must be %s%s", field->name, node->text,
                    range_text(field->kind, field->min, field->max, decoder->arena),
                    percent ? arena_format(decoder->arena, " (or write %.30s%%)", node->text) : "");
}

/* ---- members ---- */

static bool decode_choice(Decoder *decoder, const Field *field, const Yaml *node, int *member) {
  size_t n = 0;
  for (; field->choices[n]; n++) {
    if (!text_equal(field->choices[n], node->text)) continue;
    *member = (int)n;
    return true;
  }
  return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` cannot be `%.60s`%s", field->name, node->text,
                    names_hint(node->text, field->choices, n, decoder->arena));
}

static bool decode_flag(Decoder *decoder, const Field *field, const Yaml *node, bool *member) {
  *member = text_equal(node->text, "true");
  if (*member || text_equal(node->text, "false")) return true;
  return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is true or false, not `%.60s`", field->name, node->text);
}

bool decode_scalar(Decoder *decoder, const Field *field, const Yaml *node, void *member) {
  const char *why;
  if (field->kind == FIELD_CHOICE) return decode_choice(decoder, field, node, member);
  if (field->kind == FIELD_METRIC) return metric_resolve(&decoder->metrics, node, field->name, member, decoder->arena, decoder->err);
  if (field->kind == FIELD_FLAG) return decode_flag(decoder, field, node, member);
  if (field->kind == FIELD_TEXT) {
    *(const char **)member = arena_text(decoder->arena, node->text, strlen(node->text));
    return true;
  }
  if (field->kind == FIELD_FILE) {
    const char *found = inputs_file(decoder->inputs, node->text, node->mark, decoder->arena, decoder->err);
    *(const char **)member = found;
    return found != NULL;
  }
  if (is_whole(field->kind)) {
    int64_t value;
    if (parse_whole(field->kind, node->text, &value, &why)) {
      *(int64_t *)member = value;
      return in_range(decoder, field, node, (double)value);
    }
  } else {
    double value;
    if (parse_real(field->kind, node->text, &value, &why)) {
      *(double *)member = value;
      return in_range(decoder, field, node, value);
    }
  }
  return yaml_error(decoder->err, ERR_SCENARIO, node->mark, "`%s` is `%.60s`: %s", field->name, node->text, why);
}
