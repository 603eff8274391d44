/* Reading ServeGen's token sizes; see trace_tokens.h. A dataset is JSON whose values are Python dictionaries as text:
 * {"21600": {"input_tokens": "{50: 1.0, 61: 0.2}", "output_tokens": "{}"}, ...}. Source: alibaba/ServeGen, data/. */
#include "sim/lab/trace_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "sim/core/time.h"
#include "sim/lab/trace_rows.h"

#define WINDOW_NS (6 * 3600 * NS_PER_S)
enum { DATASET_BYTES_MOST = 1 << 28, WINDOWS_MOST = 100000, TOKENS_MOST = 100000000 };

/* One window of one client: its requests, and where its sizes are. */
typedef struct ClientWindow {
  double requests;
  size_t input, n_input, output, n_output; /* places among the pairs */
} ClientWindow;

typedef struct TokenClient {
  const char *name; /* "chunk-12" */
  ClientWindow *window;
  size_t n_windows;
} TokenClient;

struct TraceTokens {
  Arena *arena;
  TokenClient *client;
  size_t n_clients, clients_room;
  TokenWeight *pair; /* tokens and probability */
  size_t n_pairs, pairs_room;
};

typedef struct Parser {
  TraceTokens *tokens;
  YamlSource source;
  size_t at;
  Err *err;
} Parser;

TraceTokens *trace_tokens_make(Arena *arena) {
  TraceTokens *tokens = ARENA_NEW(arena, TraceTokens);
  tokens->arena = arena;
  return tokens;
}

bool trace_tokens_is_dataset(const char *name) {
  static const char ending[] = "-dataset.json)";
  size_t n = strlen(name);
  return n > sizeof ending && strcmp(name + n + 1 - sizeof ending, ending) == 0;
}

/* ---- clients ---- */

/* The client of "...(folder/chunk-12-dataset.json)": chunk-12. */
static TokenClient *client_of(TraceTokens *tokens, const char *name) {
  const char *slash = strrchr(name, '/'), *open = strrchr(name, '('), *start = slash > open ? slash + 1 : open ? open + 1 : name;
  const char *end = strrchr(start, '-');
  size_t length = end ? (size_t)(end - start) : strlen(start);
  for (size_t k = tokens->n_clients; k-- > 0;)
    if (strncmp(tokens->client[k].name, start, length) == 0 && tokens->client[k].name[length] == '\0') return &tokens->client[k];
  if (tokens->n_clients == tokens->clients_room) {
    size_t room = tokens->clients_room ? 2 * tokens->clients_room : 64;
    tokens->client = arena_grow(tokens->arena, tokens->client, tokens->n_clients, room, sizeof *tokens->client);
    tokens->clients_room = room;
  }
  TokenClient *client = &tokens->client[tokens->n_clients++];
  *client = (TokenClient){.name = arena_text(tokens->arena, start, length)};
  return client;
}

/* NULL: too far away. */
static ClientWindow *window_at(TraceTokens *tokens, TokenClient *client, int64_t start_ns) {
  int64_t index = start_ns / WINDOW_NS;
  if (start_ns < 0 || index >= WINDOWS_MOST) return NULL;
  size_t at = (size_t)index;
  if (at >= client->n_windows) {
    client->window = arena_grow(tokens->arena, client->window, client->n_windows, at + 64, sizeof *client->window);
    client->n_windows = at + 64;
  }
  return &client->window[at];
}

void trace_tokens_requests(TraceTokens *tokens, const char *name, int64_t start_ns, double requests) {
  ClientWindow *window = window_at(tokens, client_of(tokens, name), start_ns);
  if (window) window->requests += requests;
}

/* ---- parsing ---- */

static bool wrong(const Parser *parser, const char *what) {
  return yaml_error(parser->err, ERR_SCENARIO, (YamlMark){&parser->source, parser->at}, "%s", what);
}

static void blanks(Parser *parser) { parser->at += strspn(parser->source.text + parser->at, " \t\r\n"); }

static bool take(Parser *parser, char c) {
  blanks(parser);
  if (parser->source.text[parser->at] != c) return false;
  parser->at++;
  return true;
}

/* "text" without escapes: *length bytes from *start on. */
static bool take_text(Parser *parser, const char **start, size_t *length) {
  if (!take(parser, '"')) return wrong(parser, "a text in quotes is wanted");
  *start = parser->source.text + parser->at;
  *length = strcspn(*start, "\"\\");
  if ((*start)[*length] != '"') return wrong(parser, "a text is not closed");
  parser->at += *length + 1;
  return true;
}

static void push_pair(TraceTokens *tokens, double size, double probability) {
  if (tokens->n_pairs == tokens->pairs_room) {
    size_t room = tokens->pairs_room ? 2 * tokens->pairs_room : 16384;
    tokens->pair = arena_grow(tokens->arena, tokens->pair, tokens->n_pairs, room, sizeof *tokens->pair);
    tokens->pairs_room = room;
  }
  tokens->pair[tokens->n_pairs++] = (TokenWeight){size, probability};
}

/* "{50: 1.0, 61: 0.2}" inside quotes; *first and *count are its pairs. */
static bool take_sizes(Parser *parser, size_t *first, size_t *count) {
  TraceTokens *tokens = parser->tokens;
  *first = tokens->n_pairs;
  if (!take(parser, '"') || !take(parser, '{')) return wrong(parser, "sizes are wanted: \"{tokens: probability, ...}\"");
  while (!take(parser, '}')) {
    char *end;
    blanks(parser);
    double size = strtod(parser->source.text + parser->at, &end);
    size_t digits = (size_t)(end - parser->source.text) - parser->at;
    if (digits == 0 || !(size >= 0 && size <= TOKENS_MOST)) return wrong(parser, "a number of tokens is wanted");
    parser->at += digits;
    if (!take(parser, ':')) return wrong(parser, "a colon is wanted");
    blanks(parser);
    double probability = strtod(parser->source.text + parser->at, &end);
    digits = (size_t)(end - parser->source.text) - parser->at;
    if (digits == 0 || !(probability >= 0 && probability <= 1.000001)) return wrong(parser, "a probability from 0 to 1 is wanted");
    parser->at += digits;
    push_pair(tokens, size, probability);
    (void)take(parser, ',');
  }
  *count = tokens->n_pairs - *first;
  return take(parser, '"') || wrong(parser, "a quote is wanted");
}

static bool is_name(const char *start, size_t length, const char *name) { return strlen(name) == length && memcmp(start, name, length) == 0; }

static bool take_window(Parser *parser, ClientWindow *window) {
  const char *name = "";
  size_t length = 0, first = 0, count = 0;
  if (!take(parser, '{')) return wrong(parser, "an object is wanted");
  while (!take(parser, '}')) {
    if (!take_text(parser, &name, &length)) return false;
    if (!take(parser, ':')) return wrong(parser, "a colon is wanted");
    if (!take_sizes(parser, &first, &count)) return false;
    if (is_name(name, length, "input_tokens") || is_name(name, length, "text_tokens")) window->input = first, window->n_input = count;
    else if (is_name(name, length, "output_tokens")) window->output = first, window->n_output = count;
    else parser->tokens->n_pairs = first; /* images and the like are sizes of another kind */
    (void)take(parser, ',');
  }
  return true;
}

static bool take_client(Parser *parser, TokenClient *client) {
  const char *start = "";
  size_t length = 0;
  if (!take(parser, '{')) return wrong(parser, "an object is wanted");
  while (!take(parser, '}')) {
    if (!take_text(parser, &start, &length)) return false;
    double start_s = strtod(start, NULL);
    ClientWindow *window = start_s >= 0 && start_s < 9e9 ? window_at(parser->tokens, client, (int64_t)start_s * NS_PER_S) : NULL;
    if (!window) return wrong(parser, "the start of a window is too far away");
    if (!take(parser, ':')) return wrong(parser, "a colon is wanted");
    if (!take_window(parser, window)) return false;
    (void)take(parser, ',');
  }
  blanks(parser);
  return parser->at == parser->source.length || wrong(parser, "something stands behind the object");
}

static char *whole_member(ByteSource *bytes, size_t *length, Arena *arena, Err *err) {
  size_t room = 1 << 16, n;
  char *text = arena_alloc(arena, room + 1, 1);
  for (*length = 0; (n = bytes_read(bytes, text + *length, room - *length)) > 0;) {
    *length += n;
    if (*length < room) continue;
    if (room >= DATASET_BYTES_MOST) return err_add(err, ERR_SCENARIO, "%.200s: larger than %d bytes", bytes_name(bytes), DATASET_BYTES_MOST), NULL;
    text = arena_grow(arena, text, room, 2 * room + 1, 1);
    room *= 2;
  }
  text[*length] = '\0';
  return text;
}

bool trace_tokens_read(TraceTokens *tokens, ByteSource *bytes, Err *err) {
  Arena text_arena = {.exhausted = tokens->arena->exhausted};
  size_t errors = err->count;
  Parser parser = {.tokens = tokens, .err = err, .source = {.name = bytes_name(bytes), .is_file = true}};
  parser.source.text = whole_member(bytes, &parser.source.length, &text_arena, err);
  bool good = parser.source.text && err->count == errors && take_client(&parser, client_of(tokens, bytes_name(bytes)));
  arena_free(&text_arena);
  return good;
}

/* ---- all clients together ---- */

static TokenWeight *mixed(const TraceTokens *tokens, bool output, size_t *n, Arena *arena) {
  size_t most = 0, count = 0;
  for (size_t c = 0; c < tokens->n_clients; c++)
    for (size_t w = 0; w < tokens->client[c].n_windows; w++)
      most += output ? tokens->client[c].window[w].n_output : tokens->client[c].window[w].n_input;
  TokenWeight *all = ARENA_ARRAY(arena, TokenWeight, most), *sorted = ARENA_ARRAY(arena, TokenWeight, most);
  SortKey *key = ARENA_ARRAY(arena, SortKey, most), *scratch = ARENA_ARRAY(arena, SortKey, most);
  for (size_t c = 0; c < tokens->n_clients; c++) {
    for (size_t w = 0; w < tokens->client[c].n_windows; w++) {
      const ClientWindow *window = &tokens->client[c].window[w];
      const TokenWeight *pair = tokens->pair + (output ? window->output : window->input);
      size_t pairs = output ? window->n_output : window->n_input;
      for (size_t k = 0; k < pairs && window->requests > 0; k++, count++) {
        all[count] = (TokenWeight){pair[k].tokens, pair[k].weight * window->requests};
        key[count] = (SortKey){sort_key_double(pair[k].tokens), count};
      }
    }
  }
  sort_keys(key, scratch, count);
  *n = 0;
  for (size_t k = 0; k < count; k++) {
    const TokenWeight *next = &all[key[k].index];
    if (*n > 0 && sorted[*n - 1].tokens == next->tokens) sorted[*n - 1].weight += next->weight;
    else sorted[(*n)++] = *next;
  }
  return sorted;
}

TokenSizes trace_tokens_sizes(const TraceTokens *tokens, Arena *arena) {
  TokenSizes sizes = {0};
  for (size_t c = 0; c < tokens->n_clients; c++) {
    bool has = false;
    for (size_t w = 0; w < tokens->client[c].n_windows; w++) {
      const ClientWindow *window = &tokens->client[c].window[w];
      if (window->n_input == 0 && window->n_output == 0) continue;
      has |= window->requests > 0;
      sizes.requests += window->requests;
    }
    sizes.n_clients += has;
  }
  if (sizes.n_clients == 0) return sizes;
  sizes.input = mixed(tokens, false, &sizes.n_input, arena);
  sizes.output = mixed(tokens, true, &sizes.n_output, arena);
  return sizes;
}
