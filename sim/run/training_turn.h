/* Inside training.c's files: submissions, and one queue's turn. */
#ifndef SIM_RUN_TRAINING_TURN_H
#define SIM_RUN_TRAINING_TURN_H

#include "sim/run/training.h"

/* training_submit.c */
void submissions_begin(Run *run, TrainingQueue *queue);
/* training_turn.c */
void job_set_variant(const TrainingQueue *queue, TrainingJob *job, int variant);
int64_t workers_on_empty(const Run *run, uint32_t pool, Resources request); /* on an empty machine of a pool */
void training_turn(Run *run, TrainingQueue *queue);
/* training_preempt.c: room for replicas of deployments that find none. */
void training_yield(Run *run);
/* Makes room for n workers by preempting jobs that this queue may, as few as will do; false, and nothing changed, where that is not enough.
 * The plan is then in the rooms. */
bool training_make_room(Run *run, const TrainingQueue *queue, const TrainingJob *job, int64_t n, int64_t nodes_most, GangPlan *plan);
/* milli-GPUs on the queue's pools that it may take from others. */
int64_t training_takeable(const Run *run, const TrainingQueue *queue);

/* A running job's stretch ends; its queue's counts follow. Its workers stay. */
void turn_ends(Run *run, TrainingJob *job, TrainingStop how);
/* It goes back to its queue and gives its GPUs back. */
void turn_back(Run *run, TrainingJob *job, TrainingStop how);
/* A preemption, as the queue's checkpoints have it. */
void turn_preempt(Run *run, TrainingJob *job);

#endif
