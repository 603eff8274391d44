/* The JSON Schema of a scenario file, for editors: keys, kinds, choices, defaults and help. Bounds of quantities with units are left to
 * `headroom check`, because a schema cannot compare "95s" with "5m". */
#include <string.h>

#include "sim/lab/decode_parts.h"
#include "sim/lab/reference.h"

static void json_text(Text *out, const char *text) {
  text_add(out, "\"", 1);
  for (const char *c = text; *c; c++) {
    if (*c == '"' || *c == '\\') text_addf(out, "\\%c", *c);
    else if ((unsigned char)*c < 0x20) text_addf(out, "\\u%04x", (unsigned)(unsigned char)*c);
    else text_add(out, c, 1);
  }
  text_add(out, "\"", 1);
}

static void type_schema(Text *out, const Type *type, const char *help);

static const char *pattern_of(FieldKind kind) {
  switch (kind) {
  case FIELD_DURATION: return "^-?([0-9.]+(ns|us|µs|ms|s|m|h|d|w))+$|^0$";
  case FIELD_RATIO: return "^[-+0-9.eE]+%?$";
  case FIELD_RATE: return "^[-+0-9.eE]+[kMG]?/[smhd]$";
  case FIELD_USD_PER_H: return "^\\$[0-9.]+/h$";
  case FIELD_USD: return "^\\$[0-9.]+$";
  default: return NULL;
  }
}

/* A number where one can be written without a unit, a text where a unit can stand. */
static void quantity_schema(Text *out, FieldKind kind, double min, double max) {
  kind = quantity_kind(kind);
  const char *pattern = pattern_of(kind);
  bool plain = kind == FIELD_NUMBER || kind == FIELD_INTEGER;
  bool text_only = kind == FIELD_DURATION || kind == FIELD_RATE || kind == FIELD_USD || kind == FIELD_USD_PER_H;
  text_addf(out, "{\"type\": %s", kind == FIELD_DURATION ? "[\"string\", \"integer\"]" : text_only ? "\"string\"" : "[\"number\", \"string\"]");
  if (plain && (min != 0 || max != 0)) text_addf(out, ", \"minimum\": %.17g, \"maximum\": %.17g", min, max);
  if (pattern) {
    text_addf(out, ", \"pattern\": ");
    json_text(out, pattern);
  }
  text_addf(out, "}");
}

static void points_schema(Text *out, FieldKind kind) {
  text_addf(out, "{\"type\": \"array\", \"items\": {\"type\": \"array\", \"prefixItems\": [");
  quantity_schema(out, kind, 0, 0);
  text_addf(out, ", {\"type\": \"number\", \"minimum\": 0, \"maximum\": 1}], \"minItems\": 2, \"maxItems\": 2}}");
}

static void law_schema(Text *out, const Field *field) {
  size_t count;
  const LawForm *form = law_forms(&count);
  text_addf(out, "{\"anyOf\": [");
  quantity_schema(out, field->kind, 0, 0);
  for (size_t f = 0; f < count; f++) {
    text_addf(out, ", {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"%s\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {",
              form[f].kind);
    for (size_t k = 0; k < form[f].n_keys; k++) {
      const LawKey *key = &form[f].key[k];
      text_addf(out, "%s\"%s\": ", k ? ", " : "", key->name);
      if (!form[f].make) points_schema(out, field->kind);
      else quantity_schema(out, key->quantity ? field->kind : FIELD_NUMBER, key->min, key->max);
    }
    text_addf(out, "}, \"required\": [");
    for (size_t k = 0; k < form[f].n_keys; k++) text_addf(out, "%s\"%s\"", k ? ", " : "", form[f].key[k].name);
    text_addf(out, "]}}, \"required\": [\"%s\"]}", form[f].kind);
  }
  if (field->kind == FIELD_DURATION_DISTRIBUTION) {
    text_addf(out, ", {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"image\": ");
    quantity_schema(out, FIELD_BYTES, 0, 0);
    text_addf(out, ", \"weights\": ");
    quantity_schema(out, FIELD_BYTES, 0, 0);
    text_addf(out, ", \"init\": ");
    quantity_schema(out, FIELD_DURATION, 0, 0);
    text_addf(out, ", \"bandwidth\": {\"type\": \"string\", \"pattern\": \"/s$\"}}, \"required\": [\"bandwidth\"]}");
  }
  text_addf(out, "]}");
}

static void model_names(Text *out, const Model *model, bool *any) {
  for (int k = 0; k < 2; k++) {
    const char *name = k ? model->alias : model->name;
    if (!name) continue;
    text_addf(out, "%s", *any ? ", " : "");
    json_text(out, name);
    *any = true;
  }
}

static void model_schema(Text *out, ModelKind kind) {
  const ModelTable *table = &model_registry[kind];
  bool any = false;
  text_addf(out, "{\"anyOf\": [{\"enum\": [");
  for (size_t k = 0; k < table->count; k++) model_names(out, table->model[k], &any);
  text_addf(out, "]}, {\"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 1, \"additionalProperties\": false, \"properties\": {");
  any = false;
  for (size_t k = 0; k < table->count; k++)
    for (int j = 0; j < 2; j++) {
      const Model *model = table->model[k];
      const char *name = j ? model->alias : model->name;
      if (!name) continue;
      text_addf(out, "%s", any ? ", " : "");
      json_text(out, name);
      text_addf(out, ": {\"anyOf\": [{\"type\": \"null\"}, ");
      type_schema(out, model->params, model->summary);
      text_addf(out, "]}");
      any = true;
    }
  text_addf(out, "}}");
  if (kind == MODEL_POLICY || kind == MODEL_NODE_POLICY)
    text_addf(out, ", {\"type\": \"object\", \"description\": \"Kubernetes manifests\", \"required\": [\"manifest\"]}, "
                   "{\"type\": \"object\", \"description\": \"a Kubernetes manifest\", \"required\": [\"apiVersion\", \"kind\"]}");
  text_addf(out, "]}");
}

/* Models are defined once: those that have a model of their kind among their parameters would not come to an end otherwise. */
static void model_reference(Text *out, ModelKind kind) { text_addf(out, "{\"$ref\": \"#/$defs/model_%d\"}", (int)kind); }

static void choice_schema(Text *out, const Field *field) {
  text_addf(out, "{\"enum\": [");
  for (size_t k = 0; field->choices[k]; k++) {
    text_addf(out, "%s", k ? ", " : "");
    json_text(out, field->choices[k]);
  }
  text_addf(out, "]}");
}

/* One scalar may stand for a list of it. */
static void list_schema(Text *out, const Type *item) {
  bool scalars = item->n_fields == 1 && item->field[0].name[0] == '\0';
  if (scalars) {
    text_addf(out, "{\"anyOf\": [");
    type_schema(out, item, item->help);
    text_addf(out, ", ");
  }
  text_addf(out, "{\"type\": \"array\", \"items\": ");
  type_schema(out, item, item->help);
  text_addf(out, "}%s", scalars ? "]}" : "");
}

static void bare_schema(Text *out, const Field *field) {
  switch (field->kind) {
  case FIELD_FLAG: text_addf(out, "{\"type\": \"boolean\"}"); return;
  case FIELD_TEXT: text_addf(out, "{\"type\": [\"string\", \"number\", \"boolean\"]}"); return;
  case FIELD_METRIC:
  case FIELD_FILE: text_addf(out, "{\"type\": \"string\"}"); return;
  case FIELD_CHOICE: choice_schema(out, field); return;
  case FIELD_DISTRIBUTION:
  case FIELD_DURATION_DISTRIBUTION:
  case FIELD_BYTES_DISTRIBUTION: law_schema(out, field); return;
  case FIELD_OBJECT:
  case FIELD_POINTER: type_schema(out, field->sub, field->help); return;
  case FIELD_LIST: list_schema(out, field->sub); return;
  case FIELD_MAP:
    text_addf(out, "{\"type\": \"object\", \"additionalProperties\": ");
    type_schema(out, field->sub, field->sub->help);
    text_addf(out, "}");
    return;
  case FIELD_MODEL: model_reference(out, field->model_kind); return;
  default: quantity_schema(out, field->kind, field->min, field->max); return;
  }
}

/* Every key may be null: the same as absent. */
static void field_schema(Text *out, const Field *field) {
  json_text(out, field->name);
  text_addf(out, ": {\"description\": ");
  json_text(out, field->help);
  if (field->default_text) {
    text_addf(out, ", \"default\": ");
    json_text(out, field->default_text);
  }
  text_addf(out, ", \"anyOf\": [");
  bare_schema(out, field);
  text_addf(out, field->need == REQUIRED ? "]}" : ", {\"type\": \"null\"}]}");
}

static void object_schema(Text *out, const Type *type, const char *help, const char *more) {
  bool any = false;
  text_addf(out, "{\"type\": \"object\", \"description\": ");
  json_text(out, help);
  text_addf(out, ", \"additionalProperties\": false, \"properties\": {");
  for (size_t k = 0; k < type->n_fields; k++) {
    text_addf(out, "%s\n", k ? "," : "");
    field_schema(out, &type->field[k]);
  }
  text_addf(out, "%s}, \"required\": [", more);
  for (size_t k = 0; k < type->n_fields; k++) {
    if (type->field[k].need != REQUIRED) continue;
    text_addf(out, "%s", any ? ", " : "");
    json_text(out, type->field[k].name);
    any = true;
  }
  text_addf(out, "]}");
}

static void type_schema(Text *out, const Type *type, const char *help) {
  if (type->n_fields == 1 && type->field[0].name[0] == '\0') {
    bare_schema(out, &type->field[0]);
    return;
  }
  bool named = type->n_fields > 0 && type->field[0].kind == FIELD_TEXT && strcmp(type->field[0].name, "name") == 0;
  if (named) text_addf(out, "{\"anyOf\": [{\"type\": \"string\"}, ");
  object_schema(out, type, help, "");
  if (named) text_addf(out, "]}");
}

void reference_schema(Text *out) {
  static const char sweep[] =
      ",\n\"sweep\": {\"description\": \"axes; their cross product is swept\", \"type\": [\"array\", \"null\"], \"items\": {\"type\": \"object\", "
      "\"additionalProperties\": false, \"properties\": {\"set\": {\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"array\", \"items\": "
      "{\"type\": \"string\"}}]}, \"values\": {\"type\": \"array\", \"minItems\": 1}, \"name\": {}}, \"required\": [\"set\", \"values\"]}}";
  text_addf(out, "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"headroom scenario\", \"allOf\": [");
  object_schema(out, &scenario_type, scenario_type.help, sweep);
  text_addf(out, "], \"$defs\": {");
  for (int kind = 0; kind < MODEL_KINDS; kind++) {
    text_addf(out, "%s\n\"model_%d\": ", kind ? "," : "", kind);
    model_schema(out, (ModelKind)kind);
  }
  text_addf(out, "}}\n");
}
