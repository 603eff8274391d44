/* Tables, not parsers. A Type is a list of Fields; one decoder (sim/lab) walks YAML by these tables and fills plain structs. From the
 * same tables come bounds, help, JSON Schema, HDF5 attributes and reference pages. A struct and its table are stated once, by an
 * X-macro:
 *
 *     #define HORIZONTAL_FIELDS(F, C, O, L, M, R, P)                                                  \
 *       F(ratio,    target,   "70%", 0.01, 10, OPTIONAL, "utilisation to hold", "autoscaling/v2")   \
 *       F(duration, cooldown, "5m",  0, 86400, OPTIONAL, "least time between scale-downs", "")
 *     typedef struct Horizontal { FIELD_MEMBERS(HORIZONTAL_FIELDS) } Horizontal;
 *     #define ROW_STRUCT Horizontal
 *     static const Field horizontal_fields[] = {FIELD_ROWS(HORIZONTAL_FIELDS)};
 *     #undef ROW_STRUCT
 *     static const Type horizontal_type = FIELD_TYPE("horizontal", "help", Horizontal, horizontal_fields, NULL);
 *
 * The kind gives both the C type of the member and the unit suffix of its name: duration cooldown -> int64_t cooldown_ns. */
#ifndef SIM_CONTRACT_TYPE_H
#define SIM_CONTRACT_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/contract/metric.h"
#include "sim/core/distribution.h"

typedef enum FieldKind {
  FIELD_DURATION,  /* int64_t  NAME_ns; bounds in seconds */
  FIELD_BYTES,     /* int64_t  NAME_bytes */
  FIELD_CPU,       /* int64_t  NAME_millicores; bounds in cores */
  FIELD_GPU,       /* int64_t  NAME_milligpus; bounds in GPUs */
  FIELD_QUANTITY,  /* int64_t  NAME_milli: a Kubernetes quantity, thousandths */
  FIELD_RATIO,     /* double   NAME_ratio */
  FIELD_RATE,      /* double   NAME_rps */
  FIELD_USD_PER_H, /* int64_t  NAME_nano_usd_per_h; bounds in USD/h */
  FIELD_USD,       /* int64_t  NAME_nano_usd; bounds in USD */
  FIELD_NUMBER,    /* double   NAME */
  FIELD_INTEGER,   /* int64_t  NAME */
  FIELD_FLAG,      /* bool     NAME */
  FIELD_TEXT,      /* const char *NAME (arena; NULL when absent and no default) */
  FIELD_FILE,      /* const char *NAME: a path, relative to the scenario's folder, resolved by the decoder; part of the inputs by SHA-256 */
  FIELD_CHOICE,    /* int      NAME: index into .choices */
  FIELD_METRIC,    /* MetricQuery NAME: a meter's name, or a name of the scenario's `metrics:`; .name NULL when absent */
  FIELD_DISTRIBUTION,          /* Distribution NAME: plain number or {kind: {...}} */
  FIELD_DURATION_DISTRIBUTION, /* Distribution NAME_ns: values in ns; "5s" or {lognormal: {median: 95s, p95: 180s}} */
  FIELD_BYTES_DISTRIBUTION,    /* Distribution NAME_bytes */
  FIELD_OBJECT,    /* SUB      NAME: embedded struct of .sub; absent = all defaults */
  FIELD_POINTER,   /* const SUB *NAME: the same where being absent (NULL) differs from being empty */
  FIELD_LIST,      /* List     NAME: items of .sub (a struct; a Type with one field named "" reads scalars) */
  FIELD_MAP,       /* List     NAME: items of .sub, whose first member is `const char *name` (the key); order of the file */
  FIELD_MODEL      /* ModelRef NAME: one of the registry's models of .model_kind: "name", or {name: {params}} */
} FieldKind;

enum { FIELD_KINDS = FIELD_MODEL + 1 };

/* The categories of the registry: open sets, each member one file in models/. */
typedef enum ModelKind { MODEL_POLICY, MODEL_NODE_POLICY, MODEL_WORKLOAD, MODEL_SERVICE, MODEL_SPEED, MODEL_RATE, MODEL_TRAINING, MODEL_THROUGHPUT } ModelKind;
enum { MODEL_KINDS = MODEL_THROUGHPUT + 1 };

typedef enum FieldNeed { OPTIONAL, REQUIRED } FieldNeed;

typedef struct Type Type;

typedef struct Field {
  const char *name;         /* the YAML key */
  FieldKind kind;
  FieldNeed need;
  size_t offset;
  const char *default_text; /* what to read when absent, as in YAML; NULL: leave zero (number kinds: 0, has no default) */
  double min, max;          /* inclusive, in the edge unit of the kind */
  const char *help;         /* one line for the reference page */
  const char *source;       /* where the name, default or rule comes from; "" if ours */
  const char *const *choices; /* CHOICE: NULL-terminated */
  const Type *sub;          /* OBJECT, POINTER, LIST, MAP */
  ModelKind model_kind;     /* MODEL */
} Field;

/* A cross-field check: reports with err_at(err, "member.path", ...), returns false if it reported. */
typedef bool TypeCheck(const void *value, Err *err);

struct Type {
  const char *name;
  const char *help;
  size_t size;
  const Field *field;
  size_t n_fields;
  TypeCheck *check; /* may be NULL */
};

/* An array on the scenario's arena. */
typedef struct List {
  void *item;
  size_t count;
} List;
#define LIST_AT(list, type, index) (&((type *)(list).item)[index])

typedef struct Model Model;

/* A chosen model and its decoded parameters (of model->params, on the scenario's arena). model is NULL when absent. */
typedef struct ModelRef {
  const Model *model;
  const void *params;
} ModelRef;

/* What every model of any category begins with. A category's struct (Policy, Workload ...) has it as its first member. */
struct Model {
  ModelKind kind;
  const char *name;
  const char *alias;   /* a second accepted name, or NULL */
  const char *summary; /* one line */
  const char *rule;    /* the rule in words, several lines, for `describe` */
  const char *evidence;
  const Type *params;
};

/* The parameters of a model that has none: no fields, one unused byte. */
extern const Type no_params_type;

/* The registry: const tables, joined at link time (models/registry.c). */
typedef struct ModelTable {
  const Model *const *model;
  size_t count;
} ModelTable;
extern const ModelTable model_registry[MODEL_KINDS];
/* The model of a category by name or alias, or NULL. */
const Model *model_find(ModelKind kind, const char *name);
const char *model_kind_name(ModelKind kind); /* "policy", "node policy", "workload", "service", "speed", "rate", "discipline", "throughput" */

#define FIELD_C_duration(name) int64_t name##_ns
#define FIELD_C_bytes(name) int64_t name##_bytes
#define FIELD_C_cpu(name) int64_t name##_millicores
#define FIELD_C_gpu(name) int64_t name##_milligpus
#define FIELD_C_quantity(name) int64_t name##_milli
#define FIELD_C_metric(name) MetricQuery name
#define FIELD_C_ratio(name) double name##_ratio
#define FIELD_C_rate(name) double name##_rps
#define FIELD_C_usd_per_h(name) int64_t name##_nano_usd_per_h
#define FIELD_C_usd(name) int64_t name##_nano_usd
#define FIELD_C_number(name) double name
#define FIELD_C_integer(name) int64_t name
#define FIELD_C_flag(name) bool name
#define FIELD_C_text(name) const char *name
#define FIELD_C_file(name) const char *name
#define FIELD_C_dist(name) Distribution name
#define FIELD_C_duration_dist(name) Distribution name##_ns
#define FIELD_C_bytes_dist(name) Distribution name##_bytes

#define FIELD_M_duration(name) name##_ns
#define FIELD_M_bytes(name) name##_bytes
#define FIELD_M_cpu(name) name##_millicores
#define FIELD_M_gpu(name) name##_milligpus
#define FIELD_M_quantity(name) name##_milli
#define FIELD_M_metric(name) name
#define FIELD_M_ratio(name) name##_ratio
#define FIELD_M_rate(name) name##_rps
#define FIELD_M_usd_per_h(name) name##_nano_usd_per_h
#define FIELD_M_usd(name) name##_nano_usd
#define FIELD_M_number(name) name
#define FIELD_M_integer(name) name
#define FIELD_M_flag(name) name
#define FIELD_M_text(name) name
#define FIELD_M_file(name) name
#define FIELD_M_dist(name) name
#define FIELD_M_duration_dist(name) name##_ns
#define FIELD_M_bytes_dist(name) name##_bytes

#define FIELD_K_duration FIELD_DURATION
#define FIELD_K_bytes FIELD_BYTES
#define FIELD_K_cpu FIELD_CPU
#define FIELD_K_gpu FIELD_GPU
#define FIELD_K_quantity FIELD_QUANTITY
#define FIELD_K_metric FIELD_METRIC
#define FIELD_K_ratio FIELD_RATIO
#define FIELD_K_rate FIELD_RATE
#define FIELD_K_usd_per_h FIELD_USD_PER_H
#define FIELD_K_usd FIELD_USD
#define FIELD_K_number FIELD_NUMBER
#define FIELD_K_integer FIELD_INTEGER
#define FIELD_K_flag FIELD_FLAG
#define FIELD_K_text FIELD_TEXT
#define FIELD_K_file FIELD_FILE
#define FIELD_K_dist FIELD_DISTRIBUTION
#define FIELD_K_duration_dist FIELD_DURATION_DISTRIBUTION
#define FIELD_K_bytes_dist FIELD_BYTES_DISTRIBUTION

/* F: a scalar field. C: a choice. O, L, M: object, list, map of a sub type. R: a registry model. P: an object that may be absent. Each
 * list macro takes these as parameters, so that one list yields the members and the rows. */
#define MEMBER_F(kind, name, dflt, lo, hi, need, help, source) FIELD_C_##kind(name);
#define MEMBER_C(name, names, dflt, help, source) int name;
#define MEMBER_O(name, ctype, subtype, need, help) ctype name;
#define MEMBER_L(name, ctype, subtype, need, help) List name;
#define MEMBER_M(name, ctype, subtype, need, help) List name;
#define MEMBER_P(name, ctype, subtype, help) const ctype *name;
#define MEMBER_R(name, mkind, dflt, need, help) ModelRef name;

#define ROW_F(kind_, name_, dflt, lo, hi, need_, help_, source_)                                                    \
  {.name = #name_, .kind = FIELD_K_##kind_, .need = need_, .offset = offsetof(ROW_STRUCT, FIELD_M_##kind_(name_)),   \
   .default_text = dflt, .min = lo, .max = hi, .help = help_, .source = source_},
#define ROW_C(name_, names_, dflt, help_, source_)                                                      \
  {.name = #name_, .kind = FIELD_CHOICE, .offset = offsetof(ROW_STRUCT, name_), .default_text = dflt,   \
   .choices = names_, .help = help_, .source = source_},
#define ROW_O(name_, ctype, subtype, need_, help_) \
  {.name = #name_, .kind = FIELD_OBJECT, .need = need_, .offset = offsetof(ROW_STRUCT, name_), .sub = subtype, .help = help_, .source = ""},
#define ROW_P(name_, ctype, subtype, help_) \
  {.name = #name_, .kind = FIELD_POINTER, .offset = offsetof(ROW_STRUCT, name_), .sub = subtype, .help = help_, .source = ""},
#define ROW_L(name_, ctype, subtype, need_, help_) \
  {.name = #name_, .kind = FIELD_LIST, .need = need_, .offset = offsetof(ROW_STRUCT, name_), .sub = subtype, .help = help_, .source = ""},
#define ROW_M(name_, ctype, subtype, need_, help_) \
  {.name = #name_, .kind = FIELD_MAP, .need = need_, .offset = offsetof(ROW_STRUCT, name_), .sub = subtype, .help = help_, .source = ""},
#define ROW_R(name_, mkind, dflt, need_, help_)                                                            \
  {.name = #name_, .kind = FIELD_MODEL, .need = need_, .offset = offsetof(ROW_STRUCT, name_),             \
   .default_text = dflt, .model_kind = mkind, .help = help_, .source = ""},

#define FIELD_MEMBERS(LIST_OF_FIELDS) LIST_OF_FIELDS(MEMBER_F, MEMBER_C, MEMBER_O, MEMBER_L, MEMBER_M, MEMBER_R, MEMBER_P)
/* ROW_STRUCT must be defined as the struct's name around this. */
#define FIELD_ROWS(LIST_OF_FIELDS) LIST_OF_FIELDS(ROW_F, ROW_C, ROW_O, ROW_L, ROW_M, ROW_R, ROW_P)
#define FIELD_TYPE(name_, help_, ctype, rows, check_) \
  {.name = name_, .help = help_, .size = sizeof(ctype), .field = rows, .n_fields = sizeof(rows) / sizeof((rows)[0]), .check = check_}

#endif
