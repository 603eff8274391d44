/* The commands of the program. Only sim/app prints and exits; each command returns the exit code (design: 0 ok, 1 a run failed, 2 usage,
 * 3 bad scenario or trace, 4 input/output, 98 an --assert could not be decided, 99 one was missed, 130 interrupted). */
#ifndef SIM_APP_COMMAND_H
#define SIM_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "sim/lab/sweep.h"

/* An option of a command. A flag has no `value`. */
typedef struct Option {
  const char *name;  /* "--threads" */
  char letter;       /* 'o' for -o; 0 none */
  const char *value; /* what follows, for help: "N"; NULL: a flag */
  const char *help;
} Option;

enum { OPTION_SETS = 64, OPTION_VALUES = 192, COMMAND_OPTIONS = 32, COMMAND_ARGUMENTS = 4096 };

struct TraceFile;
typedef struct Command Command;
struct Command {
  const char *name, *arguments, *summary;
  int arguments_min, arguments_max;
  const Option *option;
  size_t n_options;
  int (*run)(const Command *command, int argc, char **argv);
};

/* What was given on the command line, by option index. Repeated options keep all values. */
typedef struct Arguments {
  const char *argument[COMMAND_ARGUMENTS];
  int n_arguments;
  const char *value[COMMAND_OPTIONS]; /* the last one given; "" for flags; NULL: absent */
  const char *set[OPTION_SETS];       /* values of --set */
  size_t n_set;
  const char *manifest[OPTION_SETS];  /* values of --filename */
  size_t n_manifests;
  const char *assertion[OPTION_SETS]; /* values of --assert */
  size_t n_assertions;
  struct { int option; const char *value; } given[OPTION_VALUES]; /* values of all options, in order */
  size_t n_given;
  bool help;
} Arguments;

/* Reads argv (after the command's name). False after printing what is wrong, with the nearest valid option. */
bool arguments_read(const Command *command, int argc, char **argv, Arguments *arguments);
/* What --set, -f and --strategies (NULL: none) make of the scenario. */
SweepEdits arguments_edits(const Arguments *arguments, const char *strategies_only);
void command_help(const Command *command, FILE *out);
/* All values of a repeated option; value[OPTION_VALUES]. */
size_t arguments_all(const Arguments *arguments, int option, const char **value);
/* Prints the errors to stderr and returns the exit code. */
int err_report(const Err *err);
/* Prints the warnings to stderr; err_report does it, too. */
void warnings_report(const Err *err);
/* A whole number between low and high, or a printed error. */
bool option_integer(const char *name, const char *text, long long low, long long high, long long *value);

int cmd_run(const Command *command, int argc, char **argv);
int cmd_merge(const Command *command, int argc, char **argv);
int cmd_status(const Command *command, int argc, char **argv);
int cmd_check(const Command *command, int argc, char **argv);
int cmd_compare(const Command *command, int argc, char **argv);
int cmd_explain(const Command *command, int argc, char **argv);
int cmd_describe(const Command *command, int argc, char **argv);
int cmd_generate(const Command *command, int argc, char **argv);
int cmd_fit(const Command *command, int argc, char **argv);
/* How to read a trace file, by --set, as a scenario would say it. False with an error. */
bool trace_options_read(const Arguments *a, const char *file, bool repair, struct TraceFile *trace, Arena *arena, Err *err);
int cmd_tune(const Command *command, int argc, char **argv);
int cmd_sensitivity(const Command *command, int argc, char **argv);
int cmd_version(const Command *command, int argc, char **argv);

/* Set when Ctrl-C or SIGTERM came. */
const volatile bool *interrupted_flag(void);
void interrupted_catch(void);


#endif
