/* See server_bench.h. */
#include "tests/support/server_bench.h"

#include "tests/support/params.h"
#include "tests/testing.h"

Bench bench_of(const char *service, const char *const *setting) {
  Bench b = {.service = (const Service *)model_find(MODEL_SERVICE, service)};
  assert_non_null(b.service);
  b.model = b.service->server;
  b.type = b.service->model.params;
  b.params = param_new(&b.arena, b.type);
  for (; setting[0]; setting += 2) param_set(b.type, b.params, setting[0], setting[1]);
  return b;
}

void bench_begin(Bench *b, int64_t limit) {
  b->state = arena_alloc(&b->arena, 1, b->model->state_bytes(b->params, limit, limit));
  b->model->begin(b->params, b->state, limit, limit, 0, 1);
}

int64_t bench_next_ns(const Bench *b) { return b->model->next(b->params, b->state); }

double bench_alone_ns(const Bench *b, uint32_t input, uint32_t output) {
  double u = 0.5, work;
  b->service->work(b->params, &(WorkInput){1, &u, &input, &output}, &work);
  return work;
}
