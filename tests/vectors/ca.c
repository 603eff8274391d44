/* Schemas ca_*. */
#include "tests/vectors/vectors.h"

const Schema ca_schemas[] = {{NULL, NULL}};
