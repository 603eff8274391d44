/* headroom describe: reference pages, made from the same tables that scenario files are read by; and `describe trace FILE`, what a trace is
 * like. The options of a trace are those of a scenario, given by --set. */
#include <string.h>

#include "sim/app/command.h"
#include "sim/lab/decode.h"
#include "sim/lab/reference.h"
#include "sim/lab/trace_describe.h"

enum { OPT_SET, OPT_REPAIR };

static const Yaml *with_option(const Yaml *root, const char *set, Arena *arena, Err *err) {
  const char *equals = strchr(set, '='), *why = "write --set key=value, as in --set time=arrived";
  YamlSource *source = ARENA_NEW(arena, YamlSource);
  *source = (YamlSource){.name = arena_format(arena, "--set %s", set), .text = equals ? equals + 1 : ""};
  source->length = strlen(source->text);
  YamlStep *step;
  size_t n_steps;
  const Yaml *value = equals && equals > set ? yaml_parse(source, arena, err) : NULL, *edited = NULL;
  if (value && yaml_path(arena_text(arena, set, (size_t)(equals - set)), arena, &step, &n_steps, &why))
    edited = yaml_with(root, step, n_steps, value, arena, &why);
  if (!edited && err->count == 0) yaml_error(err, ERR_USAGE, (YamlMark){source, 0}, "%s", why);
  return edited;
}

/* How to read a trace file, by --set, as a scenario would say it. */
bool trace_options_read(const Arguments *a, const char *file, bool repair, TraceFile *trace, Arena *arena, Err *err) {
  static const YamlSource nowhere = {.name = "--set", .text = ""};
  Yaml empty = {.kind = YAML_MAP, .height = 1, .weight = 1, .mark = {&nowhere, 0}};
  const Yaml *root = &empty;
  for (size_t k = 0; k < a->n_set && root; k++) root = with_option(root, a->set[k], arena, err);
  Inputs inputs = {.arena = arena, .folder = ""};
  Decoder decoder = {.arena = arena, .err = err, .inputs = &inputs};
  if (!root || !decode_type(&decoder, &trace_options_type, root, root->mark, trace)) return false;
  trace->file = file;
  trace->repair |= repair;
  return true;
}

int cmd_describe(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  bool of_trace = a.n_arguments == 2 && !strcmp(a.argument[0], "trace");
  if (!of_trace && (a.n_set > 0 || a.value[OPT_REPAIR])) {
    fprintf(stderr, "headroom describe: --set and --repair are for `describe trace FILE`\n");
    return ERR_USAGE;
  }
  Arena arena = {0};
  Text text = {.arena = &arena};
  Err err = {0};
  TraceFile trace;
  memset(&trace, 0, sizeof trace);
  bool good = of_trace ? trace_options_read(&a, a.argument[1], a.value[OPT_REPAIR] != NULL, &trace, &arena, &err) && trace_describe(&text, &trace, &err)
                       : reference_page(&text, a.argument, (size_t)a.n_arguments, &err);
  if (good) fputs(text.bytes, stdout);
  int code = good ? ERR_NONE : err_report(&err);
  arena_free(&arena);
  return code;
}
