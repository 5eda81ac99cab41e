/** @file signals.h  Requests to stop. The handler sets a flag and does nothing else. Checked by
 * tests/restart and tests/slurm, which stop runs by them.
 */
#pragma once

/** Catch SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 (a batch system's warning before the limit) and
 * SIGXCPU, except those that whoever started the program made it ignore (nohup). SIGXFSZ is
 * ignored, so that a file grown to the limit is an error of writing, not the end of the program. */
void wmc_signals_catch(void);
/** The number of the first signal caught, 0 if none. */
int wmc_signals_pending(void);
/** Its name, for messages. */
const char *wmc_signals_name(int signal);
