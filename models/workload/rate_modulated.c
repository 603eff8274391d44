/* `modulated`: a rate made of factors that are constant for a while: tables of the day and the week, a trend, on/off spells, flash crowds,
 * and bursts, independent gamma factors of mean 1 over cells of given lengths. With Poisson arrivals the latter make a doubly stochastic
 * process (Cox, "Some statistical methods connected with series of events", JRSS B 1955) whose index of dispersion can be set time scale
 * by time scale. Everything that is drawn is addressed by the number of its cell, spell or crowd, so that it is the same whatever asks. The
 * integral is piecewise linear; each piece is rounded to ns, so that pieces join in integers. */
#include <string.h>

#include "sim/base/check.h"
#include "sim/contract/workload.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

#define YEARS_S 3.2e9
#define DAY_NS (INT64_C(86400) * 1000000000)
#define LAST_NS (INT64_C(1) << 62)
enum { DAYS_A_WEEK = 7, RAMP_STEPS = 32, TREND_STEPS = 256 };
/* The upper bits of a draw's number say what it is for. */
enum { DRAW_SHIFT = 48, DRAW_ON_OFF = 1, DRAW_CROWD = 2, DRAW_PHASE = 3, DRAW_BURST = 16 };


typedef struct Share {
  double value;
} Share;
static const Field share_fields[] = {{.name = "", .kind = FIELD_NUMBER, .need = REQUIRED, .offset = offsetof(Share, value), .min = 0, .max = 1e6,
                                      .help = "a part's rate; only proportions count", .source = ""}};
static const Type share_type = FIELD_TYPE("share", "rates of equal parts", Share, share_fields, NULL);

#define BURST_FIELDS(F, C, O, L, M, R, P)                                                                                  \
  F(duration, scale, NULL, 1e-3, YEARS_S, REQUIRED, "length of the cells over which the factor holds", "")                 \
  F(number, cv, NULL, 0.02, 9.9, REQUIRED, "its coefficient of variation; far above 1 most cells are nearly empty", "")
typedef struct Burst { FIELD_MEMBERS(BURST_FIELDS) } Burst;
#define ROW_STRUCT Burst
static const Field burst_fields[] = {FIELD_ROWS(BURST_FIELDS)};
#undef ROW_STRUCT
static const Type burst_type = FIELD_TYPE("burst", "a gamma factor of mean 1, drawn for every cell", Burst, burst_fields, NULL);

#define ON_OFF_FIELDS(F, C, O, L, M, R, P)                                                                  \
  F(duration_dist, on, NULL, 0, YEARS_S, REQUIRED, "length of a busy spell", "")                           \
  F(duration_dist, off, NULL, 0, YEARS_S, REQUIRED, "length of a quiet spell", "")                         \
  F(ratio, quiet, "0", 0, 1, OPTIONAL, "rate in a quiet spell over that in a busy one", "")
typedef struct OnOff { FIELD_MEMBERS(ON_OFF_FIELDS) } OnOff;
#define ROW_STRUCT OnOff
static const Field on_off_fields[] = {FIELD_ROWS(ON_OFF_FIELDS)};
#undef ROW_STRUCT
static const Type on_off_type = FIELD_TYPE("on_off", "busy and quiet spells in turn", OnOff, on_off_fields, NULL);

#define SHAPE_FIELDS(F, C, O, L, M, R, P)                                                                   \
  F(number, peak, NULL, 0, 1e4, REQUIRED, "factor at its height", "")                                      \
  F(duration, ramp, "0s", 0, YEARS_S, OPTIONAL, "from 1 to the peak, in steps", "")                        \
  F(duration, hold, "0s", 0, YEARS_S, OPTIONAL, "at the peak", "")                                         \
  F(duration, decay, "0s", 0, YEARS_S, OPTIONAL, "back to 1, in steps", "")

#define CROWD_FIELDS(F, C, O, L, M, R, P)                                      \
  F(duration, at, NULL, 0, YEARS_S, REQUIRED, "when it begins", "")          \
  SHAPE_FIELDS(F, C, O, L, M, R, P)
typedef struct Crowd { FIELD_MEMBERS(CROWD_FIELDS) } Crowd;
#define ROW_STRUCT Crowd
static const Field crowd_fields[] = {FIELD_ROWS(CROWD_FIELDS)};
#undef ROW_STRUCT
static const Type crowd_type = FIELD_TYPE("crowd", "a flash crowd", Crowd, crowd_fields, NULL);

#define RANDOM_CROWDS_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(duration_dist, every, NULL, 0, YEARS_S, REQUIRED, "from the end of one (or the start) to the next", "")     \
  SHAPE_FIELDS(F, C, O, L, M, R, P)
typedef struct RandomCrowds { FIELD_MEMBERS(RANDOM_CROWDS_FIELDS) } RandomCrowds;
#define ROW_STRUCT RandomCrowds
static const Field random_crowds_fields[] = {FIELD_ROWS(RANDOM_CROWDS_FIELDS)};
#undef ROW_STRUCT
static const Type random_crowds_type = FIELD_TYPE("random_crowds", "flash crowds at random instants", RandomCrowds, random_crowds_fields, NULL);

#define LEVELS_FIELDS(F, C, O, L, M, R, P)                                                                         \
  F(duration, every, NULL, 1e-3, YEARS_S, REQUIRED, "length of a part", "")                                       \
  L(of, Share, &share_type, REQUIRED, "rates of the parts in their order; after the last they begin again")
typedef struct Levels { FIELD_MEMBERS(LEVELS_FIELDS) } Levels;
#define ROW_STRUCT Levels
static const Field levels_fields[] = {FIELD_ROWS(LEVELS_FIELDS)};
#undef ROW_STRUCT
static const Type levels_type = FIELD_TYPE("levels", "a rate given part by part", Levels, levels_fields, NULL);

#define MODULATED_FIELDS(F, C, O, L, M, R, P)                                                                                                \
  F(duration, starts, "0s", 0, 604800, OPTIONAL, "time of the week at the start of the run, from Monday 0:00", "")                           \
  L(day, Share, &share_type, OPTIONAL, "rates of equal parts of a day, 24 for hours; brought to mean 1")                                      \
  L(week, Share, &share_type, OPTIONAL, "rates of the seven days, Monday first; brought to mean 1")                                           \
  P(levels, Levels, &levels_type, "a slow course given part by part; brought to mean 1")                                                    \
  F(number, trend, "0", -2, 2, OPTIONAL, "change of the rate from start to horizon, over its mean", "")                                      \
  L(bursts, Burst, &burst_type, OPTIONAL, "random factors, one for each time scale")                                                          \
  P(on_off, OnOff, &on_off_type, "busy and quiet spells; brought to mean 1")                                                                  \
  L(crowds, Crowd, &crowd_type, OPTIONAL, "flash crowds at given instants; they come on top of the mean rate")                                \
  P(random_crowds, RandomCrowds, &random_crowds_type, "flash crowds at random instants; they come on top of the mean rate")
typedef struct Modulated { FIELD_MEMBERS(MODULATED_FIELDS) } Modulated;
#define ROW_STRUCT Modulated
static const Field modulated_fields[] = {FIELD_ROWS(MODULATED_FIELDS)};
#undef ROW_STRUCT

static double mean_share(const List *list) {
  double sum = 0;
  for (size_t k = 0; k < list->count; k++) sum += LIST_AT(*list, Share, k)->value;
  return list->count ? sum / (double)list->count : 1;
}

static bool check(const void *value, Err *err) {
  const Modulated *m = value;
  bool good = true;
  if (m->levels && m->levels->of.count && m->levels->every_ns > LAST_NS / (int64_t)m->levels->of.count) good = err_at(err, "levels.every", "all parts together are too long");
  if (m->day.count && DAY_NS % (int64_t)m->day.count) good = err_at(err, "day", "%zu parts do not divide a day; 24 are hours", m->day.count);
  if (m->week.count && m->week.count != DAYS_A_WEEK) good = err_at(err, "week", "a week has 7 days, there are %zu", m->week.count);
  if (!(mean_share(&m->day) > 0)) good = err_at(err, "day", "some part must have a rate above 0");
  if (!(mean_share(&m->week) > 0)) good = err_at(err, "week", "some day must have a rate above 0");
  if (m->levels && !(m->levels->of.count && mean_share(&m->levels->of) > 0)) good = err_at(err, "levels.of", "some part must have a rate above 0");
  if (m->bursts.count > DRAW_BURST) good = err_at(err, "bursts", "at most %d time scales", DRAW_BURST);
  if (m->on_off && !(distribution_mean(&m->on_off->on_ns) > 0)) good = err_at(err, "on_off.on", "must take time");
  if (m->on_off && !(distribution_mean(&m->on_off->on_ns) + distribution_mean(&m->on_off->off_ns) >= 1e3)) good = err_at(err, "on_off", "both spells together must take a microsecond at least");
  if (m->random_crowds && !(distribution_mean(&m->random_crowds->every_ns) >= 1e3)) good = err_at(err, "random_crowds.every", "must be a microsecond at least");
  return good;
}

static const Type modulated_type = FIELD_TYPE("modulated", "factors on the rate", Modulated, modulated_fields, check);

/* ---- parts ---- */

/* Something that has a value until an instant. */
typedef struct Part {
  double value;
  int64_t end_ns;
} Part;

typedef struct ModulatedState {
  Stream stream;
  int64_t horizon_ns;
  double day_mean, week_mean, levels_mean, on_value, off_value;
  Part *burst;        /* [bursts] */
  int64_t *phase_ns;  /* [bursts]: the first cell has begun so long before the start */
  Distribution *gamma; /* [bursts], of mean 1 */
  Part spell;
  bool on;
  uint64_t n_spells, n_crowds;
  int64_t crowd_ns;   /* the present or next random crowd's beginning */
  /* the piece [start, end) of real time that covers [done, done + rise) of operational time */
  int64_t start_ns, end_ns, done_ns, rise_ns;
  double level;
  int64_t last_ns; /* results never go back */
} ModulatedState;

static double draw(const ModulatedState *s, uint64_t what, uint64_t number) { return stream_uniform(&s->stream, what << DRAW_SHIFT | number); }

static int64_t later(int64_t from_ns, int64_t length_ns) { return length_ns < LAST_NS - from_ns ? from_ns + length_ns : LAST_NS; }

static Part table_part(const List *table, double mean, int64_t period_ns, int64_t starts_ns, int64_t at_ns) {
  int64_t part_ns = period_ns / (int64_t)table->count, number = (at_ns + starts_ns) / part_ns;
  return (Part){LIST_AT(*table, Share, (size_t)(number % (int64_t)table->count))->value / mean, (number + 1) * part_ns - starts_ns};
}

static Part trend_part(const Modulated *m, int64_t horizon_ns, int64_t at_ns) {
  int64_t step_ns = horizon_ns / TREND_STEPS + 1, number = at_ns / step_ns;
  return (Part){1 + m->trend * (((double)number + 0.5) / TREND_STEPS - 0.5), (number + 1) * step_ns};
}

static void burst_step(const Modulated *m, ModulatedState *s, size_t k, int64_t at_ns) {
  int64_t scale_ns = LIST_AT(m->bursts, Burst, k)->scale_ns, cell = (at_ns + s->phase_ns[k]) / scale_ns;
  s->burst[k] = (Part){distribution_quantile(&s->gamma[k], draw(s, DRAW_BURST + k, (uint64_t)cell)), (cell + 1) * scale_ns - s->phase_ns[k]};
}

static void spell_step(const Modulated *m, ModulatedState *s, int64_t at_ns) {
  while (s->spell.end_ns <= at_ns) {
    s->on = !s->on;
    const Distribution *law = s->on ? &m->on_off->on_ns : &m->on_off->off_ns;
    int64_t length_ns = ns_from_double(distribution_quantile(law, draw(s, DRAW_ON_OFF, ++s->n_spells)));
    s->spell = (Part){s->on ? s->on_value : s->off_value, later(s->spell.end_ns, length_ns > 0 ? length_ns : 1)};
  }
}

/* A crowd `since` its beginning: in steps up, level, in steps down; a value of 1 and an end of LAST_NS when it is over. */
static Part crowd_part(double peak, int64_t ramp_ns, int64_t hold_ns, int64_t decay_ns, int64_t since_ns) {
  if (since_ns < ramp_ns) {
    int64_t step_ns = ramp_ns / RAMP_STEPS + 1, number = since_ns / step_ns, end_ns = (number + 1) * step_ns;
    return (Part){1 + (peak - 1) * ((double)number + 0.5) * (double)step_ns / (double)ramp_ns, end_ns < ramp_ns ? end_ns : ramp_ns};
  }
  if (since_ns - ramp_ns < hold_ns) return (Part){peak, ramp_ns + hold_ns};
  int64_t down_ns = since_ns - ramp_ns - hold_ns;
  if (down_ns >= decay_ns) return (Part){1, LAST_NS};
  int64_t step_ns = decay_ns / RAMP_STEPS + 1, number = down_ns / step_ns, end_ns = (number + 1) * step_ns;
  double left = 1 - ((double)number + 0.5) * (double)step_ns / (double)decay_ns;
  return (Part){1 + (peak - 1) * (left > 0 ? left : 0), ramp_ns + hold_ns + (end_ns < decay_ns ? end_ns : decay_ns)};
}

static void multiply(Part *product, Part part) {
  product->value *= part.value;
  if (part.end_ns < product->end_ns) product->end_ns = part.end_ns;
}

static void crowd_multiply(Part *product, double peak, int64_t ramp_ns, int64_t hold_ns, int64_t decay_ns, int64_t begin_ns, int64_t at_ns) {
  if (at_ns < begin_ns) {
    multiply(product, (Part){1, begin_ns});
    return;
  }
  Part part = crowd_part(peak, ramp_ns, hold_ns, decay_ns, at_ns - begin_ns);
  part.end_ns = later(begin_ns, part.end_ns);
  multiply(product, part);
}

static void random_crowd_step(const RandomCrowds *crowds, ModulatedState *s, int64_t at_ns) {
  int64_t length_ns = later(later(crowds->ramp_ns, crowds->hold_ns), crowds->decay_ns);
  while (later(s->crowd_ns, length_ns) <= at_ns) {
    int64_t wait_ns = ns_from_double(distribution_quantile(&crowds->every_ns, draw(s, DRAW_CROWD, s->n_crowds++)));
    s->crowd_ns = later(later(s->crowd_ns, length_ns), wait_ns > 0 ? wait_ns : 1);
  }
}

/* ---- the model ---- */

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  const Modulated *m = params;
  ModulatedState *s = state;
  *s = (ModulatedState){.stream = stream_make(context->seed, context->entity, PURPOSE_MODULATION, context->replication), .horizon_ns = context->horizon_ns,
                        .day_mean = mean_share(&m->day), .week_mean = mean_share(&m->week),
                        .levels_mean = m->levels ? mean_share(&m->levels->of) : 1, .burst = ARENA_ARRAY(arena, Part, m->bursts.count),
                        .phase_ns = ARENA_ARRAY(arena, int64_t, m->bursts.count), .gamma = ARENA_ARRAY(arena, Distribution, m->bursts.count)};
  for (size_t k = 0; k < m->bursts.count; k++) {
    Err err = {.count = 0};
    s->phase_ns[k] = (int64_t)(draw(s, DRAW_PHASE, k) * (double)LIST_AT(m->bursts, Burst, k)->scale_ns);
    s->gamma[k] = distribution_gamma_mean_cv(1, LIST_AT(m->bursts, Burst, k)->cv);
    CHECK(distribution_prepare(&s->gamma[k], arena, &err));
  }
  if (m->on_off) {
    double on = distribution_mean(&m->on_off->on_ns), off = distribution_mean(&m->on_off->off_ns), share = on / (on + off);
    s->on_value = 1 / (share + (1 - share) * m->on_off->quiet_ratio);
    s->off_value = s->on_value * m->on_off->quiet_ratio;
    s->on = draw(s, DRAW_ON_OFF, 0) >= share; /* the first spell is a whole one of the other kind */
  }
  if (m->random_crowds) s->crowd_ns = ns_from_double(distribution_quantile(&m->random_crowds->every_ns, draw(s, DRAW_CROWD, s->n_crowds++)));
}

static double level(const void *params, void *state, const WorkloadContext *context, int64_t at_ns, int64_t *end_ns) {
  const Modulated *m = params;
  ModulatedState *s = state;
  Part product = {1, LAST_NS};
  (void)context;
  if (m->day.count) multiply(&product, table_part(&m->day, s->day_mean, DAY_NS, m->starts_ns % DAY_NS, at_ns));
  if (m->week.count) multiply(&product, table_part(&m->week, s->week_mean, DAYS_A_WEEK * DAY_NS, m->starts_ns, at_ns));
  if (m->levels) multiply(&product, table_part(&m->levels->of, s->levels_mean, m->levels->every_ns * (int64_t)m->levels->of.count, 0, at_ns));
  if (m->trend < 0 || m->trend > 0) multiply(&product, trend_part(m, s->horizon_ns, at_ns));
  for (size_t k = 0; k < m->bursts.count; k++) {
    if (s->burst[k].end_ns <= at_ns) burst_step(m, s, k, at_ns);
    multiply(&product, s->burst[k]);
  }
  if (m->on_off) {
    spell_step(m, s, at_ns);
    multiply(&product, s->spell);
  }
  for (size_t k = 0; k < m->crowds.count; k++) {
    const Crowd *crowd = LIST_AT(m->crowds, Crowd, k);
    crowd_multiply(&product, crowd->peak, crowd->ramp_ns, crowd->hold_ns, crowd->decay_ns, crowd->at_ns, at_ns);
  }
  if (m->random_crowds) {
    const RandomCrowds *crowds = m->random_crowds;
    random_crowd_step(crowds, s, at_ns);
    crowd_multiply(&product, crowds->peak, crowds->ramp_ns, crowds->hold_ns, crowds->decay_ns, s->crowd_ns, at_ns);
  }
  *end_ns = product.end_ns;
  return product.value;
}

/* The next piece. Nothing is asked for past the horizon, so the last one has no end. */
static void piece_next(const void *params, ModulatedState *s) {
  s->done_ns += s->rise_ns;
  s->start_ns = s->end_ns;
  if (s->start_ns > s->horizon_ns) {
    s->level = 1;
    s->end_ns = s->rise_ns = LAST_NS;
    return;
  }
  s->level = level(params, s, NULL, s->start_ns, &s->end_ns);
  s->rise_ns = ns_from_double(s->level * (double)(s->end_ns - s->start_ns));
  if (s->rise_ns > LAST_NS - s->done_ns) s->rise_ns = LAST_NS - s->done_ns;
}

static void warp(const void *params, void *state, const WorkloadContext *context, int64_t *instant_ns, size_t n) {
  ModulatedState *s = state;
  (void)context;
  for (size_t k = 0; k < n; k++) {
    while (instant_ns[k] - s->done_ns >= s->rise_ns && s->start_ns <= s->horizon_ns) piece_next(params, s);
    int64_t after_ns = s->level > 0 ? ns_from_double((double)(instant_ns[k] - s->done_ns) / s->level) : 0, length_ns = s->end_ns - s->start_ns;
    int64_t real_ns = s->start_ns + (after_ns < length_ns ? after_ns : length_ns);
    if (real_ns < s->last_ns) real_ns = s->last_ns;
    instant_ns[k] = s->last_ns = real_ns;
  }
}

extern const RateModel rate_modulated;
const RateModel rate_modulated = {
    .model = {.kind = MODEL_RATE,
              .name = "modulated",
              .summary = "hours, days, trend, on/off spells, flash crowds and random bursts at given time scales, multiplied",
              .rule = "rate(t) = rate of the arrivals x day x week x levels x trend x on/off x crowds x bursts. Day, week, levels, spells and bursts have mean 1. The\n"
                      "factor of a burst is gamma with mean 1 and coefficient of variation cv, drawn anew for every cell of its scale; the first one has\n"
                      "begun at random before the start, so that no instant is special. Ramps and the\n"
                      "trend go in steps (32 a ramp, 256 a run).",
              .evidence = "counts, dispersion and spells against theory, tests/fit/test_generators.py",
              .params = &modulated_type},
    .state_bytes = sizeof(ModulatedState),
    .begin = begin,
    .warp = warp,
    .level = level,
};
