/** @file signals.h  Requests to stop. The handler notes the first signal and when it came, and does
 * nothing else.
 *
 * Who finds a request pending stops at the next boundary, between two draws. What takes long
 * without one (many layers, many steps) polls wmc_signals_urgent and returns at once when it is
 * true: what was under way is thrown away, and the record of the chain stays what it was
 * (run/worker.h). Once true, both stay so until the program ends. Checked by tests/unit/worker.c,
 * and by tests/restart and tests/slurm, which stop runs by them.
 */
#pragma once
#include <stdbool.h>

/** Catch SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 (a batch system's warning before the limit) and
 * SIGXCPU, except those that whoever started the program made it ignore (nohup), and SIGALRM, which
 * is the time limit. SIGXFSZ is ignored, so that a file grown to the limit is an error of writing,
 * not the end of the program. */
void wmc_signals_catch(void);
/** The number of the first signal caught, 0 if none. */
int wmc_signals_pending(void);
/** Whether a signal came so long ago (a fifth of a second) that a boundary is not to be waited for.
 * A nanosecond where there is none. */
bool wmc_signals_urgent(void);
/** Have SIGALRM sent so many seconds from now, in place of an earlier limit; INFINITY: never. */
void wmc_signals_limit(double seconds);
/** Its name, for messages. */
const char *wmc_signals_name(int signal);
