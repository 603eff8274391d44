/* Schemas vpa_*. */
#include "tests/vectors/vectors.h"

const Schema vpa_schemas[] = {{NULL, NULL}};
