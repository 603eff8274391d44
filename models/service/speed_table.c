/* `table`: speed as it was measured: points of cores and throughput, linear between them, in proportion to CPU below the first, constant
 * beyond the last. */
#include "sim/contract/service.h"

#define SPEED_POINT_FIELDS(F, C, O, L, M, R, P)                 \
  F(cpu, cores, NULL, 0.001, 1e6, REQUIRED, "CPU cores", "") \
  F(rate, rate, NULL, 1e-9, 1e12, REQUIRED, "jobs a second there, in any unit: only ratios count", "")
typedef struct SpeedPoint { FIELD_MEMBERS(SPEED_POINT_FIELDS) } SpeedPoint;
#define ROW_STRUCT SpeedPoint
static const Field speed_point_fields[] = {FIELD_ROWS(SPEED_POINT_FIELDS)};
#undef ROW_STRUCT
static const Type speed_point_type = FIELD_TYPE("speed point", "a measured throughput", SpeedPoint, speed_point_fields, NULL);

#define SPEED_TABLE_FIELDS(F, C, O, L, M, R, P) L(points, SpeedPoint, &speed_point_type, REQUIRED, "measured throughputs, cores ascending")
typedef struct SpeedTable { FIELD_MEMBERS(SPEED_TABLE_FIELDS) } SpeedTable;
#define ROW_STRUCT SpeedTable
static const Field speed_table_fields[] = {FIELD_ROWS(SPEED_TABLE_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const List *points = &((const SpeedTable *)value)->points;
  if (points->count == 0) return err_at(err, "points", "at least one point is needed");
  for (size_t k = 1; k < points->count; k++) {
    const SpeedPoint *at = LIST_AT(*points, SpeedPoint, k);
    if (at->cores_millicores <= at[-1].cores_millicores) return err_at(err, "points", "cores must ascend");
    if (at->rate_rps < at[-1].rate_rps) return err_at(err, "points", "the rate falls with more cores: leave such points out, or use the best so far");
  }
  return true;
}

static const Type speed_table_type = FIELD_TYPE("table", "measured throughputs", SpeedTable, speed_table_fields, check);

static double rate_at(const List *points, double millicores) {
  const SpeedPoint *point = points->item;
  double first = (double)point[0].cores_millicores;
  if (!(millicores > 1)) millicores = 1;
  if (millicores <= first) return point[0].rate_rps * millicores / first;
  for (size_t k = 1; k < points->count; k++) {
    double low = (double)point[k - 1].cores_millicores, high = (double)point[k].cores_millicores;
    if (millicores <= high) return point[k - 1].rate_rps + (point[k].rate_rps - point[k - 1].rate_rps) * ((millicores - low) / (high - low));
  }
  return point[points->count - 1].rate_rps;
}

static double speed(const void *params, double effective_millicores, double reference_millicores) {
  const List *points = &((const SpeedTable *)params)->points;
  if (!(reference_millicores > 0)) return 1;
  return rate_at(points, effective_millicores) / rate_at(points, reference_millicores);
}

extern const SpeedModel speed_table;
const SpeedModel speed_table = {
    .model = {.kind = MODEL_SPEED,
              .name = "table",
              .summary = "speed as measured at several numbers of cores",
              .rule = "speed = rate(effective cores) / rate(reference cores); linear between the points, in proportion to CPU below the first, constant\n"
                      "beyond the last; 1 without a reference.",
              .evidence = "hand-computed cases in tests/unit/test_service.c; measured curves in configs/services",
              .params = &speed_table_type},
    .speed = speed,
};
