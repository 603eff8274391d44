/* What every C test includes: cmocka with what it needs, and skipping with a reason that the test run counts and prints. */
#ifndef TESTS_TESTING_H
#define TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* Ends the test as skipped; tests/run.py reads the line before it. */
#define SKIP(reason)                    \
  do {                                  \
    print_message("skip: %s\n", reason); \
    skip();                             \
  } while (0)

/* The folder of real data, or a skip. */
static inline const char *real_data(void) {
  const char *folder = getenv("HEADROOM_DATA");
  if (!folder) SKIP("HEADROOM_DATA is not set");
  return folder;
}

/* --short (sanitizers) asks for fewer repetitions, nightly for more: the number to use. */
static inline int repetitions(int usual, int nightly) {
  if (getenv("HEADROOM_SHORT")) return usual / 10 > 0 ? usual / 10 : 1;
  return getenv("HEADROOM_NIGHTLY") ? nightly : usual;
}

#endif
