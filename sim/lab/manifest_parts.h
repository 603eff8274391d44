/* Between the files of manifests: fates of fields, the strategy that is made, the kinds and their converters. */
#ifndef SIM_LAB_MANIFEST_PARTS_H
#define SIM_LAB_MANIFEST_PARTS_H

#include "sim/lab/manifest.h"

/* ---- fields: manifest_fields.c ---- */

typedef enum Fate {
  FATE_USED,
  FATE_IDLE,   /* known, not modelled, and without effect on the outcome: a warning */
  FATE_REFUSED /* known, not modelled, would change the outcome: an error */
} Fate;

/* What becomes of a key of a manifest. A table ends with a NULL name; the name "*" stands for all others. */
typedef struct FieldFate {
  const char *name;
  Fate fate;
  const char *why;
  const struct FieldFate *sub; /* FATE_USED: of the keys below, of each item if it is a list; NULL: whoever reads it judges them */
} FieldFate;

#define USED(name_) {.name = name_, .fate = FATE_USED}
#define BELOW(name_, table_) {.name = name_, .fate = FATE_USED, .sub = table_}
#define IDLE(name_, why_) {.name = name_, .fate = FATE_IDLE, .why = why_}
#define REFUSED(name_, why_) {.name = name_, .fate = FATE_REFUSED, .why = why_}
#define END_OF_FIELDS {.name = NULL}

/* ---- the strategy that is made ---- */

/* One deployment's share of what a strategy's manifests say. */
typedef struct Share {
  const char *deployment;
  const Yaml *scale;     /* {hpa: {...}}; NULL */
  YamlMark scale_mark;
  const Yaml *min, *max; /* bounds of the autoscaler: whole numbers; NULL */
  const Yaml *overlay;   /* a map to lay over deployments.NAME; NULL */
} Share;

typedef struct Expansion {
  Arena *arena;
  Err *err;
  const Yaml *root;
  const Catalogue *catalogue;
  const Yaml *strategy;      /* the map as it is in the tree */
  const char *deployment;    /* under which the manifests stand; NULL: their own references count */
  const Yaml *beside;        /* the holder's other keys: parameters of the controllers that no manifest has; NULL */
  const Yaml *const *document;
  size_t n_documents;
  const Yaml *kpa_defaults;  /* data of the ConfigMap config-autoscaler; NULL */
  Share *share;
  size_t n_shares;
  const Yaml *node_pools;    /* a map by name; NULL */
  YamlMark node_pools_mark;
  bool drains;               /* something evicts: a NodePool, a VPA that acts */
} Expansion;

/* A document whose apiVersion and kind are known. */
typedef struct Manifest {
  const Yaml *node; /* without what has no effect */
  const char *kind, *name;
  YamlMark mark;    /* of its name; of its kind if it has none */
} Manifest;

typedef struct ManifestKind {
  const char *group, *versions; /* "apps", "v1 v1beta1"; the core group is "" */
  const char *kind;
  const FieldFate *field;       /* NULL: of no effect as a whole */
  bool (*convert)(Expansion *x, const Manifest *manifest);
  const char *model;            /* whose parameters its spec holds, for paths; NULL */
  bool scales, nodes;           /* what `.scale.spec` and `.nodes.spec` mean */
} ManifestKind;
extern const ManifestKind manifest_kinds[];
/* The kind of a document, or NULL if it is none that is known (nothing is said). */
const ManifestKind *manifest_kind_of(const Yaml *document);
const char *manifest_name_of(const Yaml *document); /* metadata.name, or NULL */
/* Why a kind that a folder may hold beside those has no effect; NULL if it is unknown. `api` is its apiVersion. */
const char *manifest_idle_kind(const char *api, const char *kind);

/* Judges the keys of a node by a table: errors, warnings, and a copy without what has no effect. `path` is what the node is called in
 * messages ("spec.template"); NULL with errors. */
const Yaml *fields_take(Expansion *x, const FieldFate *table, const Yaml *node, const char *path);
/* One line with its place. */
void manifest_warn(Expansion *x, YamlMark mark, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- reading ---- */

/* The value at a path ("spec.template.spec"), or NULL; null values are absent. */
const Yaml *value_at(const Yaml *node, const char *path);
const YamlEntry *entry_at(const Yaml *node, const char *path);
const char *scalar_at(const Yaml *node, const char *path); /* text, or NULL */
/* The place of a value: its own, or that of its key. */
YamlMark place_of(const YamlEntry *entry);
/* A map that must be there, or NULL with an error. */
const Yaml *map_needed(Expansion *x, const Manifest *manifest, const char *path);
/* The entry of a key that must be there, or NULL with an error. */
const YamlEntry *key_needed(Expansion *x, const Yaml *map, YamlMark at, const char *key, const char *help);

/* ---- making ---- */

typedef struct MapMaker {
  Arena *arena;
  YamlMark mark;
  YamlEntry *entry;
  size_t count, capacity;
} MapMaker;
void map_put(MapMaker *map, const char *key, YamlMark mark, const Yaml *value);
/* Copies an entry under another name; absent ones are left out. */
void map_copy(MapMaker *map, const char *key, const YamlEntry *entry);
const Yaml *map_made(const MapMaker *map);
const Yaml *make_text(Arena *arena, YamlMark mark, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* {key: value} */
const Yaml *make_pair(Arena *arena, YamlMark mark, const char *key, const Yaml *value);
const Yaml *make_list(Arena *arena, YamlMark mark, const Yaml *const *item, size_t count);

/* ---- giving to the strategy: manifest_strategy.c ---- */

/* The deployment that a name means: the one under which the manifest stands, the scenario's of that name, or its only one (with a
 * warning). NULL with an error. */
const char *target_deployment(Expansion *x, const char *name, YamlMark mark, const char *kind);
/* Gives a deployment its policy: {model: params}. False with an error if it has one. */
bool give_scale(Expansion *x, const char *deployment, const char *model, const Yaml *params, YamlMark mark);
/* The autoscaler's own bounds; the scenario's hold where it states them. NULL: none. */
void give_bounds(Expansion *x, const char *deployment, const Yaml *min, const Yaml *max);
/* Lays a value over deployments.NAME at a path of one or two keys. */
void give_overlay(Expansion *x, const char *deployment, const char *path, const Yaml *value);
/* A limit on the requests a replica takes at once: the scenario's concurrency holds if it is lower. */
void give_concurrency(Expansion *x, const char *deployment, const Yaml *limit);
bool give_node_pool(Expansion *x, const char *name, YamlMark mark, const Yaml *spec);

/* ---- pods: manifest_pod.c ---- */

extern const FieldFate metadata_fields[], metadata_annotated_fields[], pod_template_fields[], pod_fields[], container_fields[];
/* Requests, limits, probes and grace of a pod's spec, laid over a deployment. */
bool give_pod(Expansion *x, const char *deployment, const Yaml *pod);

/* ---- converters ---- */

extern const FieldFate hpa_fields[], hpa_v1_fields[], scaled_object_fields[], scaled_job_fields[], vpa_fields[], deployment_fields[], stateful_set_fields[],
    knative_fields[], inference_service_fields[], ray_fields[], ray_service_fields[], node_pool_fields[], config_map_fields[];
bool convert_hpa(Expansion *x, const Manifest *manifest);
bool convert_hpa_v1(Expansion *x, const Manifest *manifest);
bool convert_scaled_object(Expansion *x, const Manifest *manifest);
bool convert_scaled_job(Expansion *x, const Manifest *manifest);
bool convert_vpa(Expansion *x, const Manifest *manifest);
bool convert_workload(Expansion *x, const Manifest *manifest);
bool convert_knative(Expansion *x, const Manifest *manifest);
bool convert_inference_service(Expansion *x, const Manifest *manifest);
bool convert_ray(Expansion *x, const Manifest *manifest);
bool convert_ray_service(Expansion *x, const Manifest *manifest);
bool convert_node_pool(Expansion *x, const Manifest *manifest);
bool convert_config_map(Expansion *x, const Manifest *manifest);

#endif
