/* Parameters of models for tests, set by the same tables as YAML is: defaults, then `param_set(type, params, "data_size.below", "10G")`.
 * What is not in the table, or cannot be read, fails the test. */
#ifndef TESTS_SUPPORT_PARAMS_H
#define TESTS_SUPPORT_PARAMS_H

#include "sim/base/arena.h"
#include "sim/contract/type.h"

/* A new params struct with all defaults. */
void *param_new(Arena *arena, const Type *type);
/* Sets one field (a path through objects) from its YAML text; distributions read a plain value of their unit as a constant. */
void param_set(const Type *type, void *params, const char *path, const char *text);
/* Makes the object of a FIELD_POINTER, with its defaults, and returns it. */
void *param_point(Arena *arena, const Type *type, void *params, const char *path);
/* Makes a list of n default items of the field's type and returns it; *item_type is theirs. */
void *param_list(Arena *arena, const Type *type, void *params, const char *path, size_t n, const Type **item_type);
/* The member itself, for kinds that have no text here (a distribution, a trace). */
void *param_at(const Type *type, void *params, const char *path);

#endif
