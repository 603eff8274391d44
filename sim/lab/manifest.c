/* Where manifests stand in a scenario's tree, reading their files, and the paths of edits into them. The files' names are replaced by
 * lists of documents at once, so everything that edits or sweeps a tree works on manifests, too. manifest_expand.c makes native strategies. */
#include "sim/lab/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/lab/decode.h"
#include "sim/lab/manifest_parts.h"
#include "sim/run/scenario_graph.h"

enum { MANIFEST_BYTES_MOST = 16 << 20, FILES_MOST = 1000 };

/* ---- files ---- */

/* All documents of a file, Lists taken apart, appended to an array. */
typedef struct Documents {
  Arena *arena;
  const Yaml **node;
  size_t count, capacity;
} Documents;

static void add_document(Documents *all, const Yaml *node) {
  const char *kind = scalar_at(node, "kind");
  const Yaml *items = kind && text_equal(kind, "List") ? value_at(node, "items") : NULL;
  if (items && items->kind == YAML_LIST) {
    for (size_t k = 0; k < items->count; k++) add_document(all, items->entry[k].value);
    return;
  }
  if (all->count == all->capacity) {
    size_t grown = all->capacity ? all->capacity * 2 : 8;
    all->node = arena_grow(all->arena, all->node, all->count, grown, sizeof(const Yaml *));
    all->capacity = grown;
  }
  all->node[all->count++] = node;
}

static bool read_file(Documents *all, const char *found, Err *err) {
  YamlSource *source = ARENA_NEW(all->arena, YamlSource);
  *source = (YamlSource){.name = arena_text(all->arena, found, strlen(found)), .is_file = true};
  source->text = file_read(found, MANIFEST_BYTES_MOST, &source->length, all->arena, err);
  if (!source->text) return false;
  size_t count;
  const Yaml *const *node = yaml_parse_all(source, &count, all->arena, err);
  for (size_t k = 0; node && k < count; k++) add_document(all, node[k]);
  return node != NULL;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool is_manifest_file(const char *name) {
  const char *dot = strrchr(name, '.');
  return name[0] != '.' && dot && (text_equal(dot, ".yaml") || text_equal(dot, ".yml") || text_equal(dot, ".json"));
}

/* The manifests of a folder by name, in order; subfolders are left out, as `kubectl apply -f` does. */
static size_t list_folder(const char *folder, const char **file, Arena *arena) {
  size_t n = 0;
  DIR *open = opendir(folder);
  if (!open) return 0;
  for (struct dirent *entry; n < FILES_MOST && (entry = readdir(open));)
    if (is_manifest_file(entry->d_name)) file[n++] = arena_text(arena, entry->d_name, strlen(entry->d_name));
  closedir(open);
  qsort(file, n, sizeof *file, compare_names);
  return n;
}

typedef struct Wanted {
  Inputs *inputs;
  const char *name; /* as given */
  YamlMark mark;    /* source NULL: on the command line */
  Arena *arena;
  Err *err;
} Wanted;

static bool fails(const Wanted *wanted, ErrCode code, const char *why) {
  if (wanted->mark.source) return yaml_error(wanted->err, code, wanted->mark, "`%.150s`: %s", wanted->name, why);
  return err_add(wanted->err, code, "-f %.150s: %s", wanted->name, why);
}

static bool add_input(const Wanted *wanted, Documents *all, const char *name) {
  const char *found = wanted->mark.source ? inputs_file(wanted->inputs, name, wanted->mark, wanted->arena, wanted->err)
                                          : inputs_given(wanted->inputs, name, wanted->err);
  return found && read_file(all, found, wanted->err);
}

static bool read_all(const Wanted *wanted, Documents *all) {
  struct stat status;
  const char *found = wanted->mark.source ? inputs_resolve(wanted->inputs, wanted->name, wanted->mark, wanted->arena, wanted->err) : wanted->name;
  if (!found) return false;
  if (stat(found, &status) != 0) return fails(wanted, ERR_IO, strerror(errno));
  if (!S_ISDIR(status.st_mode)) return add_input(wanted, all, wanted->name);
  const char **file = ARENA_ARRAY(wanted->arena, const char *, FILES_MOST);
  size_t n = list_folder(found, file, wanted->arena), length = strlen(wanted->name);
  bool good = true;
  if (n == 0) return fails(wanted, ERR_IO, "this folder has no file that ends in .yaml, .yml or .json");
  for (size_t k = 0; k < n; k++)
    good &= add_input(wanted, all, arena_format(wanted->arena, "%s%s%s", wanted->name, length && wanted->name[length - 1] == '/' ? "" : "/", file[k]));
  return good;
}

/* Each name is read once. */
static const Yaml *read_named(const Wanted *wanted) {
  for (const LoadedManifest *loaded = wanted->inputs->manifest; loaded; loaded = loaded->next)
    if (text_equal(loaded->name, wanted->name) && loaded->given == !wanted->mark.source) return loaded->list;
  Arena *arena = wanted->inputs->closed ? wanted->arena : wanted->inputs->arena;
  Documents all = {.arena = arena};
  if (!read_all(wanted, &all)) return NULL;
  if (all.count == 0) {
    fails(wanted, ERR_SCENARIO, "there is no manifest in it");
    return NULL;
  }
  const Yaml *list = make_list(arena, all.node[0]->mark, all.node, all.count);
  if (wanted->inputs->closed) return list;
  LoadedManifest *loaded = ARENA_NEW(arena, LoadedManifest);
  *loaded = (LoadedManifest){arena_text(arena, wanted->name, strlen(wanted->name)), !wanted->mark.source, list, wanted->inputs->manifest};
  wanted->inputs->manifest = loaded;
  return list;
}

const Yaml *manifest_read(const char *path, Inputs *inputs, Arena *arena, Err *err) {
  return read_named(&(Wanted){.inputs = inputs, .name = path, .arena = arena, .err = err});
}

/* What a key `manifest` holds as a list of documents: a name, a list of names and documents, or one document. */
static const Yaml *loaded_list(const Yaml *value, YamlMark mark, Inputs *inputs, Arena *arena, Err *err) {
  Wanted wanted = {.inputs = inputs, .mark = value->mark, .arena = arena, .err = err};
  if (value->kind == YAML_SCALAR) {
    wanted.name = value->text;
    if (!yaml_is_null(value)) return read_named(&wanted);
    yaml_error(err, ERR_SCENARIO, mark, "`manifest` names a file or a folder");
    return NULL;
  }
  if (value->kind == YAML_MAP) return make_list(arena, value->mark, &value, 1);
  Documents all = {.arena = arena};
  bool good = true;
  for (size_t k = 0; k < value->count; k++) {
    const Yaml *item = value->entry[k].value;
    const Yaml *list = item->kind == YAML_MAP ? NULL : loaded_list(item, value->entry[k].mark, inputs, arena, err);
    if (item->kind == YAML_MAP) add_document(&all, item);
    for (size_t j = 0; list && j < list->count; j++) add_document(&all, list->entry[j].value);
    good &= item->kind == YAML_MAP || list != NULL;
  }
  if (good && all.count == 0) good = yaml_error(err, ERR_SCENARIO, mark, "`manifest` names no file");
  return good ? make_list(arena, value->mark, all.node, all.count) : NULL;
}

/* ---- where they stand ---- */

static bool is_holder(const Yaml *node) { return node && node->kind == YAML_MAP && yaml_entry(node, "manifest"); }

/* Loads what the map at the end of a path holds. */
static const Yaml *load_at(const Yaml *root, const YamlStep *step, size_t n_steps, const Yaml *holder, Inputs *inputs, Arena *arena, Err *err) {
  if (!is_holder(holder)) return root;
  const YamlEntry *entry = yaml_entry(holder, "manifest");
  bool loaded = entry->value->kind == YAML_LIST;
  for (size_t k = 0; loaded && k < entry->value->count; k++) loaded = entry->value->entry[k].value->kind == YAML_MAP;
  if (loaded && entry->value->count) return root;
  const Yaml *list = loaded_list(entry->value, entry->mark, inputs, arena, err);
  YamlStep *whole = ARENA_ARRAY(arena, YamlStep, n_steps + 1);
  const char *why = "";
  memcpy(whole, step, n_steps * sizeof *step);
  whole[n_steps] = (YamlStep){"manifest", 0};
  return list ? yaml_with(root, whole, n_steps + 1, list, arena, &why) : NULL;
}

const Yaml *manifest_load(const Yaml *root, Inputs *inputs, Arena *arena, Err *err) {
  const YamlEntry *strategies = yaml_entry(root, "strategies");
  if (!strategies || strategies->value->kind != YAML_MAP) return root;
  const Yaml *all = strategies->value;
  for (size_t k = 0; root && k < all->count; k++) {
    const Yaml *strategy = all->entry[k].value, *deployments = value_at(strategy, "deployments");
    YamlStep step[5] = {{"strategies", 0}, {all->entry[k].key, 0}, {"scale", 0}, {NULL, 0}, {"scale", 0}};
    root = load_at(root, step, 2, strategy, inputs, arena, err);
    if (root) root = load_at(root, step, 3, value_at(strategy, "scale"), inputs, arena, err);
    step[2].key = "nodes";
    if (root) root = load_at(root, step, 3, value_at(strategy, "nodes"), inputs, arena, err);
    step[2].key = "deployments";
    for (size_t d = 0; root && deployments && deployments->kind == YAML_MAP && d < deployments->count; d++) {
      step[3].key = deployments->entry[d].key;
      root = load_at(root, step, 5, value_at(deployments->entry[d].value, "scale"), inputs, arena, err);
    }
  }
  return root;
}

/* ---- paths ---- */

typedef struct Path {
  Arena *arena;
  YamlStep *step;
  size_t count;
} Path;

static void path_add(Path *path, YamlStep step) { path->step[path->count++] = step; }

/* The document that a step means: an index, KIND or KIND/NAME; list->count with *why. */
static size_t find_document(const Yaml *list, const YamlStep *step, Arena *arena, const char **why) {
  size_t found = list->count, hits = 0;
  if (!step->key) return step->index;
  const char **kinds = ARENA_ARRAY(arena, const char *, list->count);
  size_t n_kinds = 0;
  for (size_t k = 0; k < list->count; k++) {
    const Yaml *document = list->entry[k].value;
    const char *kind = scalar_at(document, "kind"), *name = manifest_name_of(document), *slash = strchr(step->key, '/');
    size_t length = slash ? (size_t)(slash - step->key) : strlen(step->key);
    if (kind) kinds[n_kinds++] = kind;
    if (!kind || strlen(kind) != length || strncmp(kind, step->key, length) != 0 || (slash && !text_equal(name, slash + 1))) continue;
    found = k;
    hits++;
  }
  if (hits == 1) return found;
  if (hits) *why = arena_format(arena, "%zu of the manifests are a %.60s; write manifest.\"%.60s/NAME\"", hits, step->key, step->key);
  else *why = arena_format(arena, "none of the manifests is a `%.60s`%s", step->key, names_hint(step->key, kinds, n_kinds, arena));
  return list->count;
}

/* The one autoscaler, or NodePool, of a list. */
static size_t find_role(const Yaml *list, bool nodes, Arena *arena, const char **why) {
  size_t found = list->count, hits = 0;
  for (size_t k = 0; k < list->count; k++) {
    const ManifestKind *kind = manifest_kind_of(list->entry[k].value);
    if (!kind || !(nodes ? kind->nodes : kind->scales)) continue;
    found = k;
    hits++;
  }
  if (hits == 1) return found;
  *why = arena_format(arena, "the manifests hold %zu %s; write .manifest.KIND.spec or .manifest.\"KIND/NAME\".spec", hits, nodes ? "NodePools" : "autoscalers");
  return list->count;
}

static const Yaml *list_of(const Yaml *holder) {
  const Yaml *list = is_holder(holder) ? yaml_entry(holder, "manifest")->value : NULL;
  return list && list->kind == YAML_LIST ? list : NULL;
}

/* Leads the steps from `at` on, which begin below a holder: `manifest.WHICH...` or `spec...`. */
static bool lead(Path *path, const Yaml *list, bool nodes, const YamlStep *step, size_t n, const char **why) {
  size_t which, taken = 0;
  if (n > 1 && text_equal(step[0].key, "manifest")) {
    which = find_document(list, &step[1], path->arena, why);
    taken = 2;
    if (which >= list->count) {
      if (!step[1].key) *why = arena_format(path->arena, "manifest[%zu] is past the end of %zu documents (the first is [0])", which, list->count);
      return false;
    }
  } else if (n > 0 && (text_equal(step[0].key, "spec") || text_equal(step[0].key, "metadata"))) {
    which = find_role(list, nodes, path->arena, why);
    if (which >= list->count) return false;
  } else {
    for (size_t k = 0; k < n; k++) path_add(path, step[k]);
    return true;
  }
  path_add(path, (YamlStep){"manifest", 0});
  path_add(path, (YamlStep){NULL, which});
  for (size_t k = taken; k < n; k++) path_add(path, step[k]);
  return true;
}

bool manifest_path(const Yaml *root, const YamlStep **step, size_t *n_steps, Arena *arena, const char **why) {
  const YamlStep *given = *step;
  size_t n = *n_steps, holder_steps = 2;
  if (n < 3 || !text_equal(given[0].key, "strategies") || !given[1].key || !given[2].key) return true;
  const YamlEntry *strategies = yaml_entry(root, "strategies"), *entry = strategies ? yaml_entry(strategies->value, given[1].key) : NULL;
  const Yaml *strategy = entry ? entry->value : NULL, *list = list_of(strategy);
  bool nodes = text_equal(given[2].key, "nodes"), scale = text_equal(given[2].key, "scale");
  size_t rest = 2; /* where the steps below the holder begin */
  if (scale || nodes) {
    const Yaml *own = list_of(value_at(strategy, given[2].key));
    if (own || !list || n < 4 || !text_equal(given[3].key, "spec")) {
      list = own;
      holder_steps = 3;
    }
    rest = 3;
  } else if (text_equal(given[2].key, "deployments") && n > 4 && given[3].key && text_equal(given[4].key, "scale")) {
    const Yaml *targets = value_at(strategy, "deployments");
    const YamlEntry *target = yaml_entry(targets, given[3].key);
    list = target ? list_of(value_at(target->value, "scale")) : NULL;
    holder_steps = rest = 5;
  }
  if (!list) return true;
  Path path = {.arena = arena, .step = ARENA_ARRAY(arena, YamlStep, n + 2)};
  for (size_t k = 0; k < holder_steps; k++) path_add(&path, given[k]);
  if (!lead(&path, list, nodes, given + rest, n - rest, why)) return false;
  *step = path.step;
  *n_steps = path.count;
  return true;
}

int manifest_kind_at(const Yaml *root, const YamlStep *step, size_t n_steps) {
  const Yaml *node = root;
  for (size_t k = 0; k + 2 < n_steps && node; k++) {
    if (text_equal(step[k].key, "manifest") && !step[k + 1].key) {
      const Yaml *list = value_at(node, "manifest");
      const Yaml *document = list && list->kind == YAML_LIST && step[k + 1].index < list->count ? list->entry[step[k + 1].index].value : NULL;
      const ManifestKind *kind = document ? manifest_kind_of(document) : NULL;
      const Model *model = kind && kind->model ? model_find(MODEL_POLICY, kind->model) : NULL;
      bool spec = text_equal(step[k + 2].key, "spec");
      int found = model && spec ? decode_kind_at(model->params, step + k + 3, n_steps - k - 3) : -1;
      return found >= 0 ? found : (int)FIELD_NUMBER;
    }
    const YamlEntry *entry = step[k].key ? yaml_entry(node, step[k].key) : NULL;
    node = entry ? entry->value : NULL;
  }
  return -1;
}

bool manifest_path_names(const YamlStep *step, size_t n_steps) { return n_steps > 2 && text_equal(step[0].key, "strategies") && text_equal(step[n_steps - 1].key, "manifest"); }
