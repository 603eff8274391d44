/* The course of a trace's rate beyond its hours and days: a trend where no levels say it, and flash crowds; see fit.h. */
#ifndef SIM_LAB_FIT_COURSE_H
#define SIM_LAB_FIT_COURSE_H

#include "sim/lab/fit.h"

/* Needs the model's tables and levels; sets trend and crowds. True if there is any. */
bool fit_course(FitModel *model, const TraceStatistics *statistics, Arena *arena);

#endif
