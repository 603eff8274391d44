/* Service laws, processor sharing against completions computed by hand (and against a slow reference on random ones), speed laws. */
#include <math.h>

#include "sim/contract/service.h"
#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/testing.h"

#define MS 1000000

static const Service *service_of(const char *name) {
  const Service *service = (const Service *)model_find(MODEL_SERVICE, name);
  assert_non_null(service);
  return service;
}

/* ---- laws ---- */

static void law_of_a_distribution(void **unused) {
  (void)unused;
  Arena arena = {0};
  const Service *service = service_of("distribution");
  void *params = param_new(&arena, service->model.params);
  Distribution *law = param_at(service->model.params, params, "time");
  *law = distribution_exponential(300e6);
  const double u[] = {0.25, 0.5, 0.999};
  const uint32_t size[] = {1, 2, 3};
  WorkInput input = {3, u, size, size};
  double work[3];
  service->work(params, &input, work);
  for (int k = 0; k < 3; k++) assert_true(fabs(work[k] / (-300e6 * log1p(-u[k])) - 1) < 1e-13);
  assert_true(service->mean_ns(params) == 300e6);
  assert_null(service->server);
  arena_free(&arena);
}

static void law_by_size(void **unused) {
  (void)unused;
  Arena arena = {0};
  const Service *service = service_of("sized");
  const Type *type = service->model.params;
  void *params = param_new(&arena, type);
  param_set(type, params, "base", "20ms");
  param_set(type, params, "per_input", "100us");
  param_set(type, params, "per_output", "30ms");
  double u[600], work[600];
  uint32_t in[600], out[600];
  for (uint32_t k = 0; k < 600; k++) u[k] = (k + 0.5) / 600, in[k] = 10 * k, out[k] = k % 7;
  WorkInput input = {600, u, in, out};
  service->work(params, &input, work);
  for (uint32_t k = 0; k < 600; k++) assert_true(work[k] == 20.0 * MS + 1.0 * MS * k + 30.0 * MS * (k % 7));
  assert_true(isnan(service->mean_ns(params)));
  Distribution *noise = param_at(type, params, "noise");
  *noise = distribution_exponential(1);
  service->work(params, &input, work);
  assert_true(fabs(work[299] / ((20.0 + 299 + 30 * (299 % 7)) * MS * -log1p(-u[299])) - 1) < 1e-13);
  Err err = {.count = 0};
  assert_true(type->check(params, &err));
  *(Distribution *)param_at(type, params, "base") = distribution_exponential(1e6);
  assert_false(type->check(params, &err));
  assert_string_equal(err.item[0].path, "noise");
  arena_free(&arena);
}

/* ---- processor sharing ---- */

typedef struct Server {
  Arena arena;
  const ServerModel *model;
  void *params, *state;
} Server;

static Server server_with(const char *cores, int64_t limit, double speed) {
  Server server = {.model = service_of("processor-sharing")->server};
  const Type *type = service_of("ps")->model.params;
  server.params = param_new(&server.arena, type);
  param_set(type, server.params, "time", "1s");
  param_set(type, server.params, "cores", cores);
  server.state = arena_alloc(&server.arena, 1, server.model->state_bytes(server.params, 1, limit));
  server.model->begin(server.params, server.state, 1, limit, 0, speed);
  return server;
}

static void admit(Server *server, int64_t at_ms, uint32_t slot, double work_ms) {
  server->model->admit(server->params, server->state, at_ms * MS, (ServerJob){.slot = slot, .work_ns = work_ms * MS});
}

/* The next completion is that of `slot` at `at_ns`; completes it. */
static void completes(Server *server, int64_t at_ns, uint32_t slot) {
  assert_int_equal(server->model->next(server->params, server->state), at_ns);
  assert_int_equal(server->model->complete(server->params, server->state, at_ns), slot);
}

static void one_core(void **unused) {
  (void)unused;
  Server server = server_with("1", 8, 1);
  assert_true(server.model->next(server.params, server.state) == INSTANT_NEVER);
  assert_true(server.model->busy_ratio(server.state) == 0);
  admit(&server, 0, 0, 100);
  assert_int_equal(server.model->next(server.params, server.state), 100 * MS);
  admit(&server, 50, 1, 100); /* 0 has 50 left; both at half speed */
  admit(&server, 80, 2, 10);  /* 0 has 35, 1 has 85, 2 has 10; a third each */
  completes(&server, 110 * (int64_t)MS, 2); /* 0 has 25, 1 has 75 */
  completes(&server, 160 * (int64_t)MS, 0); /* 1 has 50 */
  assert_true(server.model->busy_ratio(server.state) == 1);
  completes(&server, 210 * (int64_t)MS, 1);
  assert_true(server.model->next(server.params, server.state) == INSTANT_NEVER);
  arena_free(&server.arena);
}

static void several_cores(void **unused) {
  (void)unused;
  Server server = server_with("2", 8, 1);
  admit(&server, 0, 4, 60);
  assert_true(server.model->busy_ratio(server.state) == 0.5);
  admit(&server, 0, 5, 90);   /* two cores, two jobs: full speed */
  admit(&server, 30, 6, 60);  /* 4 has 30, 5 has 60; two thirds each */
  completes(&server, 75 * (int64_t)MS, 4); /* 30 left of 5 and of 6 */
  completes(&server, 105 * (int64_t)MS, 5); /* a tie: the lowest slot first */
  completes(&server, 105 * (int64_t)MS, 6);
  arena_free(&server.arena);
}

static void rounding_to_ns(void **unused) {
  (void)unused;
  Server server = server_with("1", 8, 1);
  for (uint32_t k = 0; k < 3; k++) server.model->admit(server.params, server.state, 0, (ServerJob){.slot = k, .work_ns = 1 + k});
  completes(&server, 3, 0); /* work 1 of three: 3 ns; then 1 and 2 left */
  completes(&server, 5, 1);
  completes(&server, 6, 2);
  server.model->admit(server.params, server.state, 10, (ServerJob){.slot = 0, .work_ns = 0.4}); /* rounds to nothing */
  completes(&server, 10, 0);
  arena_free(&server.arena);
}

static void resize_in_mid_job(void **unused) {
  (void)unused;
  Server server = server_with("1", 8, 1);
  admit(&server, 0, 0, 100);
  admit(&server, 0, 1, 200);
  server.model->resize(server.params, server.state, 100 * MS, 2.5); /* 50 and 150 left */
  completes(&server, 140 * (int64_t)MS, 0);                         /* 50 x 2 / 2.5 */
  server.model->resize(server.params, server.state, 160 * MS, 0.5); /* 100 left, 20 ms at 2.5 done: 50 */
  completes(&server, 260 * (int64_t)MS, 1);
  arena_free(&server.arena);
}

static void evict_gives_work_left(void **unused) {
  (void)unused;
  Server server = server_with("1", 3, 2);
  admit(&server, 0, 7, 300);
  admit(&server, 10, 2, 50); /* 7 has 280 */
  admit(&server, 20, 5, 80); /* 7 has 270, 2 has 40 */
  assert_false(server.model->has_room(server.state));
  ServerJob left[3];
  assert_int_equal(server.model->evict(server.params, server.state, 50 * MS, left), 3); /* 30 ms x 2 / 3 each */
  assert_true(left[0].slot == 7 && fabs(left[0].work_ns - 250.0 * MS) < 1e-3);
  assert_true(left[1].slot == 2 && fabs(left[1].work_ns - 20.0 * MS) < 1e-3);
  assert_true(left[2].slot == 5 && fabs(left[2].work_ns - 60.0 * MS) < 1e-3);
  assert_true(server.model->has_room(server.state));
  assert_true(server.model->next(server.params, server.state) == INSTANT_NEVER);
  admit(&server, 60, 1, 10);
  completes(&server, 65 * (int64_t)MS, 1);
  arena_free(&server.arena);
}

static void one_leaves(void **unused) {
  (void)unused;
  Server server = server_with("1", 8, 1);
  for (uint32_t k = 0; k < 6; k++) admit(&server, 0, k, 60 + 10 * k);
  server.model->cancel(server.params, server.state, 60 * MS, 2);            /* each has done 10 */
  server.model->cancel(server.params, server.state, 60 * (int64_t)MS, 0);   /* 60, 80, 90, 100 left of 1, 3, 4, 5 */
  completes(&server, 300 * (int64_t)MS, 1); /* 60 + 4 x 60; 20, 30, 40 left */
  completes(&server, 360 * (int64_t)MS, 3);
  server.model->cancel(server.params, server.state, 370 * (int64_t)MS, 5);  /* the last of the heap; 5 left of 4 */
  completes(&server, 375 * (int64_t)MS, 4);
  assert_true(server.model->next(server.params, server.state) == INSTANT_NEVER);
  arena_free(&server.arena);
}

/* A reference with the work left of each job, in long double, over a busy period long enough to move tags back. */
typedef struct Slow {
  long double left[64];
  bool used[64];
  int n;
} Slow;

static long double slow_rate(const Slow *slow, double cores) { return slow->n > cores ? (long double)cores / slow->n : 1; }

static void slow_advance(Slow *slow, int64_t dt_ns, double cores) {
  long double done = slow_rate(slow, cores) * dt_ns;
  for (int k = 0; k < 64; k++) slow->left[k] -= done;
}

static int64_t slow_next_in(const Slow *slow, double cores) {
  long double least = 1e30L;
  for (int k = 0; k < 64; k++)
    if (slow->used[k] && slow->left[k] < least) least = slow->left[k];
  return llroundl(fmaxl(least, 0) / slow_rate(slow, cores));
}

static void long_busy_period(void **unused) {
  (void)unused;
  Server server = server_with("3", 64, 1);
  Stream stream = stream_make(7, 1, PURPOSE_FAULT, 0);
  Slow slow = {.n = 0};
  int64_t now_ns = 0, arrival_ns = 0;
  for (uint64_t draw = 0, events = 0; events < 20000; events++) {
    int64_t end_ns = server.model->next(server.params, server.state);
    if (slow.n) assert_true(llabs(now_ns + slow_next_in(&slow, 3) - end_ns) <= 1);
    if (arrival_ns < now_ns) arrival_ns = now_ns; /* it waited for room */
    bool ends = end_ns <= arrival_ns || slow.n == 64;
    int64_t at_ns = ends ? end_ns : arrival_ns;
    slow_advance(&slow, at_ns - now_ns, 3);
    now_ns = at_ns;
    if (ends) {
      uint32_t slot = server.model->complete(server.params, server.state, at_ns);
      assert_true(slow.used[slot] && fabsl(slow.left[slot]) < 1.5L);
      slow.used[slot] = false;
      slow.n--;
      continue;
    }
    uint32_t slot = 0;
    while (slow.used[slot]) slot++;
    double work_ns = 1e9 * -log1p(-stream_uniform(&stream, draw++));
    server.model->admit(server.params, server.state, at_ns, (ServerJob){.slot = slot, .work_ns = work_ns});
    slow.used[slot] = true;
    slow.left[slot] = work_ns;
    slow.n++;
    arrival_ns = at_ns + ns_from_double(3.2e8 * -log1p(-stream_uniform(&stream, draw++)));
  }
  assert_true(now_ns > INT64_C(1200000000000)); /* beyond the first moving back */
  arena_free(&server.arena);
}

/* ---- speed ---- */

static double speed_at(const char *law, const char *parallel, double millicores, double reference) {
  Arena arena = {0};
  const SpeedModel *speed = (const SpeedModel *)model_find(MODEL_SPEED, law);
  assert_non_null(speed);
  void *params = param_new(&arena, speed->model.params);
  if (parallel) param_set(speed->model.params, params, "parallel", parallel);
  double result = speed->speed(params, millicores, reference);
  arena_free(&arena);
  return result;
}

static void speed_laws(void **unused) {
  (void)unused;
  assert_true(speed_at("constant", NULL, 8000, 1000) == 1);
  assert_true(speed_at("linear", NULL, 2500, 1000) == 2.5);
  assert_true(speed_at("linear", NULL, 500, 1000) == 0.5);
  assert_true(speed_at("linear", NULL, 500, 0) == 1);
  assert_true(speed_at("linear", NULL, 0, 1000) == 0.001);
  assert_true(fabs(speed_at("amdahl", "0.9", 4000, 1000) - 1 / (0.1 + 0.9 / 4)) < 1e-15);
  assert_true(fabs(speed_at("amdahl", "0.9", 8000, 4000) - (0.1 + 0.9 / 4) / (0.1 + 0.9 / 8)) < 1e-15);
  assert_true(speed_at("amdahl", "1", 8000, 2000) == 4);
  assert_true(speed_at("amdahl", "0", 8000, 1000) == 1);
  assert_true(speed_at("amdahl", "0", 250, 1000) == 0.25); /* below one core in proportion */
  assert_true(fabs(speed_at("amdahl", "50%", 500, 2000) - 0.5 * 0.75) < 1e-15);
  for (const char *const *law = (const char *const[]){"constant", "linear", "amdahl", NULL}; *law; law++)
    for (double c = 100; c < 16000; c += 50) {
      assert_true(speed_at(*law, NULL, c, 1000) <= speed_at(*law, NULL, c + 50, 1000));
      assert_true(fabs(speed_at(*law, NULL, c, c) - 1) < 1e-15);
    }
}

static double usl_at(const char *contention, const char *coherency, double millicores, double reference) {
  Arena arena = {0};
  const SpeedModel *speed = (const SpeedModel *)model_find(MODEL_SPEED, "usl");
  void *params = param_new(&arena, speed->model.params);
  param_set(speed->model.params, params, "contention", contention);
  param_set(speed->model.params, params, "coherency", coherency);
  double result = speed->speed(params, millicores, reference);
  arena_free(&arena);
  return result;
}

static void universal_scalability(void **unused) {
  (void)unused;
  assert_true(fabs(usl_at("0", "0", 8000, 2000) - 4) < 1e-15);                                            /* linear */
  assert_true(fabs(usl_at("0.1", "0", 4000, 1000) - 1 / (0.1 + 0.9 / 4)) < 1e-15);                        /* Amdahl's law */
  assert_true(fabs(usl_at("0.1", "0.01", 4000, 1000) - 4 / (1 + 0.3 + 0.12)) < 1e-15);
  assert_true(fabs(usl_at("0.19", "0.01", 30000, 1000) - 9 / (1 + 0.19 * 8 + 0.01 * 72)) < 1e-14);        /* the peak: sqrt(0.81 / 0.01) = 9 */
  assert_true(usl_at("0.19", "0.01", 30000, 1000) == usl_at("0.19", "0.01", 9000, 1000));
  assert_true(usl_at("0.1", "0.01", 500, 1000) == 0.5);
  assert_true(usl_at("0", "1", 64000, 1000) == 1 && usl_at("1", "1", 64000, 1000) == 1); /* more cores never help */
  assert_true(usl_at("0", "0", 64000, 0) == 1);
  for (double c = 100; c < 64000; c += 100) assert_true(usl_at("0.05", "0.002", c, 1000) <= usl_at("0.05", "0.002", c + 100, 1000));
}

static void measured_speed(void **unused) {
  (void)unused;
  Arena arena = {0};
  const SpeedModel *speed = (const SpeedModel *)model_find(MODEL_SPEED, "table");
  const Type *type = speed->model.params, *point;
  void *params = param_new(&arena, type);
  Err err = {.count = 0};
  assert_false(type->check(params, &err));
  char *item = param_list(&arena, type, params, "points", 3, &point);
  static const char *const at[][2] = {{"1", "20/s"}, {"2", "36/s"}, {"4", "60/s"}};
  for (size_t k = 0; k < 3; k++) {
    param_set(point, item + k * point->size, "cores", at[k][0]);
    param_set(point, item + k * point->size, "rate", at[k][1]);
  }
  assert_true(type->check(params, &err));
  assert_true(speed->speed(params, 2000, 1000) == 1.8);
  assert_true(speed->speed(params, 3000, 1000) == 2.4);
  assert_true(speed->speed(params, 1000, 3000) == 20.0 / 48);
  assert_true(speed->speed(params, 500, 1000) == 0.5);
  assert_true(speed->speed(params, 16000, 1000) == 3); /* nothing is known beyond */
  assert_true(speed->speed(params, 16000, 0) == 1);
  param_set(point, item + 2 * point->size, "rate", "30/s");
  assert_false(type->check(params, &err));
  arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(law_of_a_distribution), cmocka_unit_test(law_by_size), cmocka_unit_test(one_core),
      cmocka_unit_test(several_cores), cmocka_unit_test(rounding_to_ns), cmocka_unit_test(resize_in_mid_job),
      cmocka_unit_test(evict_gives_work_left), cmocka_unit_test(one_leaves), cmocka_unit_test(long_busy_period), cmocka_unit_test(speed_laws),
      cmocka_unit_test(universal_scalability), cmocka_unit_test(measured_speed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
