#include "weylmc/base/signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t pending;

static const struct {
  int number;
  const char *name;
} caught[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"}, {SIGUSR1, "SIGUSR1"},
              {SIGUSR2, "SIGUSR2"}, {SIGHUP, "SIGHUP"}, {SIGXCPU, "SIGXCPU"}};

static void note(int signal)
{
  if (pending == 0) pending = signal;
}

void wmc_signals_catch(void)
{
  struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART}, before;
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigemptyset(&action.sa_mask);
  for (size_t k = 0; k < sizeof caught / sizeof caught[0]; k++)
    if (sigaction(caught[k].number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
      sigaction(caught[k].number, &action, NULL);
  sigaction(SIGXFSZ, &ignore, NULL);
}

int wmc_signals_pending(void) { return pending; }

const char *wmc_signals_name(int signal)
{
  for (size_t k = 0; k < sizeof caught / sizeof caught[0]; k++)
    if (caught[k].number == signal) return caught[k].name;
  return "a signal";
}
