/* Every model there is: one line each, `descriptor` in the list of its category. Joined with sim/ at link time; nothing in sim/ includes
 * this. The order is the order of `headroom describe`. */
#include "sim/contract/node_policy.h"
#include "sim/contract/policy.h"
#include "sim/contract/service.h"
#include "sim/contract/training.h"
#include "sim/contract/workload.h"

#define POLICIES(X) \
  X(policy_none) \
  X(policy_small_model) \
  X(policy_vertical) \
  X(policy_horizontal) \
  X(policy_hybrid) \
  X(policy_threshold) \
  X(policy_clairvoyant) \
  X(policy_kpa) \
  X(policy_aibrix_apa) \
  X(policy_aibrix_kpa) \
  X(policy_vpa) \
  X(policy_autopilot_like) \
  X(policy_aws_target_tracking) \
  X(policy_aws_step_scaling) \
  X(policy_aws_predictive_scaling) \
  X(policy_oneshot) \
  X(policy_aiad) \
  X(policy_fairshare) \
  X(policy_pid) \
  X(policy_autoscale) \
  X(policy_wva) \
  X(policy_dynamo_load) \
  X(policy_dynamo_sla) \
  X(policy_queueing_model) \
  X(policy_hpa) \
  X(policy_ray_serve) \
  X(policy_keda) \
  X(policy_keda_job) \
  X(policy_holt_winters) \
  X(policy_seasonal_naive) \
  X(policy_fixed_keep_alive) \
  X(policy_scale_per_request) \
  X(policy_hybrid_histogram) \
  X(policy_mark) \
  X(policy_sageserve)

#define NODE_POLICIES(X) \
  X(node_policy_on_demand) \
  X(node_policy_static) \
  X(node_policy_cluster_autoscaler) \
  X(node_policy_karpenter)

#define WORKLOADS(X) \
  X(workload_poisson) \
  X(workload_gamma) \
  X(workload_weibull) \
  X(workload_constant) \
  X(workload_mmpp) \
  X(workload_replay) \
  X(workload_batches) \
  X(workload_clients) \
  X(workload_closed) \
  X(workload_none)

#define SERVICES(X) \
  X(service_distribution) \
  X(service_sized) \
  X(service_processor_sharing) \
  X(service_dynamic_batching) \
  X(service_llm_continuous_batching)

#define SPEEDS(X) \
  X(speed_constant) \
  X(speed_linear) \
  X(speed_amdahl) \
  X(speed_usl) \
  X(speed_table)

#define RATES(X) \
  X(rate_diurnal) \
  X(rate_steps) \
  X(rate_modulated)

#define TRAININGS(X) \
  X(training_fifo) \
  X(training_shortest_remaining) \
  X(training_backfill) \
  X(training_least_attained) \
  X(training_goodput_like) \
  X(training_threshold)

#define THROUGHPUTS(X) \
  X(throughput_linear) \
  X(throughput_all_reduce) \
  X(throughput_usl) \
  X(throughput_table)

#define DECLARE_POLICY(name) extern const Policy name;
#define DECLARE_NODE_POLICY(name) extern const NodePolicy name;
#define DECLARE_WORKLOAD(name) extern const Workload name;
#define DECLARE_SERVICE(name) extern const Service name;
#define DECLARE_SPEED(name) extern const SpeedModel name;
#define DECLARE_RATE(name) extern const RateModel name;
#define DECLARE_TRAINING(name) extern const TrainingPolicy name;
#define DECLARE_THROUGHPUT(name) extern const ThroughputModel name;
POLICIES(DECLARE_POLICY)
NODE_POLICIES(DECLARE_NODE_POLICY)
WORKLOADS(DECLARE_WORKLOAD)
SERVICES(DECLARE_SERVICE)
SPEEDS(DECLARE_SPEED)
RATES(DECLARE_RATE)
TRAININGS(DECLARE_TRAINING)
THROUGHPUTS(DECLARE_THROUGHPUT)

#define ADDRESS(name) &name.model,
#define TABLE(list) {list, sizeof(list) / sizeof((list)[0])}
static const Model *const policies[] = {POLICIES(ADDRESS)};
static const Model *const node_policies[] = {NODE_POLICIES(ADDRESS)};
static const Model *const workloads[] = {WORKLOADS(ADDRESS)};
static const Model *const services[] = {SERVICES(ADDRESS)};
static const Model *const speeds[] = {SPEEDS(ADDRESS)};
static const Model *const rates[] = {RATES(ADDRESS)};
static const Model *const trainings[] = {TRAININGS(ADDRESS)};
static const Model *const throughputs[] = {THROUGHPUTS(ADDRESS)};

const ModelTable model_registry[MODEL_KINDS] = {
    [MODEL_POLICY] = TABLE(policies), [MODEL_NODE_POLICY] = TABLE(node_policies), [MODEL_WORKLOAD] = TABLE(workloads),
    [MODEL_SERVICE] = TABLE(services), [MODEL_SPEED] = TABLE(speeds),               [MODEL_RATE] = TABLE(rates),
    [MODEL_TRAINING] = TABLE(trainings), [MODEL_THROUGHPUT] = TABLE(throughputs),
};
