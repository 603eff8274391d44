/* `llm-continuous-batching`: its parameters and what a job takes alone; the server is llm_batching.c. */
#include "models/service/llm_law.h"

static const char *const llm_prefill_names[] = {"chunked", "whole", NULL};
static const char *const llm_kv_full_names[] = {"preempt", "queue", NULL};
#define ROW_STRUCT Llm
static const Field llm_fields[] = {FIELD_ROWS(LLM_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Llm *law = value;
  if (law->iteration_ns > 0 || law->per_prefill_token_ns > 0 || law->per_sequence_ns > 0 || law->per_thousand_kv_ns > 0) return true;
  return err_at(err, "iteration", "an iteration must take time: iteration, per_prefill_token, per_sequence or per_thousand_kv");
}

static const Type llm_type = FIELD_TYPE("llm-continuous-batching", "sequences join and leave between iterations", Llm, llm_fields, check);

double llm_parallel_factor(const Llm *law) {
  if (law->tensor_parallel == 0) return 1;
  double share = 1 - law->serial_ratio;
  return (law->serial_ratio + share / (double)law->tensor_parallel) / (law->serial_ratio + share / (double)law->measured_tensor_parallel);
}

static double alone_ns(const Llm *law, uint32_t input, uint32_t output) {
  double prompt = input > 1 ? (double)input : 1, decoded = output > 1 ? (double)(output - 1) : 0;
  int64_t chunks = law->prefill == PREFILL_CHUNKED ? ((int64_t)prompt + law->max_batched_tokens - 1) / law->max_batched_tokens : 1;
  double pieces = (double)chunks;
  double each = (double)law->iteration_ns + (double)law->per_sequence_ns, kv = (double)law->per_thousand_kv_ns / 1000;
  double prefill = pieces * each + prompt * (double)law->per_prefill_token_ns + kv * prompt * (pieces - 1) / 2;
  double busy = prefill + decoded * (each + kv * (prompt + (decoded - 1) / 2));
  return (double)law->overhead_ns + busy * llm_parallel_factor(law);
}

static void work(const void *params, const WorkInput *input, double *work_ns) {
  for (size_t k = 0; k < input->count; k++) work_ns[k] = alone_ns(params, input->input[k], input->output[k]);
}

static double mean_ns(const void *params) {
  (void)params;
  return __builtin_nan("");
}

static void range(const void *params, ServiceRange *range) {
  const Llm *law = params;
  *range = (ServiceRange){{law->measured_batch_least, law->measured_batch_most},
                          {law->measured_input_least, law->measured_input_most},
                          {law->measured_output_least, law->measured_output_most}};
}

extern const Service service_llm_continuous_batching;
const Service service_llm_continuous_batching = {
    .model = {.kind = MODEL_SERVICE,
              .name = "llm-continuous-batching",
              .alias = "llm",
              .summary = "sequences of prompt and output tokens that join and leave between iterations",
              .rule = "an iteration takes iteration + per_prefill_token x prompt tokens + per_sequence x sequences + per_thousand_kv x cached tokens / 1000,\n"
                      "times (serial + (1 - serial) / tensor_parallel), as a multiple of the same for the GPUs measured, / speed.\n"
                      "At its end jobs that wait come in (each is prefilled from `overhead` after its arrival on), in order, while there are seats (max_sequences) and their prompts fit in the cache. A sequence\n"
                      "gives its first token with the iteration that ends its prompt, then one with each; it leaves with its last.\n"
                      "chunked: each iteration decodes all it can and fills up to max_batched_tokens with prompts; whole: prompts first, decoding pauses.\n"
                      "preempt: without room for the next tokens the youngest (of the lowest priority) give up theirs and come back, before others of it, when their tokens fit,\n"
                      "to be read again; the last one runs on whatever it takes. queue: a job comes in when all its tokens fit.\n"
                      "Iterations among which nobody comes or goes are one event. A replica that fails loses its cache: jobs begin again.",
              .evidence = "hand-computed iterations and a step-by-step reference in tests/unit/test_llm.c; measured batches in tests/services",
              .params = &llm_type},
    .work = work,
    .mean_ns = mean_ns,
    .range = range,
    .server = &llm_server,
};
