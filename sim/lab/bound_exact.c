/* The exact search; see bound_exact.h for what is searched and why that is all. */
#include "sim/lab/bound_exact.h"

#include <string.h>

#include "sim/base/hash.h"

enum { JOBS_MOST = 8, FLOOR_MOST = 4, UNITS_MOST = JOBS_MOST + FLOOR_MOST, STEPS_MOST = 10000, STATES_MOST = 200000, MOVES_MOST = 2000000 };
enum { WORDS = 2 * UNITS_MOST + JOBS_MOST, UNIT_END = 0xffff, THROUGH = 0xffff };

/* The problem in steps from its start. */
typedef struct Steps {
  const BoundProblem *problem;
  int64_t counted, younger; /* jobs, as in bound.c; of the former also those that cannot attain */
  int n;
  int64_t from[JOBS_MOST], last[JOBS_MOST], work[JOBS_MOST]; /* of jobs that can attain: earliest and latest begin */
  bool young[JOBS_MOST];
  int64_t step_ns, end, startup, minimum, granule;
  int least_units, most_units, initial_units;
} Steps;

/* A unit on hand: work left of its jobs, ascending. */
typedef struct Held {
  int paid, n, left[JOBS_MOST];
} Held;
typedef struct State {
  int at, pending, attained, attained_young, n;
  int64_t spent;
  Held unit[UNITS_MOST];
} State;

typedef struct Key {
  uint16_t at, pending;
  uint8_t attained, attained_young;
  uint16_t word[WORDS];
} Key;
typedef struct Known {
  Key key;
  int64_t spent;
  bool done;
} Known;
typedef struct Open {
  int64_t spent;
  uint32_t known;
  uint16_t at;
} Open;

typedef struct Search {
  const Steps *steps;
  Arena *arena;
  Known *known;
  Open *open;      /* a heap, least spent first, then latest */
  uint32_t *table; /* 1 + index of known; a power of two in size, at most half full */
  size_t n_known, known_room, n_open, open_room, table_room;
  int64_t moves;
} Search;

/* ---- the problem in steps ---- */

static int64_t divisor(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}
static int64_t up_to(int64_t value, int64_t multiple) { return value % multiple ? value + (multiple - value % multiple) : value; }
static int64_t lower_of(int64_t a, int64_t b) { return a < b ? a : b; }

/* In ns first; false: too many jobs, or one without work. */
static bool take_jobs(Steps *steps) {
  const BoundProblem *problem = steps->problem;
  for (size_t j = 0; j < problem->n_jobs; j++) {
    int64_t at_ns = problem->arrival_ns[j], work_ns = problem->work_ns[j];
    if (at_ns < problem->start_ns || at_ns >= problem->horizon_ns) continue;
    bool young = problem->horizon_ns - at_ns < problem->objective_latency_ns;
    if (young) steps->younger++;
    else steps->counted++;
    int64_t room_ns = lower_of(problem->objective_latency_ns, problem->horizon_ns - at_ns);
    if (work_ns > room_ns) continue;
    if (work_ns == 0 || steps->n == JOBS_MOST) return false;
    int k = steps->n++;
    steps->from[k] = at_ns - problem->start_ns;
    steps->work[k] = work_ns;
    steps->last[k] = steps->from[k] + room_ns - work_ns;
    steps->young[k] = young;
  }
  return true;
}

static bool steps_of(const BoundProblem *problem, Steps *steps) {
  *steps = (Steps){.problem = problem};
  if (problem->min_units > FLOOR_MOST || !take_jobs(steps)) return false;
  const bool all = problem->start_ns == 0; /* with a warm-up only ready time counts, as in bound.c */
  const int64_t granularity_ns = all ? problem->granularity_ns : 1;
  steps->startup = all && problem->bill_startup ? problem->startup_ns : 0;
  steps->minimum = all ? up_to(problem->minimum_charge_ns, granularity_ns) : 0;
  steps->end = problem->horizon_ns - problem->start_ns;
  int64_t step_ns = divisor(divisor(steps->end, steps->startup), steps->minimum);
  for (int j = 0; j < steps->n; j++) step_ns = divisor(divisor(divisor(step_ns, steps->from[j]), steps->last[j]), steps->work[j]);
  bool fine = step_ns % granularity_ns == 0;
  if (!fine) step_ns = divisor(step_ns, granularity_ns);
  steps->granule = fine ? 1 : granularity_ns / step_ns;
  const int64_t charge_most = INT64_C(1) << 40; /* steps: a plan's bill cannot overflow */
  if (steps->end / step_ns > STEPS_MOST || steps->granule > charge_most || steps->startup / step_ns > charge_most || steps->minimum / step_ns > charge_most) return false;
  for (int j = 0; j < steps->n; j++) steps->from[j] /= step_ns, steps->last[j] /= step_ns, steps->work[j] /= step_ns;
  steps->step_ns = step_ns;
  steps->end /= step_ns, steps->startup /= step_ns, steps->minimum /= step_ns;
  steps->least_units = (int)problem->min_units;
  steps->most_units = (int)lower_of(problem->max_units, steps->n + problem->min_units);
  steps->initial_units = all ? (int)lower_of(problem->initial_units, steps->most_units) : 0;
  return true;
}

/* A unit that serves for one step. */
static int64_t first_bill(const Steps *steps, bool initial) {
  int64_t billed = 1 + (initial ? 0 : steps->startup);
  return up_to(billed > steps->minimum ? billed : steps->minimum, steps->granule);
}

/* ---- states ---- */

static int order(const Held *a, const Held *b) {
  if (a->paid != b->paid) return a->paid < b->paid ? -1 : 1;
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (int k = 0; k < a->n; k++)
    if (a->left[k] != b->left[k]) return a->left[k] < b->left[k] ? -1 : 1;
  return 0;
}

static void sort_units(State *state) {
  for (int u = 1; u < state->n; u++) {
    Held held = state->unit[u];
    int k = u;
    for (; k > 0 && order(&held, &state->unit[k - 1]) < 0; k--) state->unit[k] = state->unit[k - 1];
    state->unit[k] = held;
  }
}

static void pack(const State *state, Key *key) {
  memset(key, 0, sizeof *key);
  key->at = (uint16_t)state->at;
  key->pending = (uint16_t)state->pending;
  key->attained = (uint8_t)state->attained;
  key->attained_young = (uint8_t)state->attained_young;
  int w = 0;
  for (int u = 0; u < state->n; u++) {
    key->word[w++] = (uint16_t)(state->unit[u].paid + 1); /* 0: no more units */
    for (int k = 0; k < state->unit[u].n; k++) key->word[w++] = (uint16_t)state->unit[u].left[k];
    key->word[w++] = UNIT_END;
  }
}

static void unpack(const Known *known, State *state) {
  const Key *key = &known->key;
  *state = (State){.at = key->at, .pending = key->pending, .attained = key->attained, .attained_young = key->attained_young, .spent = known->spent};
  for (int w = 0; w < WORDS && key->word[w]; w++) {
    Held *held = &state->unit[state->n++];
    held->paid = key->word[w++] - 1;
    for (; key->word[w] != UNIT_END; w++) held->left[held->n++] = key->word[w];
  }
}

/* ---- what is known, and what is next ---- */

static bool before(const Open *a, const Open *b) {
  if (a->spent != b->spent) return a->spent < b->spent;
  return a->at != b->at ? a->at > b->at : a->known < b->known;
}

static void open_put(Search *search, Open open) {
  if (search->n_open == search->open_room) {
    search->open = arena_grow(search->arena, search->open, search->n_open, search->open_room * 2, sizeof *search->open);
    search->open_room *= 2;
  }
  size_t k = search->n_open++;
  for (; k > 0 && before(&open, &search->open[(k - 1) / 2]); k = (k - 1) / 2) search->open[k] = search->open[(k - 1) / 2];
  search->open[k] = open;
}

static Open open_take(Search *search) {
  Open first = search->open[0], last = search->open[--search->n_open];
  size_t k = 0;
  for (size_t child = 1; child < search->n_open; child = 2 * k + 1) {
    if (child + 1 < search->n_open && before(&search->open[child + 1], &search->open[child])) child++;
    if (!before(&search->open[child], &last)) break;
    search->open[k] = search->open[child];
    k = child;
  }
  search->open[k] = last;
  return first;
}

/* Where the key is or would be. */
static uint32_t *slot_of(const Search *search, const Key *key) {
  size_t k = (size_t)hash_bytes(0, key, sizeof *key) & (search->table_room - 1);
  while (search->table[k] && memcmp(&search->known[search->table[k] - 1].key, key, sizeof *key) != 0) k = (k + 1) & (search->table_room - 1);
  return &search->table[k];
}

static void make_room(Search *search) {
  if (search->n_known < search->known_room) return;
  search->known = arena_grow(search->arena, search->known, search->n_known, search->known_room * 2, sizeof *search->known);
  search->known_room *= 2;
  search->table_room *= 2;
  search->table = ARENA_ARRAY(search->arena, uint32_t, search->table_room);
  for (size_t k = 0; k < search->n_known; k++) *slot_of(search, &search->known[k].key) = (uint32_t)k + 1;
}

static void put(Search *search, const State *state) {
  Key key;
  search->moves++;
  pack(state, &key);
  make_room(search);
  uint32_t *slot = slot_of(search, &key);
  if (*slot == 0) {
    search->known[search->n_known++] = (Known){.key = key, .spent = INT64_MAX};
    *slot = (uint32_t)search->n_known;
  }
  Known *known = &search->known[*slot - 1];
  if (known->spent <= state->spent) return;
  known->spent = state->spent;
  open_put(search, (Open){state->spent, *slot - 1, key.at});
}

/* ---- moves ---- */

static bool suffices(const Steps *steps, int attained, int young) { return attained >= bound_required(steps->problem, steps->counted, young); }

/* No more job needs to begin: those in service end, on time that is paid. */
static void put_through(Search *search, const State *state) {
  State through = {.at = THROUGH, .spent = state->spent};
  for (int u = 0; u < state->n; u++) {
    const Held *held = &state->unit[u];
    if (held->n > 0 && held->left[held->n - 1] > held->paid) through.spent += up_to(held->left[held->n - 1] - held->paid, search->steps->granule);
  }
  put(search, &through);
}

/* Drops jobs that are too late, or all if enough attain; false: it cannot suffice. */
static bool settle_jobs(const Steps *steps, State *state) {
  int may = 0, may_young = 0;
  if (suffices(steps, state->attained, state->attained_young)) {
    state->pending = 0;
    return true;
  }
  for (int j = 0; j < steps->n; j++) {
    if (steps->last[j] < state->at) state->pending &= ~(1 << j);
    if (!(state->pending & 1 << j)) continue;
    if (steps->young[j]) may_young++;
    else may++;
  }
  return suffices(steps, state->attained + may, state->attained_young + may_young);
}

static void put_state(Search *search, State *state) {
  const Steps *steps = search->steps;
  if (!settle_jobs(steps, state)) return;
  if (state->pending == 0 && (steps->least_units == 0 || state->at == steps->end)) put_through(search, state);
  else if (state->at < steps->end) {
    sort_units(state);
    put(search, state);
  }
}

static void begin_unit(const Steps *steps, State *state, bool initial) {
  int64_t bill = first_bill(steps, initial);
  state->spent += bill;
  state->unit[state->n++] = (Held){.paid = (int)lower_of(bill - (initial ? 0 : steps->startup), steps->end - state->at)};
}

static void pass_step(Search *search, const State *state) {
  State next = *state;
  while (next.n < search->steps->least_units) begin_unit(search->steps, &next, false);
  next.at++;
  for (int u = 0; u < next.n; u++) {
    Held *held = &next.unit[u];
    held->paid--;
    int n = 0;
    for (int k = 0; k < held->n; k++)
      if (held->left[k] > 1) held->left[n++] = held->left[k] - 1;
    held->n = n;
  }
  put_state(search, &next);
}

static State with_job(const Steps *steps, const State *state, int j, int u) {
  State with = *state;
  if (u == with.n) begin_unit(steps, &with, false);
  Held *held = &with.unit[u];
  int k = held->n++;
  for (; k > 0 && held->left[k - 1] > steps->work[j]; k--) held->left[k] = held->left[k - 1];
  held->left[k] = (int)steps->work[j];
  with.pending &= ~(1 << j);
  if (steps->young[j]) with.attained_young++;
  else with.attained++;
  return with;
}

static bool alike(const Steps *steps, int i, int j) { return steps->from[i] == steps->from[j] && steps->work[i] == steps->work[j]; }

static bool worn_out(const Search *search) { return search->n_known > STATES_MOST || search->moves > MOVES_MOST; }

/* Job j begins now on a unit or waits; of jobs alike the first that waits makes the others wait, of units alike the first one serves. */
static void begin_jobs(Search *search, const State *state, int j, int waits) {
  const Steps *steps = search->steps;
  if (worn_out(search)) return;
  while (j < steps->n && (!(state->pending & 1 << j) || steps->from[j] > state->at)) j++;
  if (j == steps->n) {
    pass_step(search, state);
    return;
  }
  begin_jobs(search, state, j + 1, waits | 1 << j);
  for (int i = 0; i < j; i++)
    if (waits & 1 << i && alike(steps, i, j)) return;
  for (int u = 0; u <= state->n && u < steps->most_units; u++) {
    bool same = false;
    for (int v = 0; v < u && u < state->n; v++) same |= order(&state->unit[u], &state->unit[v]) == 0;
    if (same || (u < state->n && state->unit[u].n >= steps->problem->slots_per_unit)) continue;
    State with = with_job(steps, state, j, u);
    begin_jobs(search, &with, j + 1, waits);
  }
}

/* Units whose paid time is over: those that serve are paid for another granule, of the others as many as one likes. */
static void expand(Search *search, const State *state) {
  const Steps *steps = search->steps;
  int paid = (int)lower_of(steps->granule, steps->end - state->at), idle = 0;
  State kept = *state;
  kept.n = 0;
  for (int u = 0; u < state->n; u++) {
    Held held = state->unit[u];
    if (held.paid == 0 && held.n == 0) {
      idle++;
      continue;
    }
    if (held.paid == 0) {
      held.paid = paid;
      kept.spent += steps->granule;
    }
    kept.unit[kept.n++] = held;
  }
  begin_jobs(search, &kept, 0, 0);
  for (; idle > 0; idle--) {
    kept.unit[kept.n++] = (Held){.paid = paid};
    kept.spent += steps->granule;
    begin_jobs(search, &kept, 0, 0);
  }
}

static Search search_new(Arena *arena, const Steps *steps) {
  enum { ROOM = 256 };
  return (Search){.steps = steps, .arena = arena, .known_room = ROOM, .open_room = ROOM, .table_room = 2 * ROOM, .known = ARENA_ARRAY(arena, Known, ROOM),
                  .open = ARENA_ARRAY(arena, Open, ROOM), .table = ARENA_ARRAY(arena, uint32_t, 2 * ROOM)};
}

ExactStatus bound_exact(Arena *arena, const BoundProblem *problem, __int128 *unit_ns) {
  Steps steps;
  if (!steps_of(problem, &steps)) return EXACT_NONE;
  Search search = search_new(arena, &steps);
  for (int kept = 0; kept <= steps.initial_units; kept++) {
    State state = {.pending = (1 << steps.n) - 1};
    for (int u = 0; u < kept; u++) begin_unit(&steps, &state, true);
    put_state(&search, &state);
  }
  while (search.n_open > 0) {
    Open open = open_take(&search);
    Known *known = &search.known[open.known];
    if (known->done) continue;
    known->done = true;
    if (open.at == THROUGH) {
      *unit_ns = (__int128)open.spent * steps.step_ns;
      return EXACT_FOUND;
    }
    State state;
    unpack(known, &state);
    expand(&search, &state);
    if (worn_out(&search)) return EXACT_NONE;
  }
  return EXACT_INFEASIBLE;
}
