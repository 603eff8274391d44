/* Reference pages and the JSON Schema of a scenario file, from the same tables as the decoder. Text only; nothing is printed here. */
#ifndef SIM_LAB_REFERENCE_H
#define SIM_LAB_REFERENCE_H

#include "sim/base/text.h"
#include "sim/run/scenario.h"

/* The page of a topic into `out` (whose arena is used for everything). No words: the list of topics. Otherwise a type of the scenario
 * ("scenario", "deployment", "queue" ...), a category ("policy", "node-policy", "workload", "service", "speed", "rate"), a category and
 * a model ("policy threshold"), a model's name alone where it is unique, "distribution", "units", "trace", "catalog", "columns" or "schema".
 * False with an error (ERR_USAGE) that names the nearest topic. */
bool reference_page(Text *out, const char *const *word, size_t n_words, Err *err);
/* One type: its keys with kind, unit, default, bounds, help and source; nested objects below them, indented. */
void reference_type(Text *out, const Type *type, bool nested, int indent);
void reference_model(Text *out, const Model *model);
/* The columns of result files, with unit and help. */
void reference_columns(Text *out);
/* JSON Schema (draft 2020-12) of a scenario file. */
void reference_schema(Text *out);

#endif
