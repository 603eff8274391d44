/* Whole runs from a scenario's text, and policies made for a test. */
#ifndef TESTS_SUPPORT_RUN_FIXTURE_H
#define TESTS_SUPPORT_RUN_FIXTURE_H

#include "sim/lab/sweep.h"
#include "sim/run/run.h"

typedef struct Fixture {
  Arena arena;
  Sweep sweep;
  Scenario scenario;
} Fixture;

void open_scenario(Fixture *fixture, const char *text);
void close_scenario(Fixture *fixture);
/* A column of a deployment's summary by name; fails the test where there is none. */
double summary_of(const RunResult *result, size_t deployment, const char *name);
/* Every strategy scales all deployments by this policy, which gets itself as parameters. */
void use_policy(Fixture *fixture, const Policy *policy);
/* The same summary, latencies and traces, bit for bit. */
void assert_same(const RunResult *a, const RunResult *b, const char *what, const char *strategy);
/* A strategy's run as usual, by the plain loop, stopping at every notice, and with threads: the same bits. */
void assert_same_every_way(const Fixture *fixture, uint32_t strategy);

#endif
