/* The swept parameters as results show them: unique names, values as text, and as numbers in edge units where all of them are numbers. */
#ifndef SIM_LAB_SWEEP_PARAMETERS_H
#define SIM_LAB_SWEEP_PARAMETERS_H

#include "sim/lab/sweep.h"

/* Fills sweep->parameter from the document's axes. */
bool parameters_describe(Sweep *sweep, Err *err);

#endif
