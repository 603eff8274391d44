/* The one order of events: (time, class, entity, sequence). [a, b) closes with the control at b; an arrival at b meets the new
 * allocation. What an event creates at its own instant runs after it, in key order among what is still pending. */
#ifndef SIM_CORE_EVENT_H
#define SIM_CORE_EVENT_H

#include <stdint.h>

typedef enum EventClass {
  CLASS_DEPARTURE,
  CLASS_EXPIRY,
  CLASS_FAILURE,
  CLASS_READY,
  CLASS_SCRAPE,
  CLASS_CONTROL,
  CLASS_ARRIVAL
} EventClass;

/* class (8 bits) | entity (24 bits) | sequence (32 bits), so that one comparison orders them. */
static inline uint64_t event_rank(EventClass event_class, uint32_t entity, uint32_t sequence) {
  return (uint64_t)event_class << 56 | (uint64_t)(entity & 0xffffffu) << 32 | sequence;
}
static inline EventClass event_class(uint64_t rank) { return (EventClass)(rank >> 56); }

#endif
