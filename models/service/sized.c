/* `sized`: work follows the size of a job: a base, so much a unit of input, so much a unit of output, times noise. For tokens (prefill
 * and decode) and for bytes. */
#include "sim/contract/service.h"

#define SIZED_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(duration_dist, base, "0s", 0, 3.2e9, OPTIONAL, "service time of a job of size 0", "")                           \
  F(duration, per_input, "0s", 0, 3.2e9, OPTIONAL, "further time for each unit of input (a token, or unit_bytes)", "") \
  F(duration, per_output, "0s", 0, 3.2e9, OPTIONAL, "further time for each unit of output", "")                     \
  F(dist, noise, "1", 0, 1e6, OPTIONAL, "a factor on the whole, of mean 1: {lognormal: {mean: 1, cv: 0.3}}", "")
typedef struct Sized { FIELD_MEMBERS(SIZED_FIELDS) } Sized;
#define ROW_STRUCT Sized
static const Field sized_fields[] = {FIELD_ROWS(SIZED_FIELDS)};
#undef ROW_STRUCT

/* A job has one uniform for its work. */
static bool check(const void *value, Err *err) {
  const Sized *sized = value;
  if (sized->base_ns.kind == DISTRIBUTION_CONSTANT || sized->noise.kind == DISTRIBUTION_CONSTANT) return true;
  return err_at(err, "noise", "base and noise would be drawn from the same uniform; make one of them a plain value");
}

static const Type sized_type = FIELD_TYPE("sized", "service time by size", Sized, sized_fields, check);

static void work(const void *params, const WorkInput *input, double *work_ns) {
  const Sized *sized = params;
  double noise[JOB_BLOCK];
  const double per_input = (double)sized->per_input_ns, per_output = (double)sized->per_output_ns;
  for (size_t first = 0; first < input->count; first += JOB_BLOCK) {
    size_t n = input->count - first < JOB_BLOCK ? input->count - first : JOB_BLOCK;
    distribution_quantiles(&sized->noise, input->uniform + first, n, noise);
    distribution_quantiles(&sized->base_ns, input->uniform + first, n, work_ns + first);
    for (size_t k = first; k < first + n; k++)
      work_ns[k] = (work_ns[k] + per_input * (double)input->input[k] + per_output * (double)input->output[k]) * noise[k - first];
  }
}

static double mean_ns(const void *params) {
  const Sized *sized = params;
  if (sized->per_input_ns || sized->per_output_ns) return __builtin_nan("");
  return distribution_mean(&sized->base_ns) * distribution_mean(&sized->noise);
}

extern const Service service_sized;
const Service service_sized = {
    .model = {.kind = MODEL_SERVICE,
              .name = "sized",
              .summary = "service time by the size of the job: tokens or bytes",
              .rule = "work = (base + per_input x input + per_output x output) x noise.",
              .evidence = "hand-computed cases in tests/unit/test_service.c",
              .params = &sized_type},
    .work = work,
    .mean_ns = mean_ns,
};
