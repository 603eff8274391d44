/* A small world for tests of the cluster: two pools and three deployments, of which the first two live in pool 0. */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "sim/world/cluster.h"

#define GIB (INT64_C(1) << 30)
#define S NS_PER_S
#define PRICE INT64_C(3600000000) /* $3.6/h: a million nano-USD a second */

typedef struct World {
  Arena arena;
  Cluster cluster;
  NodePool pool[2]; /* change them before world_begin */
  uint32_t pool_of[3];
  PoolList pools_of[3]; /* pool_of alone, unless a test says otherwise before world_begin */
} World;

static const Resources NOTHING = {0, 0, 0};

/* Pools of four cores and 8 GiB, no GPU, up to four nodes, none at first, ready 30 s after the order. */
World *world_new(void);
Cluster *world_begin(World *world, int64_t horizon_ns);
void world_end(World *world);

#endif
