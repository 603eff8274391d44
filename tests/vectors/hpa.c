/* Schemas hpa_*. */
#include "tests/vectors/vectors.h"

const Schema hpa_schemas[] = {{NULL, NULL}};
