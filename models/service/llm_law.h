/* The parameters of `llm-continuous-batching`: the law of an iteration, and how the scheduler fills it. */
#ifndef MODELS_SERVICE_LLM_LAW_H
#define MODELS_SERVICE_LLM_LAW_H

#include "sim/contract/service.h"

typedef enum PrefillMode { PREFILL_CHUNKED, PREFILL_WHOLE } PrefillMode;
typedef enum KvFull { KV_PREEMPT, KV_QUEUE } KvFull;

#define LLM_COUNT 1e12
#define LLM_FIELDS(F, C, O, L, M, R, P)                                                                                                  \
  F(duration, iteration, "0s", 0, 3600, OPTIONAL, "time of an iteration beside what follows: weights are read, kernels launched", "")     \
  F(duration, per_prefill_token, "0s", 0, 3600, OPTIONAL, "further time for each prompt token", "")                                      \
  F(duration, per_sequence, "0s", 0, 3600, OPTIONAL, "further time for each sequence in the iteration", "")                              \
  F(duration, per_thousand_kv, "0s", 0, 3600, OPTIONAL, "further time for each 1000 tokens that its sequences have in the KV cache", "") \
  F(duration, overhead, "0s", 0, 3600, OPTIONAL, "from a job's arrival until it can be in an iteration: network, tokenisation", "")        \
  F(integer, tensor_parallel, "0", 0, 1024, OPTIONAL, "GPUs a replica is split over; 0: as measured", "--tensor-parallel-size, vLLM")     \
  F(integer, measured_tensor_parallel, "1", 1, 1024, OPTIONAL, "GPUs the times above are for", "")                                       \
  F(ratio, serial, "0.1", 0, 1, OPTIONAL, "share of the time on one GPU that more GPUs do not shorten", "Amdahl 1967")                    \
  C(prefill, llm_prefill_names, "chunked", "prompts fill up iterations that decode, in pieces; or are read whole while decoding pauses",   \
    "--enable-chunked-prefill, vLLM")                                                                                                     \
  F(integer, max_batched_tokens, "8192", 1, 1e9, OPTIONAL, "prompt and decoded tokens of an iteration at most", "--max-num-batched-tokens, vLLM") \
  F(integer, max_sequences, "0", 0, 1e6, OPTIONAL, "sequences at once at most; 0: concurrency", "--max-num-seqs, vLLM")                   \
  F(integer, kv_tokens, "0", 0, LLM_COUNT, OPTIONAL, "tokens that the KV cache holds; 0: no limit", "GPU KV cache size, vLLM's log")      \
  C(kv_full, llm_kv_full_names, "preempt", "prompts are let in while they fit, and the youngest sequence (of the lowest priority) is recomputed later when the cache is full; or input and output are reserved at once", \
    "preemption by recomputation, vLLM; reservation, Orca")                                                                               \
  F(flag, step_iterations, "false", 0, 1, OPTIONAL, "an event for each iteration, where nothing happens, too: the same results, slower", "") \
  F(integer, measured_batch_least, "0", 0, 1e6, OPTIONAL, "sequences at once the times were measured for", "")                            \
  F(integer, measured_batch_most, "0", 0, 1e6, OPTIONAL, "and the most; 0: not known", "")                                                                          \
  F(integer, measured_input_least, "0", 0, 1e9, OPTIONAL, "prompt tokens the times were measured for", "")                                \
  F(integer, measured_input_most, "0", 0, 1e9, OPTIONAL, "and the most; 0: not known", "")                                                                          \
  F(integer, measured_output_least, "0", 0, 1e9, OPTIONAL, "output tokens the times were measured for", "")                               \
  F(integer, measured_output_most, "0", 0, 1e9, OPTIONAL, "and the most; 0: not known", "")
typedef struct Llm { FIELD_MEMBERS(LLM_FIELDS) } Llm;

extern const ServerModel llm_server;
/* What the measured times are multiplied by for the replica's tensor parallelism. */
double llm_parallel_factor(const Llm *law);

#endif
