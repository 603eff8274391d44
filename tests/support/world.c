/* A small world for tests of the cluster. */
#include "tests/support/world.h"

#include "tests/testing.h"

static NodePool usual_pool(const char *name, int64_t initial) {
  Resources all = {4000, 8 * GIB, 0};
  return (NodePool){.name = name, .entity = 7, .machine = {.name = "m", .capacity = all, .allocatable = all, .nano_usd_per_h = PRICE, .speed = 1}, .max_nodes = 4, .initial_nodes = initial,
                    .startup_ns = distribution_constant(30e9), .granularity_ns = 1};
}

World *world_new(void) {
  World *world = calloc(1, sizeof *world);
  world->pool[0] = usual_pool("a", 0);
  world->pool[1] = usual_pool("b", 0);
  world->pool_of[2] = 1;
  return world;
}

Cluster *world_begin(World *world, int64_t horizon_ns) {
  for (int p = 0; p < 2; p++) {
    Err err = {0};
    assert_true(distribution_prepare(&world->pool[p].startup_ns, &world->arena, &err));
  }
  for (int d = 0; d < 3; d++)
    if (!world->pools_of[d].count) world->pools_of[d] = (PoolList){&world->pool_of[d], 1};
  cluster_begin(&world->cluster, &world->arena, world->pool, 2, world->pools_of, 3, horizon_ns, 1, 0);
  return &world->cluster;
}

void world_end(World *world) {
  cluster_check(&world->cluster);
  arena_free(&world->arena);
  free(world);
}
