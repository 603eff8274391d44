/* `distribution`: a job's work is drawn from one law of service times, whatever its size. */
#include "sim/contract/service.h"

#define TIME_FIELDS(F, C, O, L, M, R, P) \
  F(duration_dist, time, NULL, 0, 3.2e9, REQUIRED, "service time of a job at the reference resources", "")
typedef struct TimeLaw { FIELD_MEMBERS(TIME_FIELDS) } TimeLaw;
#define ROW_STRUCT TimeLaw
static const Field time_fields[] = {FIELD_ROWS(TIME_FIELDS)};
#undef ROW_STRUCT
static const Type time_type = FIELD_TYPE("distribution", "a law of service times", TimeLaw, time_fields, NULL);

static void work(const void *params, const WorkInput *input, double *work_ns) {
  const TimeLaw *law = params;
  distribution_quantiles(&law->time_ns, input->uniform, input->count, work_ns);
}

static double mean_ns(const void *params) { return distribution_mean(&((const TimeLaw *)params)->time_ns); }

extern const Service service_distribution;
const Service service_distribution = {
    .model = {.kind = MODEL_SERVICE,
              .name = "distribution",
              .summary = "service times from one distribution",
              .rule = "work = the quantile of `time` at the job's uniform.",
              .evidence = "M/M/1, M/M/c, M/D/1 and M/G/1 against theory",
              .params = &time_type},
    .work = work,
    .mean_ns = mean_ns,
};
