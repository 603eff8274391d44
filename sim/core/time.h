/* Time is int64 nanoseconds from the start of a run; seconds exist only at the edges. INSTANT_NEVER is later than everything. */
#ifndef SIM_CORE_TIME_H
#define SIM_CORE_TIME_H

#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define INSTANT_NEVER INT64_MAX

/* Nearest nanosecond, ties to even; clamped to [0, 2^62] (146 years), so sums of two never overflow. NaN gives 0. */
static inline int64_t ns_from_double(double ns) {
  const double limit = 4611686018427387904.0;
  if (!(ns > 0)) return 0;
  if (ns >= limit) return INT64_C(1) << 62;
  const double magic = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer in the default mode */
  if (ns < 2251799813685248.0) return (int64_t)((ns + magic) - magic);
  return (int64_t)ns;
}
static inline double s_from_ns(int64_t ns) { return (double)ns / 1e9; }

enum { SLICES = 64, TRACE_ROWS = 256, ROWS_PER_SLICE = TRACE_ROWS / SLICES };

/* First instant of trace row k (0..TRACE_ROWS): floor(k * horizon / 256). Row k covers [row_start(k), row_start(k+1)). */
static inline int64_t row_start_ns(int64_t horizon_ns, int k) { return (int64_t)((__int128)horizon_ns * k / TRACE_ROWS); }
/* The row that holds instant t: the largest k with row_start(k) <= t; instants at or past the horizon are in the last row. */
static inline int row_of(int64_t horizon_ns, int64_t t_ns) {
  if (t_ns >= horizon_ns) return TRACE_ROWS - 1;
  int k = (int)((__int128)t_ns * TRACE_ROWS / horizon_ns);
  while (k + 1 < TRACE_ROWS && row_start_ns(horizon_ns, k + 1) <= t_ns) k++;
  return k;
}

#endif
