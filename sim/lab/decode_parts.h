/* Between the decoder's files: scalars (decode_scalar.c), laws (decode_law.c), structure (decode.c). */
#ifndef SIM_LAB_DECODE_PARTS_H
#define SIM_LAB_DECODE_PARTS_H

#include "sim/lab/decode.h"

/* A scalar of any quantity kind, a flag, a text, a choice or a file, into its member; bounds are checked. */
bool decode_scalar(Decoder *decoder, const Field *field, const Yaml *node, void *member);
bool decode_law(Decoder *decoder, const Field *field, const Yaml *node, Distribution *member);
/* The quantity kind of a distribution's values; other kinds are themselves. */
FieldKind quantity_kind(FieldKind kind);
/* Base units (ns, millicores, nano-USD) in one edge unit (s, cores, USD). */
double kind_scale(FieldKind kind);
/* Parses a quantity into base units as a double. */
bool parse_quantity(FieldKind kind, const char *text, double *value, const char **why);
/* "from 1ms to 1d", "at least 0": the allowed range. On the arena. */
const char *range_text(FieldKind kind, double min, double max, Arena *arena);

#endif
