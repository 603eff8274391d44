/* Schemas ray_*. */
#include "tests/vectors/vectors.h"

const Schema ray_schemas[] = {{NULL, NULL}};
