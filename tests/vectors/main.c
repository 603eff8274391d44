/* Runs every *.json of a folder: `vectors DIR`. One line a file, `schema: N passed, N failed`; last line the sums; exit 1 if any case
 * failed, a file could not be read or its schema is unknown, or the folder holds none. */
#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/vectors/vectors.h"

static const Schema *const families[] = {hpa_schemas, kpa_schemas, keda_schemas, vpa_schemas, ray_schemas, wva_schemas, ca_schemas};

/* ---- members and expectations ---- */

void case_fails(Case *c, const char *format, ...) {
  va_list arguments;
  const char *id = json_string_value(json_object_get(c->json, "id"));
  fprintf(stderr, "  %s: ", id ? id : "(no id)");
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  c->failures++;
}

const json_t *member(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_null(value) ? NULL : value;
}

double number_of(Case *c, const json_t *object, const char *key, double fallback) {
  const json_t *value = member(object, key);
  if (!value) return fallback;
  if (!json_is_number(value)) case_fails(c, "%s is not a number", key);
  return json_number_value(value);
}

int64_t integer_of(Case *c, const json_t *object, const char *key, int64_t fallback) {
  const json_t *value = member(object, key);
  if (!value) return fallback;
  if (json_is_integer(value)) return json_integer_value(value);
  double number = json_number_value(value);
  if (!json_is_real(value) || number != floor(number) || fabs(number) > 9.2e18) {
    case_fails(c, "%s is not an integer", key);
    return fallback;
  }
  return (int64_t)number;
}

bool flag_of(Case *c, const json_t *object, const char *key, bool fallback) {
  const json_t *value = member(object, key);
  if (!value) return fallback;
  if (!json_is_boolean(value)) case_fails(c, "%s is not true or false", key);
  return json_is_true(value);
}

const char *text_of(Case *c, const json_t *object, const char *key, const char *fallback) {
  const json_t *value = member(object, key);
  if (!value) return fallback;
  if (!json_is_string(value)) case_fails(c, "%s is not a text", key);
  return json_is_string(value) ? json_string_value(value) : fallback;
}

int64_t ns_of(Case *c, const json_t *object, const char *key, int64_t fallback_ns) {
  if (!member(object, key)) return fallback_ns;
  double ns = rint(number_of(c, object, key, 0) * 1e9);
  return fabs(ns) < 9e18 ? (int64_t)ns : ns < 0 ? INT64_MIN / 2 : INT64_MAX / 2; /* -1e12 s stands for long ago */
}

void expect_integer(Case *c, const char *what, int64_t got, int64_t expected) {
  if (got != expected) case_fails(c, "%s is %lld, expected %lld", what, (long long)got, (long long)expected);
}

void expect_flag(Case *c, const char *what, bool got, bool expected) {
  if (got != expected) case_fails(c, "%s is %s, expected %s", what, got ? "true" : "false", expected ? "true" : "false");
}

void expect_text(Case *c, const char *what, const char *got, const char *expected) {
  if (!got || strcmp(got, expected) != 0) case_fails(c, "%s is `%s`, expected `%s`", what, got ? got : "(nothing)", expected);
}

void expect_close(Case *c, const char *what, double got, double expected, double tolerance) {
  if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected)))) case_fails(c, "%s is %.17g, expected %.17g", what, got, expected);
}

/* ---- files ---- */

static const Schema *schema_find(const char *name) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++)
    for (const Schema *schema = families[f]; schema->name; schema++)
      if (name && strcmp(schema->name, name) == 0) return schema;
  return NULL;
}

typedef struct Count {
  long passed, failed;
} Count;

static bool run_file(const char *path, Count *sum) {
  json_error_t error;
  json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (!file) {
    fprintf(stderr, "%s:%d:%d: %s\n", path, error.line, error.column, error.text);
    return false;
  }
  const char *name = json_string_value(json_object_get(file, "schema"));
  const json_t *cases = json_object_get(file, "cases");
  const Schema *schema = schema_find(name);
  if (!schema || !json_is_array(cases) || json_array_size(cases) == 0) {
    fprintf(stderr, "%s: %s `%s`\n", path, !schema ? "unknown schema" : "no cases of schema", name ? name : "");
    json_decref(file);
    return false;
  }
  Count count = {0, 0};
  for (size_t k = 0; k < json_array_size(cases); k++) {
    Arena arena = {0};
    Case c = {.json = json_array_get(cases, k), .arena = &arena};
    schema->run(&c);
    if (c.failures) count.failed++;
    else count.passed++;
    arena_free(&arena);
  }
  printf("%s: %ld passed, %ld failed\n", name, count.passed, count.failed);
  sum->passed += count.passed;
  sum->failed += count.failed;
  json_decref(file);
  return true;
}

static int is_json(const struct dirent *entry) {
  size_t n = strlen(entry->d_name);
  return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: vectors DIR\n");
    return 2;
  }
  struct dirent **entry;
  int n = scandir(argv[1], &entry, is_json, alphasort);
  if (n <= 0) {
    fprintf(stderr, "vectors: no *.json in %s\n", argv[1]);
    return 1;
  }
  Count sum = {0, 0};
  bool good = true;
  for (int k = 0; k < n; k++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", argv[1], entry[k]->d_name);
    good &= run_file(path, &sum);
    free(entry[k]);
  }
  free(entry);
  printf("vectors: %ld passed, %ld failed\n", sum.passed, sum.failed);
  return good && sum.failed == 0 ? 0 : 1;
}
