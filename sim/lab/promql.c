/* A small reader of queries; see promql.h. What it does not know it does not guess. */
#include "sim/lab/promql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"

typedef struct Reader {
  const char *at, *why;
  int depth;
  Promql *query;
} Reader;

enum { DEPTH_MOST = 16 };

static bool fails(Reader *r, const char *why) {
  if (!r->why) r->why = why;
  return false;
}

static void skip_spaces(Reader *r) { r->at += strspn(r->at, " \t\r\n"); }

static bool take(Reader *r, char c) {
  skip_spaces(r);
  if (*r->at != c) return false;
  r->at++;
  return true;
}

static bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':'; }

static size_t name_length(const char *text) {
  size_t n = 0;
  if (text[0] >= '0' && text[0] <= '9') return 0;
  while (is_name(text[n])) n++;
  return n;
}

static bool is_word(const char *text, size_t n, const char *word) { return strlen(word) == n && strncmp(text, word, n) == 0; }

static bool take_word(Reader *r, const char *word) {
  skip_spaces(r);
  if (!is_word(r->at, name_length(r->at), word)) return false;
  r->at += strlen(word);
  return true;
}

/* From an opening bracket to its end, quoted texts skipped over. */
static bool skip_group(Reader *r, char open, char close) {
  if (!take(r, open)) return fails(r, "a bracket is missing");
  char quote = 0;
  for (; *r->at; r->at++) {
    if (quote) {
      if (*r->at == '\\' && r->at[1]) r->at++;
      else if (*r->at == quote) quote = 0;
    } else if (*r->at == '"' || *r->at == '\'' || *r->at == '`') {
      quote = *r->at;
    } else if (*r->at == close) {
      r->at++;
      return true;
    }
  }
  return fails(r, "a bracket is not closed");
}

/* by (a, b), without (a): which series are kept apart does not matter to a sum of all. */
static bool skip_grouping(Reader *r) {
  if (take_word(r, "by") || take_word(r, "without")) return skip_group(r, '(', ')');
  return true;
}

static bool read_number(Reader *r, double *number) {
  char *end;
  skip_spaces(r);
  if (!strchr("0123456789.", *r->at) || !*r->at) return fails(r, "a number is missing");
  *number = strtod(r->at, &end);
  if (end == r->at || !isfinite(*number)) return fails(r, "a number is missing");
  r->at = end;
  return true;
}

static bool read_range(Reader *r) {
  char text[32];
  const char *why;
  size_t n = strcspn(r->at, "]:");
  if (r->at[n] != ']' || n == 0 || n >= sizeof text) return fails(r, "a range is written [5m]");
  memcpy(text, r->at, n);
  text[n] = '\0';
  if (!parse_duration_ns(text, &r->query->window_ns, &why) || r->query->window_ns <= 0) return fails(r, "a range is written [5m]");
  r->at += n + 1;
  return true;
}

static bool read_expression(Reader *r);

/* Labels that choose among a deployment's own jobs or series; others say whose metric it is, which the strategy says here. */
static bool chooses_jobs(const char *label, size_t n) {
  static const char *const names[] = {"status", "code", "response_code", "response_code_class", "response_flags", "grpc_response_status",
                                      "state", "finished_reason", "le", "quantile"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++)
    if (is_word(label, n, names[k])) return true;
  return false;
}

static bool read_labels(Reader *r) {
  const char *at = r->at + 1;
  if (!skip_group(r, '{', '}')) return false;
  while (at < r->at) { /* name, then whatever it is compared with, then a comma */
    at += strspn(at, " \t\r\n,");
    size_t n = name_length(at);
    if (n && chooses_jobs(at, n)) return fails(r, "a label that chooses among jobs");
    for (char quote = 0; at < r->at && (quote || *at != ','); at++) {
      if (quote && *at == '\\' && at[1]) at++;
      else if (quote ? *at == quote : *at == '"' || *at == '\'' || *at == '`') quote = quote ? 0 : *at;
    }
  }
  return true;
}

static bool read_metric(Reader *r, size_t n) {
  if (r->query->metric) return fails(r, "more than one metric");
  r->query->metric = r->at;
  r->query->metric_length = n;
  r->at += n;
  skip_spaces(r);
  if (*r->at == '{' && !read_labels(r)) return false;
  return !take(r, '[') || read_range(r);
}

static bool read_aggregation(Reader *r, MetricAggregate aggregate) {
  if (r->query->rate || !isnan(r->query->quantile)) r->query->aggregated = r->query->aggregated || aggregate == METRIC_SUM;
  if (r->query->aggregated && r->query->aggregate != aggregate) return fails(r, "aggregations of different kinds");
  r->query->aggregated = true;
  r->query->aggregate = aggregate;
  return skip_grouping(r) && (take(r, '(') || fails(r, "a bracket is missing")) && read_expression(r) && (take(r, ')') || fails(r, "a bracket is not closed")) &&
         skip_grouping(r);
}

static bool read_call(Reader *r) {
  return (take(r, '(') || fails(r, "a bracket is missing")) && read_expression(r) && (take(r, ')') || fails(r, "a bracket is not closed"));
}

static bool read_rate(Reader *r, bool increase) {
  if (r->query->rate) return fails(r, "a rate of a rate");
  r->query->rate = true;
  if (!read_call(r)) return false;
  if (r->query->window_ns == 0) return fails(r, "a rate needs a range: [5m]");
  if (increase) r->query->multiply *= (double)r->query->window_ns / 1e9;
  return true;
}

static bool read_quantile(Reader *r) {
  if (!isnan(r->query->quantile)) return fails(r, "a quantile of a quantile");
  return (take(r, '(') || fails(r, "a bracket is missing")) && read_number(r, &r->query->quantile) && (take(r, ',') || fails(r, "histogram_quantile(q, ...) is wanted")) &&
         read_expression(r) && (take(r, ')') || fails(r, "a bracket is not closed"));
}

static bool read_term(Reader *r) {
  static const struct { const char *name; MetricAggregate aggregate; } aggregations[] = {
      {"sum", METRIC_SUM}, {"avg", METRIC_MEAN}, {"max", METRIC_MAX}, {"min", METRIC_MIN}};
  if (take(r, '(')) return read_expression(r) && (take(r, ')') || fails(r, "a bracket is not closed"));
  skip_spaces(r);
  size_t n = name_length(r->at);
  if (n == 0) return fails(r, "a metric is missing");
  const char *name = r->at, *after = name + n + strspn(name + n, " \t\r\n");
  size_t next = name_length(after);
  if (*after != '(' && !is_word(after, next, "by") && !is_word(after, next, "without")) return read_metric(r, n);
  r->at = name + n;
  for (size_t k = 0; k < sizeof aggregations / sizeof *aggregations; k++)
    if (is_word(name, n, aggregations[k].name)) return read_aggregation(r, aggregations[k].aggregate);
  if (is_word(name, n, "rate") || is_word(name, n, "irate")) return read_rate(r, false);
  if (is_word(name, n, "increase")) return read_rate(r, true);
  if (is_word(name, n, "avg_over_time") || is_word(name, n, "scalar")) return read_call(r);
  if (is_word(name, n, "histogram_quantile")) return read_quantile(r);
  return fails(r, "a function that is not known here");
}

/* term [* number | / number]... [or vector(0)] */
static bool read_expression(Reader *r) {
  if (++r->depth > DEPTH_MOST) return fails(r, "too deep");
  if (!read_term(r)) return false;
  for (;;) {
    double number = 1;
    if (take(r, '*')) {
      if (!read_number(r, &number)) return false;
      r->query->multiply *= number;
    } else if (take(r, '/')) {
      if (!read_number(r, &number)) return false;
      if (!(number > 0)) return fails(r, "a division by zero");
      r->query->multiply /= number;
    } else if (take_word(r, "or")) {
      if (!take_word(r, "vector") || !skip_group(r, '(', ')')) return fails(r, "only `or vector(0)` is known here");
    } else {
      r->depth--;
      return true;
    }
  }
}

bool promql_read(const char *text, Promql *query, const char **why) {
  *query = (Promql){.quantile = (double)NAN, .multiply = 1};
  Reader r = {.at = text, .query = query};
  bool good = read_expression(&r);
  skip_spaces(&r);
  if (good && *r.at) good = fails(&r, "more than one metric");
  if (good && !query->metric) good = fails(&r, "no metric");
  *why = r.why;
  return good;
}
