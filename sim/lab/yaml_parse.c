/* Reads YAML with libfyaml's events into our own tree; the only file that knows libfyaml. Work is bounded whatever the text says: depth,
 * nodes, anchors, and what aliases and merge keys stand for when written out. An alias shares its anchor's node. */
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/check.h"
#include "sim/lab/yaml.h"

typedef struct Frame {
  YamlKind kind;
  YamlMark mark;
  const char *anchor;
  YamlEntry *entry;
  size_t count, capacity;
  const char *key; /* of the pair begun */
  YamlMark key_mark;
  YamlEntry *merge; /* maps named by << */
  size_t n_merges;
  uint32_t weight;
  uint8_t height;
} Frame;

typedef struct Anchor {
  const char *name;
  const Yaml *node;
} Anchor;

typedef struct Builder {
  const YamlSource *source;
  size_t skipped; /* a byte order mark before what libfyaml sees */
  Arena *arena;
  Err *err;
  Frame frame[YAML_DEPTH_MOST];
  size_t depth;
  Anchor *anchor;
  size_t n_anchors;
  size_t entries; /* made so far, merged ones too */
  const Yaml *root;
  size_t last_offset;
  unsigned documents;
  bool several; /* documents are allowed */
  const Yaml **all;
  size_t n_all, all_capacity;
} Builder;

/* ---- maps ---- */

typedef struct KeyOrder {
  const char *key;
  size_t order;
} KeyOrder;

static int compare_keys(const void *a, const void *b) {
  const KeyOrder *x = a, *y = b;
  int difference = strcmp(x->key, y->key);
  return difference ? difference : (x->order > y->order) - (x->order < y->order);
}

static bool duplicate_error(Builder *b, const YamlEntry *first, const YamlEntry *second) {
  size_t line, column;
  yaml_position(first->mark, &line, &column);
  return yaml_error(b->err, ERR_SCENARIO, second->mark, "duplicate key `%.60s`; the first one is on line %zu", second->key, line);
}

/* Own pairs come first, then those of each merged map in turn: the first pair with a key wins, and two own ones are an error. */
static bool frame_unique(Builder *b, Frame *frame, size_t own) {
  KeyOrder *sorted = ARENA_ARRAY(b->arena, KeyOrder, frame->count);
  bool good = true;
  for (size_t k = 0; k < frame->count; k++) sorted[k] = (KeyOrder){frame->entry[k].key, k};
  qsort(sorted, frame->count, sizeof *sorted, compare_keys);
  for (size_t k = 1, first = 0; k < frame->count; k++) {
    if (strcmp(sorted[first].key, sorted[k].key) != 0) {
      first = k;
      continue;
    }
    if (sorted[k].order < own) good = duplicate_error(b, &frame->entry[sorted[first].order], &frame->entry[sorted[k].order]);
    frame->entry[sorted[k].order].value = NULL;
  }
  size_t kept = 0;
  for (size_t k = 0; k < frame->count; k++)
    if (frame->entry[k].value) frame->entry[kept++] = frame->entry[k];
  frame->count = kept;
  return good;
}

static bool frame_push(Builder *b, Frame *frame, YamlEntry entry, YamlMark place) {
  if (++b->entries > YAML_NODES_MOST || frame->weight + entry.value->weight > YAML_NODES_MOST)
    return yaml_error(b->err, ERR_SCENARIO, place, "this makes more than %d values", YAML_NODES_MOST);
  if (b->depth + entry.value->height > YAML_DEPTH_MOST)
    return yaml_error(b->err, ERR_SCENARIO, place, "nested more than %d deep", YAML_DEPTH_MOST);
  if (frame->count == frame->capacity) {
    frame->capacity = frame->capacity ? frame->capacity * 2 : 4;
    frame->entry = arena_grow(b->arena, frame->entry, frame->count, frame->capacity, sizeof *frame->entry);
  }
  frame->entry[frame->count++] = entry;
  frame->weight += entry.value->weight;
  if (entry.value->height >= frame->height) frame->height = (uint8_t)(entry.value->height + 1);
  return true;
}

/* `<<: *a` and `<<: [*a, *b]`. Source: https://yaml.org/type/merge.html */
static bool frame_merge(Builder *b, Frame *frame, const Yaml *value) {
  size_t n = value->kind == YAML_LIST ? value->count : 1;
  for (size_t k = 0; k < n; k++) {
    const Yaml *map = value->kind == YAML_LIST ? value->entry[k].value : value;
    if (map->kind != YAML_MAP) return yaml_error(b->err, ERR_SCENARIO, frame->key_mark, "`<<` merges maps, not %s", yaml_kind_words(map));
    for (size_t j = 0; j < map->count; j++)
      if (!frame_push(b, frame, map->entry[j], frame->key_mark)) return false;
  }
  return true;
}

static bool frame_finish_map(Builder *b, Frame *frame) {
  size_t own = frame->count;
  for (size_t k = 0; k < frame->n_merges; k++) {
    frame->key_mark = frame->merge[k].mark;
    if (!frame_merge(b, frame, frame->merge[k].value)) return false;
  }
  return frame_unique(b, frame, own);
}

/* ---- nodes ---- */

static bool add_anchor(Builder *b, const char *name, const Yaml *node) {
  if (!name) return true;
  if (!b->anchor) b->anchor = ARENA_ARRAY(b->arena, Anchor, YAML_ANCHORS_MOST);
  if (b->n_anchors == YAML_ANCHORS_MOST)
    return yaml_error(b->err, ERR_SCENARIO, node->mark, "more than %d anchors", YAML_ANCHORS_MOST);
  b->anchor[b->n_anchors++] = (Anchor){name, node};
  return true;
}

/* Puts a finished node where it belongs. `place` differs from its own mark for an alias. */
static bool add_node(Builder *b, const Yaml *node, YamlMark place) {
  if (b->depth == 0) {
    b->root = node;
    return true;
  }
  Frame *frame = &b->frame[b->depth - 1];
  if (frame->kind == YAML_LIST) return frame_push(b, frame, (YamlEntry){.mark = place, .value = node}, place);
  if (!frame->key) {
    if (node->kind != YAML_SCALAR) return yaml_error(b->err, ERR_SCENARIO, place, "a key must be text, not %s", yaml_kind_words(node));
    frame->key = node->text;
    frame->key_mark = place;
    return true;
  }
  YamlEntry entry = {frame->key, frame->key_mark, node};
  frame->key = NULL;
  if (strcmp(entry.key, "<<") != 0) return frame_push(b, frame, entry, place);
  frame->merge = arena_grow(b->arena, frame->merge, frame->n_merges, frame->n_merges + 1, sizeof *frame->merge);
  frame->merge[frame->n_merges++] = entry;
  return frame->n_merges <= 16 || yaml_error(b->err, ERR_SCENARIO, place, "more than 16 `<<` in one map");
}

static bool begin_collection(Builder *b, YamlKind kind, YamlMark mark, const char *anchor) {
  if (b->depth == YAML_DEPTH_MOST) return yaml_error(b->err, ERR_SCENARIO, mark, "nested more than %d deep", YAML_DEPTH_MOST);
  if (b->depth > 0 && b->frame[b->depth - 1].kind == YAML_MAP && !b->frame[b->depth - 1].key)
    return yaml_error(b->err, ERR_SCENARIO, mark, "a key must be text, not %s", kind == YAML_LIST ? "a list" : "a map");
  b->frame[b->depth++] = (Frame){.kind = kind, .mark = mark, .anchor = anchor, .weight = 1, .height = 1};
  return true;
}

static bool end_collection(Builder *b) {
  Frame *frame = &b->frame[b->depth - 1];
  if (frame->kind == YAML_MAP && !frame_finish_map(b, frame)) return false;
  Yaml *node = ARENA_NEW(b->arena, Yaml);
  *node = (Yaml){.kind = frame->kind, .height = frame->height, .weight = frame->weight, .mark = frame->mark, .count = frame->count, .entry = frame->entry};
  b->depth--;
  return add_anchor(b, frame->anchor, node) && add_node(b, node, node->mark);
}

/* ---- events ---- */

static YamlMark event_mark(Builder *b, struct fy_event *event) {
  const struct fy_mark *mark = fy_event_start_mark(event);
  if (mark) b->last_offset = mark->input_pos + b->skipped;
  return (YamlMark){b->source, b->last_offset};
}

static const char *token_text(Builder *b, struct fy_token *token, size_t *length) {
  *length = 0;
  const char *text = token ? fy_token_get_text(token, length) : NULL;
  return arena_text(b->arena, text ? text : "", text ? *length : 0);
}

static const char *event_anchor(Builder *b, struct fy_event *event) {
  struct fy_token *token = fy_event_get_anchor_token(event);
  size_t length;
  return token ? token_text(b, token, &length) : NULL;
}

static bool take_scalar(Builder *b, struct fy_event *event, YamlMark mark) {
  struct fy_token *token = fy_event_get_token(event);
  size_t length;
  Yaml *node = ARENA_NEW(b->arena, Yaml);
  *node = (Yaml){.kind = YAML_SCALAR, .height = 1, .weight = 1, .mark = mark};
  node->plain = !token || fy_token_scalar_style(token) == FYSS_PLAIN;
  node->text = token_text(b, token, &length);
  if (memchr(node->text, '\0', length)) return yaml_error(b->err, ERR_SCENARIO, mark, "text must not hold a NUL character");
  if (token) b->last_offset = mark.offset + length;
  return add_anchor(b, event_anchor(b, event), node) && add_node(b, node, mark);
}

static bool take_alias(Builder *b, struct fy_event *event, YamlMark mark) {
  size_t length;
  const char *name = token_text(b, fy_event_get_token(event), &length);
  for (size_t k = b->n_anchors; k-- > 0;)
    if (strcmp(b->anchor[k].name, name) == 0) return add_node(b, b->anchor[k].node, mark);
  for (size_t k = 0; k < b->depth; k++)
    if (b->frame[k].anchor && strcmp(b->frame[k].anchor, name) == 0)
      return yaml_error(b->err, ERR_SCENARIO, mark, "`*%.60s` stands inside its own anchor", name);
  return yaml_error(b->err, ERR_SCENARIO, mark, "no anchor `&%.60s` before this", name);
}

/* Anchors end with their document. */
static void end_document(Builder *b) {
  if (!b->several) return;
  if (!yaml_is_null(b->root)) {
    if (b->n_all == b->all_capacity) {
      size_t grown = b->all_capacity ? b->all_capacity * 2 : 8;
      b->all = arena_grow(b->arena, b->all, b->n_all, grown, sizeof(const Yaml *));
      b->all_capacity = grown;
    }
    b->all[b->n_all++] = b->root;
  }
  b->root = NULL;
  b->n_anchors = 0;
}

static bool take_event(Builder *b, struct fy_event *event) {
  YamlMark mark = event_mark(b, event);
  switch (event->type) {
  case FYET_DOCUMENT_START:
    if (b->documents++ == 0 || b->several) return true;
    return yaml_error(b->err, ERR_SCENARIO, mark, "a second document begins here; only one is read");
  case FYET_MAPPING_START: return begin_collection(b, YAML_MAP, mark, event_anchor(b, event));
  case FYET_SEQUENCE_START: return begin_collection(b, YAML_LIST, mark, event_anchor(b, event));
  case FYET_MAPPING_END:
  case FYET_SEQUENCE_END: return end_collection(b);
  case FYET_SCALAR: return take_scalar(b, event, mark);
  case FYET_ALIAS: return take_alias(b, event, mark);
  case FYET_NONE:
  case FYET_STREAM_START:
  case FYET_STREAM_END: return true;
  case FYET_DOCUMENT_END: end_document(b); return true;
  }
  return true;
}

/* The offset of libfyaml's line and column (from 1; columns count characters). */
static size_t offset_of(const Builder *b, int line, int column) {
  const char *text = b->source->text;
  size_t at = b->skipped, end = b->source->length;
  for (int k = 1; k < line && at < end;) k += text[at++] == '\n';
  for (int k = 1; k < column && at < end && text[at] != '\n'; k++)
    do at++;
    while (at < end && ((unsigned char)text[at] & 0xc0) == 0x80);
  return at;
}

static bool library_error(Builder *b, struct fy_diag *diag) {
  void *previous = NULL;
  struct fy_diag_error *error = fy_diag_errors_iterate(diag, &previous);
  YamlMark mark = {b->source, b->last_offset};
  if (!error) return yaml_error(b->err, ERR_SCENARIO, mark, "this is no YAML");
  if (error->line > 0) mark.offset = offset_of(b, error->line, error->column);
  return yaml_error(b->err, ERR_SCENARIO, mark, "not YAML: %.150s", error->msg);
}

static bool read_events(Builder *b, struct fy_parser *parser, struct fy_diag *diag) {
  for (bool ended = false; !ended;) {
    struct fy_event *event = fy_parser_parse(parser);
    if (!event) return library_error(b, diag);
    ended = event->type == FYET_STREAM_END;
    bool good = take_event(b, event);
    fy_parser_event_free(parser, event);
    if (!good) return false;
  }
  return true;
}

/* ---- the text itself ---- */

/* Length of the valid UTF-8 sequence at text[0..n), 0 if it is none (overlong forms and surrogates are none). RFC 3629. */
static size_t sequence_bytes(const unsigned char *text, size_t n) {
  unsigned char c = text[0];
  if (c < 0x80) return 1;
  size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
  if (c < 0xc2 || c > 0xf4 || n < length) return 0;
  for (size_t k = 1; k < length; k++)
    if ((text[k] & 0xc0) != 0x80) return 0;
  if ((c == 0xe0 && text[1] < 0xa0) || (c == 0xed && text[1] > 0x9f)) return 0;
  if ((c == 0xf0 && text[1] < 0x90) || (c == 0xf4 && text[1] > 0x8f)) return 0;
  return length;
}

static bool check_text(const YamlSource *source, Err *err) {
  const unsigned char *text = (const unsigned char *)source->text;
  for (size_t at = 0; at < source->length;) {
    size_t n = sequence_bytes(text + at, source->length - at);
    if (n == 0) return yaml_error(err, ERR_SCENARIO, (YamlMark){source, at}, "byte 0x%02x is not UTF-8", text[at]);
    if ((text[at] < 0x20 && !strchr("\t\n\r", text[at])) || text[at] == 0x7f || text[at] == 0)
      return yaml_error(err, ERR_SCENARIO, (YamlMark){source, at}, "control character 0x%02x", text[at]);
    at += n;
  }
  return true;
}

static Builder *parse(const YamlSource *source, bool several, Arena *arena, Err *err) {
  if (!check_text(source, err)) return NULL;
  Builder *b = ARENA_NEW(arena, Builder);
  *b = (Builder){.source = source, .arena = arena, .err = err, .several = several};
  if (source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0) b->skipped = 3;
  struct fy_diag_cfg diag_config;
  fy_diag_cfg_default(&diag_config);
  struct fy_diag *diag = fy_diag_create(&diag_config);
  if (diag) fy_diag_set_collect_errors(diag, true);
  struct fy_parse_cfg config = {.search_path = "", .flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS, .diag = diag};
  struct fy_parser *parser = diag ? fy_parser_create(&config) : NULL;
  bool good = parser && fy_parser_set_string(parser, source->text + b->skipped, source->length - b->skipped) == 0;
  if (!good) err_add(err, ERR_IO, "out of memory");
  else good = read_events(b, parser, diag);
  if (parser) fy_parser_destroy(parser);
  if (diag) fy_diag_destroy(diag);
  return good ? b : NULL;
}

const Yaml *yaml_parse(const YamlSource *source, Arena *arena, Err *err) {
  Builder *b = parse(source, false, arena, err);
  if (!b) return NULL;
  if (b->root) return b->root;
  Yaml *nothing = ARENA_NEW(arena, Yaml);
  *nothing = (Yaml){.kind = YAML_SCALAR, .plain = true, .height = 1, .weight = 1, .mark = {source, 0}, .text = ""};
  return nothing;
}

const Yaml *const *yaml_parse_all(const YamlSource *source, size_t *count, Arena *arena, Err *err) {
  static const Yaml *const none[1];
  Builder *b = parse(source, true, arena, err);
  *count = b ? b->n_all : 0;
  if (!b) return NULL;
  return b->all ? b->all : none;
}
