/* The end of a program that found a bug of its own: where, what, abort. The one place below sim/app that prints. */
#include "sim/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: internal error: CHECK(%s) failed; please report this with the scenario that caused it\n",
          file, line, condition);
  abort();
}
