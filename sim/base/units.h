/* Quantities as users write them, read exactly as Kubernetes reads them: "500m", "16Gi", "10G", "1.5", "2e3"; durations as Go reads
 * them ("95s", "1h30m", "250ms", and plain "0"), plus d and w for days and weeks; percentages "70%"; money "$0.526/h"; rates "40/s".
 * Integers stay exact. Trailing junk, NaN, infinities and overflow are errors. Every parser returns false and sets *why (a static or
 * arena-free constant text such as "not a duration; write a number with a unit: 250ms, 95s, 5m, 24h") when it cannot read the text. */
#ifndef SIM_BASE_UNITS_H
#define SIM_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds. Units ns us µs ms s m h d w; sums allowed ("1h30m"); a leading '-' is read (bounds are checked elsewhere).
 * A bare number other than 0 is an error: the unit is missing. Source: Go time.ParseDuration (1.22). */
bool parse_duration_ns(const char *text, int64_t *ns, const char **why);
/* Whole units of 10^-3 (millicores, milli-GPUs): "4", "500m", "1.5", "2k"; rounded up as Kubernetes does. */
bool parse_milli(const char *text, int64_t *milli, const char **why);
/* Whole bytes (rounded up as Kubernetes does): "16Gi", "10G", "1.5Gi", "123456789", "1e9". "10GB" is an error that says to write 10G. */
bool parse_bytes(const char *text, int64_t *bytes, const char **why);
/* A ratio: "0.7" or "70%". */
bool parse_ratio(const char *text, double *ratio, const char **why);
/* A rate per second: "40/s", "12/m", "3/h", "1.5k/s"; the unit is required. */
bool parse_rate_rps(const char *text, double *rps, const char **why);
/* Nano-dollars per hour: "$0.526/h", "$12/h"; at most nine decimals, exact. */
bool parse_usd_per_h(const char *text, int64_t *nano_usd_per_h, const char **why);
/* Nano-dollars: "$100", "$0.5". */
bool parse_usd(const char *text, int64_t *nano_usd, const char **why);
/* A plain finite number, optional SI suffix k M G: "12", "1e6", "2.5k". */
bool parse_number(const char *text, double *number, const char **why);
/* A plain integer, optional exponent form that is whole ("1e8"). */
bool parse_integer(const char *text, int64_t *integer, const char **why);

/* The inverse: shortest exact text ("95s", "1m30s", "16Gi", "500m", "$0.526/h"). buffer >= 48 bytes; returns the length. */
size_t format_duration(char *buffer, int64_t ns);
size_t format_bytes(char *buffer, int64_t bytes);
size_t format_milli(char *buffer, int64_t milli);
size_t format_usd_per_h(char *buffer, int64_t nano_usd_per_h);

#endif
