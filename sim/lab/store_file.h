/* store_write with faults injected into its file driver, for tests. */
#ifndef SIM_LAB_STORE_FILE_H
#define SIM_LAB_STORE_FILE_H

#include "sim/lab/store.h"
#include "sim/lab/vfd.h"

bool store_write_faulty(const StoreRequest *request, const VfdFault *fault, Err *err);
bool store_write_with(const char *path, const Sweep *sweep, TraceKeep keep, Journal *journal, const VfdFault *fault, Err *err);

#endif
