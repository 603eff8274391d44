/* Reading a command line by a command's table of options, and the help made from it. */
#include "sim/app/command.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

static int find_option(const Command *command, const char *text, size_t length) {
  for (size_t k = 0; k < command->n_options; k++) {
    const Option *option = &command->option[k];
    if (strlen(option->name) == length && !memcmp(option->name, text, length)) return (int)k;
    if (option->letter && length == 2 && text[0] == '-' && text[1] == option->letter) return (int)k;
  }
  return -1;
}

static bool unknown_option(const Command *command, const char *text) {
  const char *names[COMMAND_OPTIONS + 1];
  for (size_t k = 0; k < command->n_options; k++) names[k] = command->option[k].name;
  const char *near = text_nearest(text, names, command->n_options);
  fprintf(stderr, "headroom %s: no option %s", command->name, text);
  if (near) fprintf(stderr, "; did you mean %s?", near);
  fprintf(stderr, "\nTry: headroom %s --help\n", command->name);
  return false;
}

static bool take_repeated(const Command *command, const char *name, const char **list, size_t *n, const char *value) {
  if (*n == OPTION_SETS) {
    fprintf(stderr, "headroom %s: more than %d %s\n", command->name, OPTION_SETS, name);
    return false;
  }
  list[(*n)++] = value;
  return true;
}

static bool take_value(const Command *command, Arguments *a, int k, const char *value) {
  const char *name = command->option[k].name;
  if (!strcmp(name, "--set") && !take_repeated(command, name, a->set, &a->n_set, value)) return false;
  if (!strcmp(name, "--filename") && !take_repeated(command, name, a->manifest, &a->n_manifests, value)) return false;
  if (!strcmp(name, "--assert") && !take_repeated(command, name, a->assertion, &a->n_assertions, value)) return false;
  if (a->n_given == OPTION_VALUES) {
    fprintf(stderr, "headroom %s: more than %d options\n", command->name, OPTION_VALUES);
    return false;
  }
  a->given[a->n_given].option = k;
  a->given[a->n_given++].value = value;
  a->value[k] = value;
  return true;
}

static bool take_option(const Command *command, int argc, char **argv, int *at, Arguments *a) {
  const char *text = argv[*at], *equals = strncmp(text, "--", 2) ? NULL : strchr(text, '=');
  size_t length = equals ? (size_t)(equals - text) : strlen(text);
  int k = find_option(command, text, length);
  if (k < 0) return unknown_option(command, text);
  const Option *option = &command->option[k];
  if (!option->value) {
    if (equals) {
      fprintf(stderr, "headroom %s: %s takes no value\n", command->name, option->name);
      return false;
    }
    a->value[k] = "";
    return true;
  }
  if (equals) return take_value(command, a, k, equals + 1);
  if (*at + 1 >= argc) {
    fprintf(stderr, "headroom %s: %s needs a value: %s %s\n", command->name, option->name, option->name, option->value);
    return false;
  }
  return take_value(command, a, k, argv[++*at]);
}

bool arguments_read(const Command *command, int argc, char **argv, Arguments *a) {
  memset(a, 0, sizeof *a);
  bool options = true;
  for (int k = 0; k < argc; k++) {
    const char *text = argv[k];
    if (options && !strcmp(text, "--")) {
      options = false;
    } else if (options && (!strcmp(text, "--help") || !strcmp(text, "-h"))) {
      a->help = true;
      command_help(command, stdout);
      return false;
    } else if (options && text[0] == '-' && text[1]) {
      if (!take_option(command, argc, argv, &k, a)) return false;
    } else if (a->n_arguments == command->arguments_max) {
      fprintf(stderr, "headroom %s: one argument too many: %s\nTry: headroom %s --help\n", command->name, text, command->name);
      return false;
    } else {
      a->argument[a->n_arguments++] = text;
    }
  }
  if (a->n_arguments >= command->arguments_min) return true;
  fprintf(stderr, "headroom %s: missing %s\nTry: headroom %s --help\n", command->name, command->arguments, command->name);
  return false;
}

size_t arguments_all(const Arguments *a, int option, const char **value) {
  size_t n = 0;
  for (size_t k = 0; k < a->n_given; k++)
    if (a->given[k].option == option) value[n++] = a->given[k].value;
  return n;
}

SweepEdits arguments_edits(const Arguments *a, const char *strategies_only) {
  return (SweepEdits){.set = a->set, .n_set = a->n_set, .manifest = a->manifest, .n_manifests = a->n_manifests, .strategies_only = strategies_only};
}

void command_help(const Command *command, FILE *out) {
  fprintf(out, "headroom %s %s%s\n\n%s\n", command->name, command->arguments, command->n_options ? " [options]" : "", command->summary);
  if (command->n_options) fprintf(out, "\n");
  for (size_t k = 0; k < command->n_options; k++) {
    const Option *option = &command->option[k];
    char left[64], letter[8] = "    ";
    if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(left, sizeof left, "%s%s%s%s", letter, option->name, option->value ? " " : "", option->value ? option->value : "");
    fprintf(out, "  %-28s %s\n", left, option->help);
  }
}

void warnings_report(const Err *err) {
  size_t kept = 0;
  for (size_t at = 0; at < err->warnings_bytes; at += strlen(err->warnings + at) + 1, kept++) fprintf(stderr, "%s\n", err->warnings + at);
  if (err->n_warnings > kept) fprintf(stderr, "... and more warnings\n");
}

int err_report(const Err *err) {
  warnings_report(err);
  size_t kept = err->count < ERR_ITEMS ? err->count : ERR_ITEMS;
  for (size_t k = 0; k < kept; k++) {
    const ErrItem *item = &err->item[k];
    if (item->located) fprintf(stderr, "%s\n", item->message);
    else fprintf(stderr, "%serror: %s\n", item->code == ERR_INTERRUPTED ? "" : "headroom: ", item->message);
  }
  if (err->count > kept) fprintf(stderr, "... and %zu more\n", err->count - kept);
  return (int)err_code(err);
}

bool option_integer(const char *name, const char *text, long long low, long long high, long long *value) {
  char *end;
  *value = strtoll(text, &end, 10);
  if (*text && !*end && *value >= low && *value <= high) return true;
  fprintf(stderr, "headroom: %s %s: a whole number from %lld to %lld is wanted\n", name, text, low, high);
  return false;
}
