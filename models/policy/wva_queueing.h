/* The queueing model of llm-d's workload variant autoscaler: a server that works on up to a batch of requests at once, as an M/M/1/K queue
 * whose service rate depends on how many it has. Times in milliseconds, as upstream has them. Doubles throughout (upstream: float32).
 * Source: llm-d/llm-d-workload-variant-autoscaler b08b1c77 (2026-02-19), pkg/analyzer (queueanalyzer.go, mm1modelstatedependent.go). */
#ifndef MODELS_POLICY_WVA_QUEUEING_H
#define MODELS_POLICY_WVA_QUEUEING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct WvaServer {
  double alpha_ms, beta_ms, gamma_ms; /* an iteration: base, for each token computed, for each token of context read */
  double input_tokens, output_tokens; /* means; output at least 1 */
  int64_t max_batch, max_queue;       /* requests in service at once; waiting at most */
} WvaServer;

double wva_iteration_ms(const WvaServer *server, double batch);
double wva_prefill_ms(const WvaServer *server, double batch); /* 0 without input */
double wva_decode_ms(const WvaServer *server, double batch);  /* of one token */

typedef struct WvaSolution {
  double throughput_rps;
  double in_system_jobs, in_service_jobs;
  double wait_ms, service_ms;
  double prefill_ms, itl_ms, ttft_ms;
} WvaSolution;

/* The range of arrivals the model is asked about: a thousandth of the rate with one request, 0.999 of that with a full batch. False if
 * the server's numbers make no sense (no output, no time, nothing at once). */
bool wva_range(const WvaServer *server, double *least_rps, double *most_rps);
/* In equilibrium at a rate within (0, most_rps]. */
bool wva_solve(const WvaServer *server, double arrival_rps, WvaSolution *solution);

/* What is to be kept: time to the first token, between tokens, tokens a second (0: not asked for). */
typedef struct WvaTarget {
  double ttft_ms, itl_ms, tokens_per_s;
} WvaTarget;
typedef struct WvaSize {
  double ttft_rps, itl_rps, tokens_rps; /* the highest rates that keep each */
  double sized_rps;                     /* the least of them */
  WvaSolution at_size;
} WvaSize;
/* False where a target cannot be kept at any rate. */
bool wva_size(const WvaServer *server, const WvaTarget *target, WvaSize *size);

#endif
