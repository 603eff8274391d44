/* Parameters of models for tests; see params.h. */
#include "tests/support/params.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/units.h"
#include "tests/testing.h"

static void set_choice(const Field *field, int *to, const char *text) {
  for (int k = 0; field->choices[k]; k++) {
    if (strcmp(field->choices[k], text) != 0) continue;
    *to = k;
    return;
  }
  fail_msg("%s: no choice %s", field->name, text);
}

static bool set_text(const Field *field, void *to, const char *text, const char **why) {
  int64_t whole = 0;
  double number = 0;
  bool ok;
  switch (field->kind) {
  case FIELD_DURATION: return parse_duration_ns(text, to, why);
  case FIELD_BYTES: return parse_bytes(text, to, why);
  case FIELD_CPU:
  case FIELD_GPU:
  case FIELD_QUANTITY: return parse_milli(text, to, why);
  case FIELD_RATIO: return parse_ratio(text, to, why);
  case FIELD_RATE: return parse_rate_rps(text, to, why);
  case FIELD_USD_PER_H: return parse_usd_per_h(text, to, why);
  case FIELD_USD: return parse_usd(text, to, why);
  case FIELD_NUMBER: return parse_number(text, to, why);
  case FIELD_INTEGER: return parse_integer(text, to, why);
  case FIELD_FLAG: *(bool *)to = strcmp(text, "true") == 0; return true;
  case FIELD_TEXT:
  case FIELD_FILE: *(const char **)to = text; return true;
  case FIELD_CHOICE: set_choice(field, to, text); return true;
  case FIELD_DISTRIBUTION:
    ok = parse_number(text, &number, why);
    *(Distribution *)to = distribution_constant(number);
    return ok;
  case FIELD_DURATION_DISTRIBUTION:
    ok = parse_duration_ns(text, &whole, why);
    *(Distribution *)to = distribution_constant((double)whole);
    return ok;
  case FIELD_BYTES_DISTRIBUTION:
    ok = parse_bytes(text, &whole, why);
    *(Distribution *)to = distribution_constant((double)whole);
    return ok;
  case FIELD_METRIC: *(MetricQuery *)to = metric_query(meter_find(text)); return true;
  case FIELD_OBJECT:
  case FIELD_POINTER:
  case FIELD_LIST:
  case FIELD_MAP:
  case FIELD_MODEL: break;
  }
  *why = "has no text form here";
  return false;
}

static void set_field(const Field *field, void *to, const char *text) {
  const char *why = "";
  if (!set_text(field, to, text, &why)) fail_msg("%s: %s: %s", field->name, text, why);
}

static void set_defaults(const Type *type, void *params) {
  for (size_t k = 0; k < type->n_fields; k++) {
    const Field *field = &type->field[k];
    void *to = (char *)params + field->offset;
    if (field->kind == FIELD_OBJECT) set_defaults(field->sub, to);
    else if (field->default_text && field->kind != FIELD_MODEL) set_field(field, to, field->default_text);
  }
}

void *param_new(Arena *arena, const Type *type) {
  void *params = arena_alloc(arena, 1, type->size);
  set_defaults(type, params);
  return params;
}

static const Field *field_at(const Type *type, void *params, const char *path, void **to) {
  size_t length = strcspn(path, ".");
  for (size_t k = 0; k < type->n_fields; k++) {
    const Field *field = &type->field[k];
    if (strlen(field->name) != length || strncmp(field->name, path, length) != 0) continue;
    *to = (char *)params + field->offset;
    if (path[length] && field->kind == FIELD_POINTER) *to = *(void **)*to;
    return path[length] ? field_at(field->sub, *to, path + length + 1, to) : field;
  }
  fail_msg("%s: no field %s", type->name, path);
  return NULL;
}

void param_set(const Type *type, void *params, const char *path, const char *text) {
  void *to = NULL;
  const Field *field = field_at(type, params, path, &to);
  set_field(field, to, text);
}

void *param_point(Arena *arena, const Type *type, void *params, const char *path) {
  void *to = NULL;
  const Field *field = field_at(type, params, path, &to);
  *(void **)to = param_new(arena, field->sub);
  return *(void **)to;
}

void *param_list(Arena *arena, const Type *type, void *params, const char *path, size_t n, const Type **item_type) {
  void *to = NULL;
  const Field *field = field_at(type, params, path, &to);
  List *list = to;
  list->item = arena_alloc(arena, n, field->sub->size);
  list->count = n;
  for (size_t k = 0; k < n; k++) set_defaults(field->sub, (char *)list->item + k * field->sub->size);
  *item_type = field->sub;
  return list->item;
}

void *param_at(const Type *type, void *params, const char *path) {
  void *to = NULL;
  (void)field_at(type, params, path, &to);
  return to;
}
