/* Tables and rules of what a pool says beyond its machines; see scenario_pools.h. */
#include "sim/run/scenario_pools.h"

#include "sim/base/hash.h"

static const char *const failure_strikes_names[] = {"always", "serving", NULL};
typedef enum Strikes { STRIKES_ALWAYS, STRIKES_SERVING } Strikes;

/* ---- checks inside one part ---- */

static bool check_failures(const void *value, Err *err) {
  const NodeFailuresSpec *failures = value;
  bool fails = distribution_mean(&failures->mtbf_ns) > 0, good = true;
  if (!fails && distribution_mean(&failures->repair_ns) > 0) good = err_at(err, "repair", "nodes that never fail need no repair: give `mtbf`, too");
  if (failures->strikes == STRIKES_SERVING && failures->mtbf_ns.kind != DISTRIBUTION_CONSTANT && failures->mtbf_ns.kind != DISTRIBUTION_EXPONENTIAL)
    good = err_at(err, "strikes", "`serving` needs an exponential `mtbf`: with any other law it would matter how long the node was idle");
  return good;
}

static bool check_spot(const void *value, Err *err) {
  const SpotSpec *spot = value;
  return !spot->trace || !(spot->reclaims_rps > 0) || err_at(err, "trace", "reclaims come at a rate or from a trace, not both");
}

static bool check_backoff(const void *value, Err *err) {
  const BackoffSpec *backoff = value;
  return backoff->first_ns <= backoff->most_ns || err_at(err, "first", "is longer than `most`");
}

static bool check_committed(const void *value, Err *err) {
  const CommittedSpec *committed = value;
  return !committed->nodes || !committed->spend_nano_usd_per_h || err_at(err, "nodes", "give `spend` or `nodes`, not both");
}

static bool check_carbon(const void *value, Err *err) {
  const CarbonSpec *carbon = value;
  int given = (carbon->intensity > 0) + (carbon->by_hour.count > 0) + (carbon->trace != NULL);
  if (carbon->trace && carbon->trace->data && !carbon->trace->data->interval_count) return err_at(err, "trace", "counts per interval are wanted (kind: counts)");
  return given <= 1 || err_at(err, carbon->trace ? "trace" : "by_hour", "one of intensity, by_hour, trace");
}

/* ---- tables ---- */

#define ROW_STRUCT NodeFailuresSpec
static const Field node_failures_fields[] = {FIELD_ROWS(NODE_FAILURES_FIELDS)};
#undef ROW_STRUCT
const Type node_failures_type = FIELD_TYPE("node failures", "how nodes fail", NodeFailuresSpec, node_failures_fields, check_failures);

#define ROW_STRUCT SpotSpec
static const Field spot_fields[] = {FIELD_ROWS(SPOT_FIELDS)};
#undef ROW_STRUCT
const Type spot_type = FIELD_TYPE("spot", "nodes that may be taken back", SpotSpec, spot_fields, check_spot);

#define ROW_STRUCT StockoutsSpec
static const Field stockouts_fields[] = {FIELD_ROWS(STOCKOUTS_FIELDS)};
#undef ROW_STRUCT
const Type stockouts_type = FIELD_TYPE("stockouts", "times in which no node is to be had", StockoutsSpec, stockouts_fields, NULL);

#define ROW_STRUCT BackoffSpec
static const Field backoff_fields[] = {FIELD_ROWS(BACKOFF_FIELDS)};
#undef ROW_STRUCT
const Type backoff_type = FIELD_TYPE("backoff", "how long no node is ordered", BackoffSpec, backoff_fields, check_backoff);

#define ROW_STRUCT SlowSpec
static const Field slow_fields[] = {FIELD_ROWS(SLOW_FIELDS)};
#undef ROW_STRUCT
const Type slow_type = FIELD_TYPE("slow", "nodes slower than their like", SlowSpec, slow_fields, NULL);

#define ROW_STRUCT PullsSpec
static const Field pulls_fields[] = {FIELD_ROWS(PULLS_FIELDS)};
#undef ROW_STRUCT
const Type pulls_type = FIELD_TYPE("pulls", "loads that share a bandwidth", PullsSpec, pulls_fields, NULL);

#define ROW_STRUCT WarmSpec
static const Field warm_fields[] = {FIELD_ROWS(WARM_FIELDS)};
#undef ROW_STRUCT
const Type warm_type = FIELD_TYPE("warm", "nodes prepared beforehand", WarmSpec, warm_fields, NULL);

#define ROW_STRUCT ReservedSpec
static const Field reserved_fields[] = {FIELD_ROWS(RESERVED_FIELDS)};
#undef ROW_STRUCT
const Type reserved_type = FIELD_TYPE("reserved", "nodes paid whether used or not", ReservedSpec, reserved_fields, NULL);

#define ROW_STRUCT CommittedSpec
static const Field committed_fields[] = {FIELD_ROWS(COMMITTED_FIELDS)};
#undef ROW_STRUCT
const Type committed_type = FIELD_TYPE("committed", "a committed spend", CommittedSpec, committed_fields, check_committed);

static const Field hour_value_fields[] = {{.name = "", .kind = FIELD_NUMBER, .need = REQUIRED, .offset = offsetof(HourValue, value), .min = 0, .max = 1e5,
                                           .help = "of one hour", .source = ""}};
const Type hour_value_type = FIELD_TYPE("hour", "a value for one hour", HourValue, hour_value_fields, NULL);

#define ROW_STRUCT CarbonSpec
static const Field carbon_fields[] = {FIELD_ROWS(CARBON_FIELDS)};
#undef ROW_STRUCT
const Type carbon_type = FIELD_TYPE("carbon", "what energy emits", CarbonSpec, carbon_fields, check_carbon);

/* ---- resolving ---- */

/* Plain durations mean an exponential. */
static Distribution lifetime(Distribution law) { return law.kind == DISTRIBUTION_CONSTANT ? distribution_exponential(law.a) : law; }

/* Events this often would be all that a run does. */
static bool not_too_often(double mean_ns, int64_t horizon_ns, double most, const char *path, const char *key, Arena *arena, Err *err) {
  if (mean_ns >= (double)horizon_ns / most) return true;
  return err_at(err, arena_format(arena, "%s.%s", path, key), "more than %.0f times within the horizon", most);
}

static bool failures_resolve(PoolFailures *to, const NodeFailuresSpec *spec, int64_t horizon_ns, const char *path, Arena *arena, Err *err) {
  double up_ns = distribution_mean(&spec->mtbf_ns);
  *to = (PoolFailures){.breaks = up_ns > 0, .mtbf_ns = lifetime(spec->mtbf_ns), .repairs = distribution_mean(&spec->repair_ns) > 0, .repair_ns = spec->repair_ns,
                       .crews = spec->crews, .only_serving = spec->strikes == STRIKES_SERVING, .detect_ns = spec->detect_ns,
                       .start_ratio = spec->start_ratio, .start_detect_ns = spec->start_detect_ns};
  return !to->breaks || not_too_often(up_ns, horizon_ns, 1e6, path, "failures.mtbf", arena, err);
}

/* Instants are those of the trace, which begins at its first; intervals become their beginnings. */
static void reclaims_of_trace(PoolSpot *to, const TraceData *data, Arena *arena) {
  to->count = data->interval_count;
  if (!data->interval_count) {
    to->n_instants = data->count ? data->count - 1 : 0;
    to->instant_ns = data->arrival_ns + (data->count > 0);
    return;
  }
  to->n_instants = data->count;
  int64_t *instant_ns = ARENA_ARRAY(arena, int64_t, data->count);
  for (size_t k = 0; k < data->count; k++) instant_ns[k] = (int64_t)k * data->interval_ns;
  to->instant_ns = instant_ns;
}

static bool spot_resolve(NodePool *pool, const SpotSpec *spec, int64_t horizon_ns, const char *path, Arena *arena, Err *err) {
  pool->spot = (PoolSpot){.reclaims_per_ns = spec->reclaims_rps / 1e9, .notice_ns = spec->notice_ns};
  if (spec->trace && spec->trace->data) reclaims_of_trace(&pool->spot, spec->trace->data, arena);
  if (spec->price_nano_usd_per_h) pool->machine.nano_usd_per_h = spec->price_nano_usd_per_h;
  return !(spec->reclaims_rps > 0) || not_too_often(1 / pool->spot.reclaims_per_ns, horizon_ns, 1e6, path, "spot.reclaims", arena, err);
}

static bool stock_resolve(NodePool *pool, const StockoutsSpec *spec, const BackoffSpec *backoff, int64_t horizon_ns, const char *path, Arena *arena, Err *err) {
  double every_ns = distribution_mean(&spec->every_ns);
  pool->stock = (PoolStock){.runs_out = every_ns > 0, .every_ns = lifetime(spec->every_ns), .last_ns = spec->last_ns,
                            .market = spec->market ? hash_name(spec->market) : pool->entity,
                            .backoff_first_ns = backoff->first_ns, .backoff_most_ns = backoff->most_ns};
  return !pool->stock.runs_out || not_too_often(every_ns + distribution_mean(&spec->last_ns), horizon_ns, 1e4, path, "stockouts.every", arena, err);
}

/* A discounted price, to the nearest nano-dollar; of a part that the file states with few digits. */
static int64_t part_of(int64_t nano_usd_per_h, double part) { return (int64_t)((double)nano_usd_per_h * part + 0.5); }

static bool prices_resolve(NodePool *pool, const PoolParts *parts, const char *path, Arena *arena, Err *err) {
  int64_t price = pool->machine.nano_usd_per_h, bought = part_of(price, 1 - parts->committed->discount_ratio);
  pool->prices = (PoolPrices){.reserved_nodes = parts->reserved->nodes, .reserved_nano_usd_per_h = parts->reserved->price_nano_usd_per_h,
                              .committed_nano_usd_per_h = parts->committed->nodes ? parts->committed->nodes * bought : parts->committed->spend_nano_usd_per_h,
                              .committed_node_nano_usd_per_h = bought};
  pool->warm = (PoolWarm){.nodes = parts->warm->nodes, .startup_ns = parts->warm->startup_ns, .nano_usd_per_h = part_of(price, parts->warm->price_ratio),
                          .load_ratio = parts->warm->load_ratio};
  if (pool->prices.committed_nano_usd_per_h && bought <= 0) return err_at(err, arena_format(arena, "%s.committed", path), "there is nothing to buy: the machine has no price");
  return true;
}

bool pool_parts_resolve(NodePool *pool, const PoolParts *parts, int64_t horizon_ns, const char *path, Arena *arena, Err *err) {
  bool good = failures_resolve(&pool->failures, parts->failures, horizon_ns, path, arena, err);
  good &= spot_resolve(pool, parts->spot, horizon_ns, path, arena, err);
  good &= stock_resolve(pool, parts->stockouts, parts->backoff, horizon_ns, path, arena, err);
  good &= prices_resolve(pool, parts, path, arena, err);
  pool->slow_ratio = parts->slow->share_ratio;
  pool->slow_speed = parts->slow->speed_ratio;
  pool->pulls_pool = parts->pulls->pool;
  pool->pulls_node = parts->pulls->node;
  return good;
}

static bool same_law(const Distribution *a, const Distribution *b) {
  bool same = a->kind == b->kind && a->a == b->a && a->b == b->b && a->c == b->c && a->n_points == b->n_points;
  for (size_t k = 0; same && k < a->n_points; k++) same = a->points[k].value == b->points[k].value && a->points[k].cumulative == b->points[k].cumulative;
  return same;
}

/* One market has one history: its pools must say the same of it. */
const NodePool *pool_of_other_stock(const NodePool *pools, size_t p) {
  for (size_t q = 0; q < p; q++) {
    const PoolStock *a = &pools[p].stock, *b = &pools[q].stock;
    if (a->market != b->market || !a->runs_out || !b->runs_out) continue;
    if (!same_law(&a->every_ns, &b->every_ns) || !same_law(&a->last_ns, &b->last_ns)) return &pools[q];
  }
  return NULL;
}

/* ---- carbon ---- */

static double intensity_at(const CarbonSpec *carbon, int64_t step) {
  if (carbon->by_hour.count) return LIST_AT(carbon->by_hour, const HourValue, (size_t)step % carbon->by_hour.count)->value;
  const TraceData *data = carbon->trace->data;
  size_t k = (size_t)step < data->count ? (size_t)step : data->count - 1;
  return (double)data->interval_count[k];
}

double carbon_g_per_kwh(const CarbonSpec *carbon, int64_t from_ns, int64_t to_ns) {
  bool trace = carbon->trace && carbon->trace->data && carbon->trace->data->count > 0;
  if (!carbon->by_hour.count && !trace) return carbon->intensity;
  int64_t step_ns = trace ? carbon->trace->data->interval_ns : 3600 * NS_PER_S;
  double sum = 0;
  for (int64_t at_ns = from_ns; at_ns < to_ns;) {
    int64_t step = at_ns / step_ns, end_ns = (step + 1) * step_ns < to_ns ? (step + 1) * step_ns : to_ns;
    sum += intensity_at(carbon, step) * (double)(end_ns - at_ns);
    at_ns = end_ns;
  }
  return to_ns > from_ns ? sum / (double)(to_ns - from_ns) : 0;
}
