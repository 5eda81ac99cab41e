#include "weylmc/base/signals.h"

#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

#include "weylmc/base/clock.h"

static volatile sig_atomic_t pending;
static volatile double since; /* wmc_clock() when it came; written once, before `pending` */

static const struct {
  int number;
  const char *name;
} caught[] = {{SIGTERM, "SIGTERM"},       {SIGINT, "SIGINT"}, {SIGUSR1, "SIGUSR1"},
              {SIGUSR2, "SIGUSR2"},       {SIGHUP, "SIGHUP"}, {SIGXCPU, "SIGXCPU"},
              {SIGALRM, "the time limit"}};

static void note(int signal)
{
  if (pending != 0) return;
  since = wmc_clock(); /* clock_gettime may be called here */
  pending = signal;
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

bool wmc_signals_urgent(void)
{
  const double patience = 0.2;
  return pending != 0 && wmc_clock() - since > patience;
}

void wmc_signals_limit(double seconds)
{
  const double shortest = 1e-3, longest = 1e9;
  struct itimerval timer = {.it_value.tv_sec = 0}; /* all 0: none */
  if (seconds < longest) {
    const double left = fmax(seconds, shortest);
    timer.it_value.tv_sec = (time_t)left;
    timer.it_value.tv_usec = (suseconds_t)(1e6 * (left - floor(left)));
  }
  setitimer(ITIMER_REAL, &timer, NULL);
}

const char *wmc_signals_name(int signal)
{
  for (size_t k = 0; k < sizeof caught / sizeof caught[0]; k++)
    if (caught[k].number == signal) return caught[k].name;
  return "a signal";
}
