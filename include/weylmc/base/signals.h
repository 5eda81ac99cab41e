/** @file signals.h  Requests to stop. The handler sets a flag and does nothing else. */
#pragma once

/** Catch SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 (a batch system's warning before the limit). */
void wmc_signals_catch(void);
/** The number of the first signal caught, 0 if none. */
int wmc_signals_pending(void);
/** Its name, for messages. */
const char *wmc_signals_name(int signal);
