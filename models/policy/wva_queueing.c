/* The queueing model of the workload variant autoscaler; see wva_queueing.h. Only + - x /: the same bits everywhere. */
#include "models/policy/wva_queueing.h"

double wva_iteration_ms(const WvaServer *server, double batch) {
  double computed = (server->input_tokens + server->output_tokens) / (server->output_tokens + 1);
  double read = server->input_tokens + server->output_tokens / 2;
  return server->alpha_ms + batch * (server->beta_ms * computed + server->gamma_ms * read);
}

double wva_prefill_ms(const WvaServer *server, double batch) {
  if (!(server->input_tokens > 0)) return 0;
  return wva_iteration_ms(server, batch) + (server->beta_ms + server->gamma_ms) * server->input_tokens;
}

double wva_decode_ms(const WvaServer *server, double batch) {
  return wva_iteration_ms(server, batch) + server->beta_ms + server->gamma_ms * (server->input_tokens + server->output_tokens / 2);
}

/* Requests a millisecond with `batch` of them in service. */
static double per_ms(const WvaServer *server, int64_t batch) {
  double n = (double)batch;
  return n / (wva_prefill_ms(server, n) + server->output_tokens * wva_decode_ms(server, n));
}

bool wva_range(const WvaServer *server, double *least_rps, double *most_rps) {
  if (!(server->output_tokens >= 1) || !(server->input_tokens >= 0) || server->max_batch < 1 || server->max_queue < 0) return false;
  *least_rps = per_ms(server, 1) * 0.001 * 1000;
  *most_rps = per_ms(server, server->max_batch) * (1 - 0.001) * 1000;
  return *least_rps > 0 && *least_rps < 1e12 && *most_rps > 0 && *most_rps < 1e12;
}

/* Weights of the states 0..K by the balance equations, scaled down when they grow: only their sums are kept. */
bool wva_solve(const WvaServer *server, double arrival_rps, WvaSolution *solution) {
  double least_rps, most_rps;
  if (!wva_range(server, &least_rps, &most_rps)) return false;
  if (!(arrival_rps > 0) || arrival_rps > most_rps) return false;
  const double arrival_per_ms = arrival_rps / 1000, full_per_ms = per_ms(server, server->max_batch), huge = 1e200;
  const int64_t states = server->max_batch + server->max_queue;
  double weight = 1, sum = 1, in_system = 0, in_service = 0;
  for (int64_t k = 1; k <= states; k++) {
    bool whole = k <= server->max_batch; /* all of them in service */
    weight *= arrival_per_ms / (whole ? per_ms(server, k) : full_per_ms);
    if (weight > huge) {
      weight /= huge;
      sum /= huge;
      in_system /= huge;
      in_service /= huge;
    }
    sum += weight;
    in_system += (double)k * weight;
    in_service += (double)(whole ? k : server->max_batch) * weight;
  }
  double finished_per_ms = arrival_per_ms * (1 - weight / sum);
  if (!(finished_per_ms > 0)) return false;
  *solution = (WvaSolution){.throughput_rps = finished_per_ms * 1000, .in_system_jobs = in_system / sum, .in_service_jobs = in_service / sum};
  solution->service_ms = solution->in_service_jobs / finished_per_ms;
  solution->wait_ms = solution->in_system_jobs / finished_per_ms - solution->service_ms;
  if (solution->wait_ms < 0) solution->wait_ms = 0;
  solution->prefill_ms = wva_prefill_ms(server, solution->in_service_jobs);
  solution->itl_ms = (solution->service_ms - solution->prefill_ms) / server->output_tokens;
  solution->ttft_ms = solution->wait_ms + solution->prefill_ms + solution->itl_ms;
  return true;
}

/* ---- sizing ---- */

typedef enum Figure { FIGURE_TTFT, FIGURE_ITL } Figure;

static bool figure_at(const WvaServer *server, Figure figure, double arrival_rps, double *value_ms) {
  WvaSolution solution;
  if (!wva_solve(server, arrival_rps, &solution)) return false;
  *value_ms = figure == FIGURE_TTFT ? solution.ttft_ms : solution.itl_ms;
  return true;
}

static bool close_to(double value, double target) {
  double off = value > target ? value - target : target - value;
  return off <= 1e-6 * target;
}

/* The rate at which the figure is the target: bisection, until it is within 1e-6 of it or after 100 halvings. Below what even the
 * least rate gives there is none; above what the highest gives, that one. */
static bool rate_for(const WvaServer *server, Figure figure, double target_ms, double low_rps, double high_rps, double *found_rps) {
  double at_low, at_high;
  if (!figure_at(server, figure, low_rps, &at_low) || !figure_at(server, figure, high_rps, &at_high)) return false;
  *found_rps = low_rps;
  if (close_to(at_low, target_ms)) return true;
  *found_rps = high_rps;
  if (close_to(at_high, target_ms)) return true;
  bool rising = at_low < at_high;
  if (rising ? target_ms < at_low : target_ms > at_low) return false;
  if (rising ? target_ms > at_high : target_ms < at_high) return true;
  for (int k = 0; k < 100; k++) {
    double value_ms;
    *found_rps = 0.5 * (low_rps + high_rps);
    if (!figure_at(server, figure, *found_rps, &value_ms)) return false;
    if (close_to(value_ms, target_ms)) break;
    if (rising ? target_ms < value_ms : target_ms > value_ms) high_rps = *found_rps;
    else low_rps = *found_rps;
  }
  return true;
}

bool wva_size(const WvaServer *server, const WvaTarget *target, WvaSize *size) {
  double low_rps, high_rps;
  if (!wva_range(server, &low_rps, &high_rps) || low_rps > high_rps) return false;
  if (target->ttft_ms < 0 || target->itl_ms < 0 || target->tokens_per_s < 0) return false;
  size->ttft_rps = size->itl_rps = size->tokens_rps = high_rps;
  if (target->ttft_ms > 0 && !rate_for(server, FIGURE_TTFT, target->ttft_ms, low_rps, high_rps, &size->ttft_rps)) return false;
  if (target->itl_ms > 0 && !rate_for(server, FIGURE_ITL, target->itl_ms, low_rps, high_rps, &size->itl_rps)) return false;
  if (target->tokens_per_s > 0) size->tokens_rps = high_rps * (1 - 0.1); /* upstream: a tenth below the highest, whatever the target */
  size->sized_rps = size->ttft_rps < size->itl_rps ? size->ttft_rps : size->itl_rps;
  if (size->tokens_rps < size->sized_rps) size->sized_rps = size->tokens_rps;
  return wva_solve(server, size->sized_rps, &size->at_size);
}
