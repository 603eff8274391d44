/* The tables of result columns: name, unit and help as they go into files and onto axes. Stated once, in result.h. */
#include "sim/run/result.h"

#define COLUMN_INFO(name, unit, help) {#name, unit, help},

const ColumnInfo summary_column[SUMMARY_COUNT] = {SUMMARY_COLUMNS(COLUMN_INFO)};
const ColumnInfo cluster_column[CLUSTER_COUNT] = {CLUSTER_COLUMNS(COLUMN_INFO)};
const ColumnInfo trace_column[TRACE_COUNT] = {TRACE_COLUMNS(COLUMN_INFO)};
const ColumnInfo pool_column[POOL_COUNT] = {POOL_COLUMNS(COLUMN_INFO)};
const ColumnInfo training_column[TRAINING_COUNT] = {TRAINING_COLUMNS(COLUMN_INFO)};
const ColumnInfo training_trace_column[TRAINING_TRACE_COUNT] = {TRAINING_TRACE_COLUMNS(COLUMN_INFO)};
