/* headroom describe: reference pages, made from the same tables that scenario files are read by. */
#include "sim/app/command.h"
#include "sim/lab/reference.h"

int cmd_describe(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  Arena arena = {0};
  Text text = {.arena = &arena};
  Err err = {0};
  int code = ERR_NONE;
  if (reference_page(&text, a.argument, (size_t)a.n_arguments, &err)) fputs(text.bytes, stdout);
  else code = err_report(&err);
  arena_free(&arena);
  return code;
}
