/* Ctrl-C: the one writable global of the program, written by the signal handler and read by the runs. A second Ctrl-C ends at once. */
#include <signal.h>
#include <string.h>

#include "sim/app/command.h"

static volatile bool interrupted;

static void on_signal(int signal_number) {
  if (interrupted) {
    signal(signal_number, SIG_DFL);
    raise(signal_number);
  }
  interrupted = true;
}

const volatile bool *interrupted_flag(void) { return &interrupted; }

void interrupted_catch(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}
