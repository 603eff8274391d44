/* What keep-alive policies share: how long a deployment has had nothing to do, as far as a controller between requests and replicas can
 * tell, and what is kept warm meanwhile. Arrivals are known from asks at once, from the samples of the offered rate afterwards (a sample's
 * arrivals count as having come in the middle of its window). */
#ifndef MODELS_POLICY_IDLE_H
#define MODELS_POLICY_IDLE_H

#include "models/policy/tracking.h"

typedef struct Idle {
  bool begun;         /* something has come */
  bool busy;          /* jobs waited or were in service at the last look */
  int64_t since_ns;   /* the last sign of work; 0 before there was one */
  int64_t sampled_ns; /* the newest sample counted */
  int64_t told;       /* arrivals counted before their sample came */
} Idle;

/* What came since the last look. */
typedef struct Came {
  int64_t jobs;       /* 0: none */
  bool after_idle;    /* the first of them ended an idle time of known length */
  int64_t idle_ns;    /* that length; the others came without one */
} Came;
Came idle_look(Idle *idle, const Observation *observation);

/* Idle times in which a replica is warm: from..until after the last work. from > 0: unloaded at once, loaded again ahead of the next job. */
typedef struct Warm {
  int64_t from_ns, until_ns;
} Warm;
/* Replicas for what is there now, or those that stay or are loaded while idle; never fewer than the minimum. */
void keep_warm(const Warm *warm, const Idle *idle, const Observation *observation, Decision *decision);

#endif
