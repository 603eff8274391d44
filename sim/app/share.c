/* See share.h. Two levels are known and combine: an array (Slurm's, a Kubernetes indexed Job) and, within each of its tasks, ranks (srun,
 * MPI). HEADROOM_SHARDS, or N of "auto/N", says the number of shares where the launcher does not; then the array's numbers are the shares'
 * own, so that a single one can be started again.
 *   Slurm: sbatch(1), "INPUT/OUTPUT ENVIRONMENT VARIABLES" and srun(1); Open MPI: mpirun(1); MPICH, Intel: PMI_RANK and PMI_SIZE;
 *   Kubernetes: "Indexed" completion mode of Jobs; GNU parallel: PARALLEL_SEQ. */
#include "sim/app/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A level: number `index` (from 0) of `count`; count 0: not known. */
typedef struct Level {
  bool there;
  long long index, count;
  const char *name;
} Level;

static bool number_of(const char *variable, long long *value) {
  const char *text = getenv(variable);
  char *end;
  if (!text || !*text) return false;
  *value = strtoll(text, &end, 10);
  return !*end && *value >= 0;
}

static bool set(const char *variable) {
  const char *text = getenv(variable);
  return text && *text;
}

/* ---- ranks -------------------------------------------------------------------------------------------------------- */

static bool rank_of(Level *rank, const char *name, const char *index, const char *count) {
  Level found = {.there = true, .name = name};
  if (!number_of(index, &found.index) || !number_of(count, &found.count) || found.index >= found.count) return false;
  *rank = found;
  return true;
}

/* A batch script itself sees SLURM_PROCID 0 and SLURM_NTASKS, too, but it is no step. */
static bool is_step(void) {
  long long process = 0;
  return set("SLURM_STEP_ID") || set("SLURM_STEPID") || !set("SLURM_JOB_ID") || (number_of("SLURM_PROCID", &process) && process > 0);
}

static Level find_rank(void) {
  Level rank = {.there = false};
  if (rank_of(&rank, "Open MPI rank", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")) return rank;
  if (rank_of(&rank, "MPI rank", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE")) return rank;
  if (rank_of(&rank, "MPI rank", "PMI_RANK", "PMI_SIZE")) return rank;
  if (is_step() && rank_of(&rank, "Slurm task", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS")) return rank;
  if (is_step() && rank_of(&rank, "Slurm task", "SLURM_PROCID", "SLURM_NTASKS")) return rank;
  if (set("PMIX_RANK") && number_of("PMIX_RANK", &rank.index)) rank = (Level){true, rank.index, 0, "PMIx rank"};
  return rank;
}

/* ---- arrays ------------------------------------------------------------------------------------------------------- */

/* A whole, regular array that begins at 0 or 1 shares itself out. A part of one may be shares that are run again: then only their number
 * tells which, and how many there are must be said. */
static bool slurm_array(Level *array, long long shards, Err *err) {
  long long task, count = 0, least = 0, most = 0, step = 1;
  if (!number_of("SLURM_ARRAY_TASK_ID", &task)) return true;
  (void)number_of("SLURM_ARRAY_TASK_COUNT", &count);
  (void)number_of("SLURM_ARRAY_TASK_MIN", &least);
  bool has_most = number_of("SLURM_ARRAY_TASK_MAX", &most);
  (void)number_of("SLURM_ARRAY_TASK_STEP", &step);
  *array = (Level){true, task - 1, 0, "Slurm array task"};
  if (shards) {
    if (task >= 1) return true;
    return err_add(err, ERR_USAGE, "HEADROOM_SHARDS is set, so the numbers of the Slurm array are those of the shares: from 1 (--array=1-%lld), not 0", shards);
  }
  bool whole = count > 1 && least <= 1 && step > 0 && task >= least && (task - least) % step == 0 && (task - least) / step < count &&
               (!has_most || (most - least) / step + 1 == count);
  if (!whole) {
    return err_add(err, ERR_USAGE, "which share Slurm array task %lld of %lld is cannot be told: set HEADROOM_SHARDS=N and number the tasks from 1, or give --shard k/N (--shard none: the whole sweep)",
                   task, count);
  }
  array->index = (task - least) / step;
  array->count = count;
  return true;
}

static bool find_array(Level *array, long long shards, bool automatic, Err *err) {
  *array = (Level){.there = false};
  if (!slurm_array(array, shards, err)) return false;
  if (array->there) return true;
  if (number_of("JOB_COMPLETION_INDEX", &array->index)) {
    *array = (Level){true, array->index, 0, "Kubernetes completion index"};
    if (shards) return true;
    return err_add(err, ERR_USAGE, "this is completion index %lld of a Kubernetes Job, but of how many? Set HEADROOM_SHARDS=N, or give --shard auto/N (--shard none: the whole sweep)", array->index);
  }
  /* People start many things with GNU parallel: it counts only where a number of shares was given. */
  if ((shards || automatic) && number_of("PARALLEL_SEQ", &array->index)) {
    *array = (Level){true, array->index - 1, 0, "GNU parallel job"};
    if (!shards) return err_add(err, ERR_USAGE, "GNU parallel does not say how many jobs there are: --shard auto/N, or --shard {#}/N");
  }
  return true;
}

/* ---- both --------------------------------------------------------------------------------------------------------- */

static bool combine(Share *share, const Level *array, const Level *rank, long long shards, Err *err) {
  long long ranks = rank->there && rank->count ? rank->count : 1, index, count;
  bool inner = rank->there && (rank->count != 1 || !array->there); /* a single rank within an array says nothing */
  if (array->there && inner && rank->count == 0) return err_add(err, ERR_USAGE, "%s %lld, but of how many? Give --shard k/N", rank->name, rank->index);
  if (array->there) {
    count = array->count ? array->count * ranks : shards;
    index = inner ? array->index * ranks + rank->index : array->index;
    if (shards % ranks != 0) return err_add(err, ERR_USAGE, "%lld shares cannot be dealt to tasks of %lld ranks each", shards, ranks);
  } else {
    index = rank->index;
    count = rank->count ? rank->count : shards;
    if (shards && shards != count) return err_add(err, ERR_USAGE, "%lld shares were asked for, but there are %lld of `%s`; give --shard k/N", shards, count, rank->name);
    if (count == 0) return err_add(err, ERR_USAGE, "%s %lld, but of how many? Set HEADROOM_SHARDS=N, or give --shard auto/N (--shard none: the whole sweep)", rank->name, rank->index);
  }
  if (index < 0 || index >= count || count > SHARDS_MOST) return err_add(err, ERR_USAGE, "%s %lld is beyond the %lld shares", array->there ? array->name : rank->name, index + 1, count);
  share->shard = (Shard){(uint32_t)index + 1, (uint32_t)count};
  if (array->there && inner) snprintf(share->why, sizeof share->why, "%s, %s %lld of %lld", array->name, rank->name, rank->index, ranks);
  else snprintf(share->why, sizeof share->why, "%s", array->there ? array->name : rank->name);
  return true;
}

static bool share_of_environment(Share *share, long long shards, bool automatic, Err *err) {
  long long said = 0;
  Level array, rank = find_rank();
  if (!shards && set("HEADROOM_SHARDS")) {
    if (!number_of("HEADROOM_SHARDS", &said) || said < 1 || said > SHARDS_MOST) return err_add(err, ERR_USAGE, "HEADROOM_SHARDS=%s: a whole number from 1 to %d is wanted", getenv("HEADROOM_SHARDS"), SHARDS_MOST);
    shards = said;
  }
  if (!find_array(&array, shards, automatic, err)) return false;
  if (!array.there && rank.there && rank.count == 1 && !shards && !automatic) rank.there = false; /* a single rank runs it all */
  if (array.there || rank.there) return combine(share, &array, &rank, shards, err);
  if (!automatic) return true;
  return err_add(err, ERR_USAGE, "--shard auto: no Slurm array, srun step, MPI rank, Kubernetes completion index or GNU parallel job is in the environment");
}

bool share_find(Share *share, const char *option, Err *err) {
  *share = (Share){.shard = {0, 0}};
  if (option && !strcmp(option, "none")) return true;
  if (!option || !strcmp(option, "auto")) return share_of_environment(share, 0, option != NULL, err);
  if (!strncmp(option, "auto/", 5)) {
    char *end;
    long long shards = strtoll(option + 5, &end, 10);
    if (*end || end == option + 5 || shards < 1 || shards > SHARDS_MOST) return err_add(err, ERR_USAGE, "--shard %s: auto/N with N from 1 to %d is wanted", option, SHARDS_MOST);
    return share_of_environment(share, shards, true, err);
  }
  if (shard_parse(option, &share->shard)) return true;
  *share = (Share){.shard = {0, 0}};
  return err_add(err, ERR_USAGE, "--shard %s: k/N with 1 <= k <= N <= %d is wanted (the first of four: 1/4), or auto, auto/N, none", option, SHARDS_MOST);
}
