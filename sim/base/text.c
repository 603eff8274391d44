/* Growing text, distances between names, and doubles as text. Letters are ASCII's: names and units are, and no locale is asked. */
#include "sim/base/text.h"

#include <float.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/check.h"

/* Room for `more` bytes and the final NUL. */
static void text_reserve(Text *text, size_t more) {
  size_t need = text->length + more + 1;
  if (need <= text->capacity) return;
  size_t capacity = text->capacity < 32 ? 64 : 2 * text->capacity;
  if (capacity < need) capacity = need;
  text->bytes = arena_grow(text->arena, text->bytes, text->bytes ? text->length : 0, capacity, 1);
  text->capacity = capacity;
}

void text_add(Text *text, const char *bytes, size_t length) {
  text_reserve(text, length);
  if (length > 0) memmove(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = '\0';
}

void text_addf(Text *text, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  CHECK(length >= 0);
  text_reserve(text, (size_t)length);
  vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
  va_end(again);
  text->length += (size_t)length;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

enum { DISTANCE_BYTES = 128 }; /* the longest difference that is measured; longer ones count as beyond every limit */

/* The distance of a[0..n) and b[0..m), m < DISTANCE_BYTES, by three rows of the usual table. */
static size_t distance_table(const char *a, size_t n, const char *b, size_t m, size_t limit) {
  size_t rows[3][DISTANCE_BYTES], *before = rows[0], *above = rows[1], *row = rows[2];
  for (size_t j = 0; j <= m; j++) above[j] = before[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t least = row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      char x = lower(a[i - 1]), y = lower(b[j - 1]);
      size_t best = above[j - 1] + (x != y);
      if (above[j] + 1 < best) best = above[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y;
      if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      row[j] = best;
      if (best < least) least = best;
    }
    if (least > limit + 1) return limit + 1; /* a swap may still come back over one row */
    size_t *free_row = before;
    before = above;
    above = row;
    row = free_row;
  }
  return above[m] > limit ? limit + 1 : above[m];
}

size_t text_distance(const char *a, const char *b, size_t limit) {
  while (*a && lower(*a) == lower(*b)) a++, b++;
  size_t n = strlen(a), m = strlen(b);
  while (n > 0 && m > 0 && lower(a[n - 1]) == lower(b[m - 1])) n--, m--;
  size_t apart = n > m ? n - m : m - n, shorter = n < m ? n : m;
  if (limit > SIZE_MAX - 2) limit = SIZE_MAX - 2;
  if (apart > limit || (shorter >= DISTANCE_BYTES)) return limit + 1;
  return n < m ? distance_table(b, m, a, n, limit) : distance_table(a, n, b, m, limit);
}

const char *text_nearest(const char *name, const char *const *names, size_t n) {
  size_t length = strlen(name), limit = length / 3 > 2 ? length / 3 : 2;
  const char *nearest = NULL;
  for (size_t k = 0; k < n; k++) {
    if (!names[k]) continue;
    size_t other = strlen(names[k]), longer = length > other ? length : other;
    size_t distance = text_distance(name, names[k], limit);
    if (distance > limit || (distance > 0 && distance >= longer)) continue; /* nothing in common is not near */
    nearest = names[k];
    if (distance == 0) break;
    limit = distance - 1; /* among equals the first one listed */
  }
  return nearest;
}

bool text_equal(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

size_t text_double(char *buffer, double value) {
  if (value != value) return (size_t)snprintf(buffer, 32, "nan");
  /* Decimals of up to 15 digits survive the way through a normal double, so %.15g is the shortest when it reads back equal. */
  int digits = value > -DBL_MIN && value < DBL_MIN ? 1 : 15;
  for (;; digits++) {
    int length = snprintf(buffer, 32, "%.*g", digits, value);
    if (digits >= 17 || strtod(buffer, NULL) == value) return (size_t)length;
  }
}
