/* The catalogue of real machine types: configs/catalog/nodes.yaml, embedded in the program and decoded by the same tables. */
#ifndef SIM_LAB_CATALOGUE_H
#define SIM_LAB_CATALOGUE_H

#include "sim/run/scenario.h"

/* What the catalogue says beside the figures of a machine; for people. */
#define CATALOGUE_FIELDS(F, C, O, L, M, R, P)                                                                  \
  F(text, gpu_model, "", 0, 0, OPTIONAL, "model of the GPUs", "")                                           \
  F(bytes, gpu_memory, "0", 0, 1e18, OPTIONAL, "memory of one GPU", "")                                     \
  F(usd_per_h, spot_price, "$0/h", 0, 1e6, OPTIONAL, "spot price where one is known", "")                   \
  F(text, source, "", 0, 0, OPTIONAL, "where the figures are from", "")                                     \
  F(text, date, "", 0, 0, OPTIONAL, "day of the price list", "")
typedef struct CatalogueEntry {
  const char *key;
  FIELD_MEMBERS(MACHINE_FIELDS)
  FIELD_MEMBERS(CATALOGUE_FIELDS)
} CatalogueEntry;

/* Decodes the embedded file onto the arena; entries (catalogue->count of them) may be NULL. Errors are our own bug's, but located. */
bool catalogue_load(Catalogue *catalogue, const CatalogueEntry **entries, Arena *arena, Err *err);

#endif
