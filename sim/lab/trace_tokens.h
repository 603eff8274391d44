/* Token sizes of ServeGen's clients: chunk-K-dataset.json beside chunk-K-trace.csv holds, for every 6 hours, how probable each number of
 * tokens is. Weighted by the requests of that client in those hours they give the sizes of all requests. */
#ifndef SIM_LAB_TRACE_TOKENS_H
#define SIM_LAB_TRACE_TOKENS_H

#include "sim/lab/csv.h"

typedef struct TokenWeight {
  double tokens, weight; /* weight: requests */
} TokenWeight;

typedef struct TokenSizes {
  TokenWeight *input, *output; /* ascending */
  size_t n_input, n_output;
  size_t n_clients;   /* with sizes */
  double requests;    /* of those, in windows that have sizes */
} TokenSizes;

typedef struct TraceTokens TraceTokens;

TraceTokens *trace_tokens_make(Arena *arena);
/* Is this member of a tar such a dataset? */
bool trace_tokens_is_dataset(const char *name);
/* Reads the dataset that `bytes` stands at; false with an error. */
bool trace_tokens_read(TraceTokens *tokens, ByteSource *bytes, Err *err);
/* Requests of the client whose chunk-K-trace.csv is called `name`, from an instant on. */
void trace_tokens_requests(TraceTokens *tokens, const char *name, int64_t start_ns, double requests);
/* Sizes of all; n_clients 0 if there were no datasets. */
TokenSizes trace_tokens_sizes(const TraceTokens *tokens, Arena *arena);

#endif
