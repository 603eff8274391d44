/* Schemas keda_*. */
#include "tests/vectors/vectors.h"

const Schema keda_schemas[] = {{NULL, NULL}};
