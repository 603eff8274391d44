/* Schemas kpa_*. */
#include "tests/vectors/vectors.h"

const Schema kpa_schemas[] = {{NULL, NULL}};
