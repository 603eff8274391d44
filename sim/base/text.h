/* Text: a growing byte string on an arena, and the few string helpers that diagnostics need. Always NUL-terminated. */
#ifndef SIM_BASE_TEXT_H
#define SIM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/arena.h"

typedef struct Text {
  Arena *arena;
  char *bytes; /* NULL when nothing was ever added */
  size_t length, capacity;
} Text;

void text_add(Text *text, const char *bytes, size_t length);
void text_addf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Levenshtein distance with transpositions (optimal string alignment), case-insensitive; stops counting above `limit`. */
size_t text_distance(const char *a, const char *b, size_t limit);
/* The nearest of n names (distance <= max(2, length/3)), or NULL. */
const char *text_nearest(const char *name, const char *const *names, size_t n);
bool text_equal(const char *a, const char *b);
/* Writes a double as the shortest decimal that reads back equal ("0.1", "1e+20"); returns the length. buffer >= 32 bytes. */
size_t text_double(char *buffer, double value);

#endif
