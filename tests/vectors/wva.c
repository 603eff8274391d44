/* Schemas wva_*. */
#include "tests/vectors/vectors.h"

const Schema wva_schemas[] = {{NULL, NULL}};
