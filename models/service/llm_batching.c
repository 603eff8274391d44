/* `llm-continuous-batching`: a server. Sequences join and leave between iterations; each iteration prefills prompts and decodes one token of
 * every sequence that is past its prompt.
 * Source: iteration-level scheduling, Yu et al., "Orca", OSDI 2022; the scheduler of vLLM v0.8 (vllm/v1/core/sched/scheduler.py: running
 * sequences before waiting ones, max_num_batched_tokens, preemption of the youngest by recomputation, under the policy `priority` of the
 * lowest); chunked prefill, Agrawal et al., "Sarathi-Serve", OSDI 2024. The time of an iteration is linear in its tokens, sequences and cached tokens, as the latency models of
 * Vidur (Agrawal et al., MLSys 2024) and of Patel et al., "Splitwise", ISCA 2024 find for a fixed model, GPU and parallelism.
 *
 * Time is kept in ticks of 2^-20 ns and all durations are integers, so that a run of equal decode iterations is one closed form and gives
 * the very instants of stepping through them. Invariant: between events either a plan runs (length iterations of one composition), or
 * finished sequences wait to be fetched, or nothing is inside. */
#include "models/service/llm_law.h"
#include "sim/base/check.h"
#include "sim/core/time.h"

enum { TICK_BITS = 20 };

typedef enum Stage { STAGE_OUT, STAGE_PREFILL, STAGE_DECODE, STAGE_FINISHED } Stage; /* OUT: preempted, holds no cache */

typedef struct Sequence {
  uint32_t slot;
  Stage stage;
  uint32_t input, output; /* at least 1 */
  uint32_t rank;          /* of its priority, 0: the highest */
  int64_t prompt;         /* tokens to prefill: the input, and after a preemption what was generated, too */
  int64_t cached;         /* tokens in the cache */
  int64_t generated;
  int64_t chunk;          /* prefilled by the running iteration */
  int64_t first_ns;       /* of its first token; INSTANT_NEVER */
  int64_t ready_ns;       /* when it can be in an iteration */
  double work_ns;
} Sequence;

typedef struct Sequences {
  __int128 start, end;  /* ticks: of the plan; end is also the last boundary when none runs */
  int64_t length;       /* iterations of the plan; 0: none runs */
  int64_t fixed, growth; /* the plan's i-th iteration (from 0) takes fixed + i * growth ticks */
  int64_t iteration, token, sequence, kv_token; /* ticks */
  double speed;
  int64_t budget, kv_limit, last_first_ns;
  int64_t overhead_ns, asked_ns; /* asked_ns: since when the job waits that is to be admitted */
  uint32_t count, most, n_finished, n_out;
  bool whole, reserves, steps;
  bool pause; /* the running iteration decodes nothing */
  bool idle;  /* the plan is to wait for a job to get ready */
  Sequence seq[]; /* in order of admission */
} Sequences;

static const int64_t LONG = INT64_C(1) << 62;

static int64_t least_of(__int128 a, int64_t b) { return a < b ? (int64_t)a : b; }

/* The first nanosecond not before it. */
static int64_t ns_of(__int128 t) { return least_of((t + ((1 << TICK_BITS) - 1)) >> TICK_BITS, LONG); }

/* ---- time ---- */

static int64_t ticks(double ns, double factor) {
  return ns_from_double(ns * factor * (double)(1 << TICK_BITS)); /* at most 2^62 */
}

static void read_law(Sequences *s, const Llm *law, double speed) {
  double factor = llm_parallel_factor(law) / speed;
  s->speed = speed;
  s->iteration = ticks((double)law->iteration_ns, factor);
  s->token = ticks((double)law->per_prefill_token_ns, factor);
  s->sequence = ticks((double)law->per_sequence_ns, factor);
  s->kv_token = ticks((double)law->per_thousand_kv_ns / 1000, factor);
  s->overhead_ns = law->overhead_ns;
  s->budget = law->max_batched_tokens;
  s->kv_limit = law->kv_tokens ? law->kv_tokens : INT64_MAX / 4;
  s->whole = law->prefill == PREFILL_WHOLE;
  s->reserves = law->kv_full == KV_QUEUE;
  s->steps = law->step_iterations;
}

/* The first n iterations of the plan. */
static __int128 span(const Sequences *s, int64_t n) {
  return (__int128)s->fixed * n + (__int128)s->growth * ((__int128)n * (n - 1) / 2);
}

/* The iteration of the plan, from 1, that runs at an instant: what ends there has ended. */
static int64_t iteration_at(const Sequences *s, int64_t now_ns) {
  int64_t low = 1, high = s->length;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (ns_of(s->start + span(s, middle)) > now_ns) high = middle;
    else low = middle + 1;
  }
  return low;
}

/* Cuts the plan down to the running iteration: those before it, which end nobody, are carried out. */
static void settle(Sequences *s, int64_t now_ns) {
  int64_t done = s->length ? iteration_at(s, now_ns) - 1 : 0;
  if (s->length <= 1) return;
  for (uint32_t k = 0; k < s->count && done > 0; k++) {
    if (s->seq[k].stage != STAGE_DECODE) continue;
    s->seq[k].cached += done;
    s->seq[k].generated += done;
  }
  s->start += span(s, done);
  s->fixed = least_of((__int128)s->fixed + (__int128)s->growth * done, LONG);
  s->length = 1;
  s->end = s->start + s->fixed;
}

/* ---- the cache ---- */

static int64_t held_by(const Sequences *s, const Sequence *q) {
  if (q->stage == STAGE_OUT || q->stage == STAGE_FINISHED) return 0;
  if (s->reserves) return (int64_t)q->input + q->output - 1;
  return q->stage == STAGE_PREFILL ? q->prompt : q->cached;
}

static int64_t held(const Sequences *s) {
  int64_t sum = 0;
  for (uint32_t k = 0; k < s->count; k++) sum += held_by(s, &s->seq[k]);
  return sum;
}

static uint32_t inside(const Sequences *s, Stage stage) {
  uint32_t n = 0;
  for (uint32_t k = 0; k < s->count; k++) n += s->seq[k].stage == stage;
  return n;
}

/* The youngest of those of the lowest priority that hold cache. */
static Sequence *least_of_residents(Sequences *s) {
  Sequence *least = NULL;
  for (uint32_t k = s->count; k-- > 0;)
    if (s->seq[k].stage != STAGE_OUT && (!least || s->seq[k].rank > least->rank)) least = &s->seq[k];
  return least;
}

/* Every decoding sequence needs room for a token: some give theirs up, but the last one runs whatever it takes. */
static void make_room(Sequences *s) {
  if (s->reserves) return;
  int64_t used = held(s), decoding = inside(s, STAGE_DECODE), residents = s->count - s->n_out;
  while (residents > 1 && used + decoding > s->kv_limit) {
    Sequence *q = least_of_residents(s);
    used -= held_by(s, q);
    decoding -= q->stage == STAGE_DECODE;
    residents--;
    q->stage = STAGE_OUT;
    q->prompt = (int64_t)q->input + q->generated;
    q->cached = 0;
    s->n_out++;
  }
}

/* The oldest of those of the highest priority that are out, or NULL. */
static Sequence *first_out(Sequences *s) {
  Sequence *first = NULL;
  for (uint32_t k = 0; k < s->count && s->n_out; k++)
    if (s->seq[k].stage == STAGE_OUT && (!first || s->seq[k].rank < first->rank)) first = &s->seq[k];
  return first;
}

/* Preempted sequences come back, one after the other, when their prompts fit beside the next tokens of the others. */
static void readmit(Sequences *s) {
  if (!s->n_out) return;
  int64_t used = held(s) + inside(s, STAGE_DECODE);
  for (Sequence *q; (q = first_out(s)) != NULL;) {
    if (s->n_out < s->count && used + q->prompt > s->kv_limit) return;
    q->stage = STAGE_PREFILL;
    used += q->prompt;
    s->n_out--;
  }
}

static bool fits(const Sequences *s, const ServerQueue *queue) {
  if (s->count == 0) return true;
  int64_t input = queue->input > 1 ? queue->input : 1, output = queue->output > 1 ? queue->output : 1;
  return held(s) + inside(s, STAGE_DECODE) + input + (s->reserves ? output - 1 : 0) <= s->kv_limit;
}

/* ---- iterations ---- */

/* Gives the next iteration's prompt tokens to the sequences in order; how many there are, and how many sequences get some. */
static int64_t give_chunks(Sequences *s, int64_t decoding, int64_t *sequences) {
  int64_t left = s->whole ? s->budget : s->budget - decoding, sum = 0;
  for (uint32_t k = 0; k < s->count; k++) {
    Sequence *q = &s->seq[k];
    q->chunk = 0;
    if (q->stage != STAGE_PREFILL || left <= 0 || q->ready_ns > ns_of(s->end)) continue;
    int64_t wanted = q->prompt - q->cached;
    if (s->whole && sum > 0 && wanted > left) left = 0; /* in order */
    q->chunk = s->whole ? (left > 0 ? wanted : 0) : wanted < left ? wanted : left;
    left -= q->chunk;
    sum += q->chunk;
    *sequences += q->chunk > 0;
  }
  return sum;
}

static int64_t next_ready(const Sequences *s) {
  int64_t next_ns = INSTANT_NEVER;
  for (uint32_t k = 0; k < s->count; k++) {
    const Sequence *q = &s->seq[k];
    if (q->stage == STAGE_PREFILL && q->ready_ns > ns_of(s->end) && q->ready_ns < next_ns) next_ns = q->ready_ns;
  }
  return next_ns;
}

/* How many decode iterations are alike: until the first sequence ends, or the cache is full. */
static int64_t alike(const Sequences *s, int64_t decoding) {
  int64_t n = s->steps ? 1 : INT64_C(1) << 40;
  for (uint32_t k = 0; k < s->count; k++) {
    const Sequence *q = &s->seq[k];
    if (q->stage == STAGE_DECODE && q->output - q->generated < n) n = q->output - q->generated;
  }
  int64_t room = decoding > 0 ? (s->kv_limit - held(s)) / decoding : n;
  if (!s->reserves && room < n) n = room;
  return n > 1 ? n : 1;
}

/* Begins what is to be done from the last boundary on. */
static void launch(Sequences *s, int64_t now_ns) {
  if (s->count == 0) return;
  if (ns_of(s->end) < now_ns) s->end = (__int128)now_ns << TICK_BITS; /* it was idle */
  make_room(s);
  readmit(s);
  int64_t decoding = inside(s, STAGE_DECODE), prefilling = 0, cached = 0;
  int64_t tokens = give_chunks(s, decoding, &prefilling);
  s->pause = s->whole && tokens > 0;
  if (s->pause) decoding = 0;
  for (uint32_t k = 0; k < s->count; k++) cached += s->seq[k].stage == STAGE_DECODE ? (decoding ? s->seq[k].cached : 0) : s->seq[k].cached;
  int64_t ready_ns = next_ready(s);
  s->start = s->end;
  s->idle = tokens == 0 && decoding == 0;
  if (s->idle) { /* all that are inside are still on their way */
    s->length = 1;
    s->growth = 0;
    s->end = (__int128)ready_ns << TICK_BITS;
    s->fixed = least_of(s->end - s->start, LONG);
    return;
  }
  s->length = tokens > 0 ? 1 : alike(s, decoding);
  s->growth = least_of((__int128)s->kv_token * decoding, LONG);
  __int128 fixed = (__int128)s->iteration + (__int128)s->token * tokens + (__int128)s->sequence * (decoding + prefilling) + (__int128)s->kv_token * cached;
  s->fixed = fixed < (1 << TICK_BITS) ? 1 << TICK_BITS : least_of(fixed, LONG); /* at least 1 ns: time goes on */
  if (s->length > 1 && ready_ns != INSTANT_NEVER) s->length = iteration_at(s, ready_ns - 1);
  s->end = s->start + span(s, s->length);
}

static void advance_sequence(Sequences *s, Sequence *q, int64_t end_ns) {
  if (q->stage == STAGE_PREFILL) {
    q->cached += q->chunk;
    if (q->cached < q->prompt) return;
    q->stage = STAGE_DECODE;
    q->generated++;
    if (q->first_ns == INSTANT_NEVER) q->first_ns = end_ns;
  } else if (q->stage == STAGE_DECODE && !s->pause) {
    q->cached += s->length;
    q->generated += s->length;
  }
  if (q->stage != STAGE_DECODE || q->generated < q->output) return;
  q->stage = STAGE_FINISHED;
  s->n_finished++;
}

/* The plan has been carried out. */
static void land(Sequences *s) {
  for (uint32_t k = 0; k < s->count; k++) advance_sequence(s, &s->seq[k], ns_of(s->end));
  s->length = 0;
  s->idle = false;
}

/* ---- the server's functions ---- */

static size_t state_bytes(const void *params, int64_t concurrency, int64_t limit) {
  (void)params, (void)concurrency;
  return sizeof(Sequences) + (size_t)(limit > 0 ? limit : 0) * sizeof(Sequence);
}

static void begin(const void *params, void *state, int64_t concurrency, int64_t limit, int64_t now_ns, double speed) {
  const Llm *law = params;
  Sequences *s = state;
  (void)concurrency;
  *s = (Sequences){.end = (__int128)now_ns << TICK_BITS, .last_first_ns = INSTANT_NEVER};
  s->most = (uint32_t)(law->max_sequences && law->max_sequences < limit ? law->max_sequences : limit);
  read_law(s, law, speed);
}

static bool has_room(const void *state) {
  const Sequences *s = state;
  return s->count < s->most;
}

static uint64_t take(const void *params, void *state, int64_t now_ns, const ServerQueue *queue) {
  Sequences *s = state;
  (void)params;
  CHECK(!s->n_finished);
  const Sequence *out = first_out(s); /* comes before those who wait, unless they are of a higher priority */
  bool wanted = queue->count > 0 && s->count < s->most && (!out || queue->rank < out->rank) && fits(s, queue);
  if (s->idle && s->length && wanted) { /* it need not be waited for */
    s->length = 0;
    s->end = (__int128)now_ns << TICK_BITS;
  }
  if (s->length) {
    if (wanted) settle(s, now_ns);
    return 0;
  }
  s->asked_ns = queue->oldest_ns;
  if (wanted) return 1;
  launch(s, now_ns);
  return 0;
}

static void admit(const void *params, void *state, int64_t now_ns, ServerJob job) {
  Sequences *s = state;
  (void)params, (void)now_ns;
  CHECK(has_room(s) && !s->length);
  uint32_t input = job.input > 1 ? job.input : 1, output = job.output > 1 ? job.output : 1;
  s->seq[s->count++] = (Sequence){.slot = job.slot, .stage = STAGE_PREFILL, .input = input, .output = output, .rank = job.rank, .prompt = input,
                                  .first_ns = INSTANT_NEVER, .ready_ns = s->asked_ns + s->overhead_ns, .work_ns = job.work_ns};
}

static int64_t next(const void *params, const void *state) {
  const Sequences *s = state;
  (void)params;
  return s->length || s->n_finished ? ns_of(s->end) : INSTANT_NEVER;
}

static void remove_at(Sequences *s, uint32_t k) {
  s->n_out -= s->seq[k].stage == STAGE_OUT;
  for (s->count--; k < s->count; k++) s->seq[k] = s->seq[k + 1];
}

static uint32_t complete(const void *params, void *state, int64_t now_ns) {
  Sequences *s = state;
  (void)params;
  if (s->length && ns_of(s->end) <= now_ns) land(s);
  if (!s->n_finished) return SERVER_NONE;
  uint32_t pick = s->count;
  for (uint32_t k = 0; k < s->count; k++)
    if (s->seq[k].stage == STAGE_FINISHED && (pick == s->count || s->seq[k].slot < s->seq[pick].slot)) pick = k;
  uint32_t slot = s->seq[pick].slot;
  s->last_first_ns = s->seq[pick].first_ns;
  s->n_finished--;
  remove_at(s, pick);
  return slot;
}

/* The running iteration takes as long as it was to take, but without anybody it ends at once. */
static void cancel(const void *params, void *state, int64_t now_ns, uint32_t slot) {
  Sequences *s = state;
  (void)params;
  uint32_t k = 0;
  while (k < s->count && s->seq[k].slot != slot) k++;
  CHECK(k < s->count);
  settle(s, now_ns);
  s->n_finished -= s->seq[k].stage == STAGE_FINISHED;
  remove_at(s, k);
  if (s->count) return;
  s->length = 0;
  s->end = (__int128)now_ns << TICK_BITS;
}

/* The cache is lost: whoever is evicted begins again elsewhere. What is left says only how far it was. */
static size_t evict(const void *params, void *state, int64_t now_ns, ServerJob *job) {
  Sequences *s = state;
  (void)params;
  size_t n = s->count;
  settle(s, now_ns);
  for (size_t k = 0; k < n; k++) {
    const Sequence *q = &s->seq[k];
    job[k] = (ServerJob){q->slot, q->work_ns * (double)(q->output - q->generated) / (double)q->output, q->input, q->output, q->rank};
  }
  s->count = s->n_finished = s->n_out = 0;
  s->length = 0;
  s->end = (__int128)now_ns << TICK_BITS;
  return n;
}

/* The running iteration goes on at the new speed, those after it by the new law. */
static void resize(const void *params, void *state, int64_t now_ns, double speed) {
  Sequences *s = state;
  __int128 now = (__int128)now_ns << TICK_BITS;
  settle(s, now_ns);
  if (s->length && !s->idle && s->end > now && speed != s->speed) {
    s->end = now + ns_from_double((double)(s->end - now) * (s->speed / speed));
    s->fixed = least_of(s->end - s->start, LONG);
  }
  read_law(s, params, speed);
}

static double busy_ratio(const void *state) {
  const Sequences *s = state;
  return s->most ? (double)s->count / (double)s->most : 0;
}

static int64_t least_concurrency(const void *params) {
  const Llm *law = params;
  return law->max_sequences ? law->max_sequences : 1;
}

static int64_t first_output(const void *state) { return ((const Sequences *)state)->last_first_ns; }

static double kv_ratio(const void *state) {
  const Sequences *s = state;
  double share = (double)held(s) / (double)s->kv_limit;
  return s->kv_limit >= INT64_MAX / 4 ? __builtin_nan("") : share < 1 ? share : 1;
}

const ServerModel llm_server = {
    .state_bytes = state_bytes, .begin = begin, .has_room = has_room, .take = take, .admit = admit, .next = next, .complete = complete,
    .cancel = cancel, .evict = evict, .resize = resize, .busy_ratio = busy_ratio, .least_concurrency = least_concurrency,
    .first_output = first_output, .kv_ratio = kv_ratio,
};
