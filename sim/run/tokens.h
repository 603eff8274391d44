/* Times of jobs whose service gives its output token by token: to the first token, from the client's first arrival on, and for each further
 * one. Booked when the job has finished: to the row of that instant, and to the slice of its first arrival. */
#ifndef SIM_RUN_TOKENS_H
#define SIM_RUN_TOKENS_H

#include <stdbool.h>

#include "sim/core/histogram.h"
#include "sim/core/time.h"

typedef struct TokenSums {
  uint64_t ttft_count, tpot_count; /* jobs; those with more than one token */
  uint64_t output; /* tokens */
  __int128 ttft_ns, tpot_ns;
} TokenSums;

enum { TOKEN_QUANTILES = 3 }; /* 50, 95, 99 % */

typedef struct TokenRow {
  TokenSums sums;
  double ttft_ns[TOKEN_QUANTILES], tpot_ns[TOKEN_QUANTILES]; /* NaN: none */
} TokenRow;

typedef struct TokenMeter {
  TokenSums row, past;  /* of the current row; of those before it */
  Histogram ttft, tpot; /* of the current row */
  TokenRow *done;       /* [TRACE_ROWS] */
  TokenSums *slice;     /* [SLICES], by first arrival */
  Histogram *slice_ttft, *slice_tpot;
} TokenMeter;

TokenMeter *tokens_new(Arena *arena);
void tokens_book(TokenMeter *meter, int slice, int64_t arrived_ns, int64_t first_ns, int64_t end_ns, uint32_t output);
void tokens_end_row(TokenMeter *meter, int row, bool percentiles);
void token_sums_add(TokenSums *into, const TokenSums *from);
/* Those of the slices from `first_slice` on, with quantiles. */
void tokens_summary(TokenMeter *meter, int first_slice, Arena *arena, TokenRow *row);

#endif
