/* `table`: throughput as it was measured for numbers of GPUs and nodes. Measurements are sparse: between two of the same number of nodes it
 * is linear; below the first it falls in proportion to GPUs, beyond the last it stays. Of numbers of nodes, the largest measured that is
 * not above the real one counts (the smallest where all are above): more nodes than measured are taken to be no faster or slower. */
#include "sim/contract/training.h"

#define POINT_FIELDS(F, C, O, L, M, R, P)                                                    \
  F(integer, gpus, NULL, 1, 1e6, REQUIRED, "GPUs", "")                                    \
  F(integer, nodes, "1", 1, 1e6, OPTIONAL, "nodes they are on", "")                       \
  F(rate, rate, NULL, 1e-12, 1e15, REQUIRED, "samples (or steps) a second", "")
typedef struct ThroughputPoint { FIELD_MEMBERS(POINT_FIELDS) } ThroughputPoint;
#define ROW_STRUCT ThroughputPoint
static const Field point_fields[] = {FIELD_ROWS(POINT_FIELDS)};
#undef ROW_STRUCT
static const Type point_type = FIELD_TYPE("throughput point", "a measured throughput", ThroughputPoint, point_fields, NULL);

#define TABLE_FIELDS(F, C, O, L, M, R, P) L(points, ThroughputPoint, &point_type, REQUIRED, "measured throughputs, by nodes, then by GPUs, ascending")
typedef struct ThroughputTable { FIELD_MEMBERS(TABLE_FIELDS) } ThroughputTable;
#define ROW_STRUCT ThroughputTable
static const Field table_fields[] = {FIELD_ROWS(TABLE_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const List *points = &((const ThroughputTable *)value)->points;
  if (points->count == 0) return err_at(err, "points", "at least one point is needed");
  for (size_t k = 0; k < points->count; k++) {
    const ThroughputPoint *at = LIST_AT(*points, ThroughputPoint, k);
    if (at->nodes > at->gpus) return err_at(err, "points", "%lld GPUs cannot be on %lld nodes", (long long)at->gpus, (long long)at->nodes);
    if (k > 0 && (at->nodes < at[-1].nodes || (at->nodes == at[-1].nodes && at->gpus <= at[-1].gpus)))
      return err_at(err, "points", "must be in order of nodes, then of gpus, each pair once");
  }
  return true;
}

static const Type table_type = FIELD_TYPE("throughput table", "measured throughputs", ThroughputTable, table_fields, check);

static double rate(const void *params, int64_t gpus, int64_t nodes) {
  const List *points = &((const ThroughputTable *)params)->points;
  const ThroughputPoint *point = points->item;
  size_t first = 0, after;
  for (size_t k = 0; k < points->count; k++)
    if (point[k].nodes <= nodes && point[k].nodes != point[first].nodes) first = k;
  for (after = first; after < points->count && point[after].nodes == point[first].nodes; after++) continue;
  if (gpus <= point[first].gpus) return point[first].rate_rps * (double)gpus / (double)point[first].gpus;
  for (size_t k = first + 1; k < after; k++) {
    if (gpus > point[k].gpus) continue;
    double share = (double)(gpus - point[k - 1].gpus) / (double)(point[k].gpus - point[k - 1].gpus);
    return point[k - 1].rate_rps + (point[k].rate_rps - point[k - 1].rate_rps) * share;
  }
  return point[after - 1].rate_rps;
}

extern const ThroughputModel throughput_table;
const ThroughputModel throughput_table = {
    .model = {.kind = MODEL_THROUGHPUT,
              .name = "table",
              .summary = "as measured for numbers of GPUs and nodes",
              .rule = "of the points, those with the largest number of nodes that is not above the job's (the smallest if all are); among them linear in\n"
                      "GPUs, in proportion to GPUs below the first, constant beyond the last.",
              .evidence = "hand-computed cases in tests/training; measured tables in configs/training",
              .params = &table_type},
    .rate = rate,
};
