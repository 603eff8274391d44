/* The highest of the samples of the last while, for each replica of each deployment: max_over_time(gauge[1m]) as Prometheus has it. A table
 * of fixed size; a replica that finds no place in it is known by its newest sample alone. */
#ifndef MODELS_POLICY_PEAKS_H
#define MODELS_POLICY_PEAKS_H

#include <stdbool.h>
#include <stdint.h>

enum { PEAK_SAMPLES = 6, PEAK_REPLICAS = 512 };

/* Falling values, oldest first. Should it fill up, the two oldest join as the higher of both until the later one's end. */
typedef struct Peak {
  int count;
  struct {
    int64_t at_ns;
    double value;
  } sample[PEAK_SAMPLES];
} Peak;

typedef struct PeakReplica {
  bool used;
  uint32_t deployment, ordinal;
  int64_t seen_ns;
  Peak kv, queue;
} PeakReplica;

typedef struct Peaks {
  PeakReplica replica[PEAK_REPLICAS];
} Peaks;

/* Adds a sample (NaN: there is none); returns the highest in (now - window, now], NaN if there is none. */
double peak_add(Peak *peak, int64_t now_ns, int64_t window_ns, int64_t sampled_ns, double value);
/* The replica's place, found or taken (from nobody, or from one not seen within the window); NULL if there is no room. */
PeakReplica *peaks_of(Peaks *peaks, uint32_t deployment, uint32_t ordinal, int64_t now_ns, int64_t window_ns);

#endif
