/* The vector runner: files of cases (JSON, one schema each; see cases/README.md) against the functions that the simulator itself calls.
 * A family of autoscalers has one file here with a function a schema and an entry in the list of main.c. */
#ifndef TESTS_VECTORS_VECTORS_H
#define TESTS_VECTORS_VECTORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/arena.h"

/* One case being run: expectations that fail are counted and printed with the case's id. */
typedef struct Case {
  const json_t *json;
  Arena *arena; /* of this case alone */
  int failures;
} Case;

typedef struct Schema {
  const char *name;
  void (*run)(Case *);
} Schema;

extern const Schema hpa_schemas[], kpa_schemas[], keda_schemas[], vpa_schemas[], ray_schemas[], wva_schemas[], ca_schemas[]; /* name NULL ends */

/* Members. A member that is absent or null gives the fallback; one of another type is a failure of the case. */
const json_t *member(const json_t *object, const char *key); /* NULL when absent or null */
double number_of(Case *c, const json_t *object, const char *key, double fallback);
int64_t integer_of(Case *c, const json_t *object, const char *key, int64_t fallback); /* a number with a fraction is a failure */
bool flag_of(Case *c, const json_t *object, const char *key, bool fallback);
const char *text_of(Case *c, const json_t *object, const char *key, const char *fallback);
int64_t ns_of(Case *c, const json_t *object, const char *key, int64_t fallback_ns); /* seconds, rounded to ns */

/* Expectations; `what` names the figure. Equal means equal, close means |got - expected| <= tolerance * max(1, |expected|). */
void expect_integer(Case *c, const char *what, int64_t got, int64_t expected);
void expect_flag(Case *c, const char *what, bool got, bool expected);
void expect_text(Case *c, const char *what, const char *got, const char *expected);
void expect_close(Case *c, const char *what, double got, double expected, double tolerance);
void case_fails(Case *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
