/* Instants of trace files as integers: dates with up to nine decimals of a second, or plain numbers of a unit. */
#ifndef SIM_LAB_TRACE_TIME_H
#define SIM_LAB_TRACE_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* "2023-11-16 18:17:03.9799600", with T or a space, and perhaps Z or +01:00 behind: ns since 1970, UTC where no zone is given. */
bool parse_date_ns(const char *text, int64_t *ns, const char **why);
/* A decimal number of units of unit_ns, exact to the ns (what is below is rounded to nearest). */
bool parse_instant_ns(const char *text, int64_t unit_ns, int64_t *ns, const char **why);

#endif
