/** @file status.h  Status codes and the pending message.
 *
 * Every function that the world can make fail (decks, files, memory, other ranks) returns a
 * wmc_status. On failure it has appended at least one line to this process's pending message;
 * the lines say what was wrong, where, and what to do. Only the command line prints them.
 * Mistakes of the programmer are asserts.
 * Of every wmc_X there is a wmc_X_create that returns WMC_FAILURE when memory is exhausted, besides
 * what its own comment says, and then leaves nothing behind; the caller ends what it made by
 * wmc_X_destroy, which takes NULL too. Pointers that other functions return are borrowed unless
 * called owned. Where `out` and an input may be the same array, the comment says so.
 * Checked by tests/unit/base.c.  The message is per process; weylmc runs one thread a rank.
 */
#pragma once

/** Ordered by severity: ranks agree on the largest. */
typedef enum wmc_status {
  WMC_OK = 0,
  WMC_AGAIN,   /**< stopped cleanly with a checkpoint: run again */
  WMC_USAGE,   /**< wrong command line */
  WMC_DATA,    /**< wrong deck or input data */
  WMC_OUTPUT,  /**< output cannot be created, or belongs to another run */
  WMC_IO,      /**< reading or writing failed */
  WMC_FAILURE, /**< anything else: memory, numerical trouble */
  WMC_STATUS_COUNT
} wmc_status;

/** Exit code of the program: 0, 75, 2, 65, 73, 74, 1 in the order above. */
int wmc_exit_code(wmc_status status);

/** Append one line (no final newline) to the pending message; returns code. */
wmc_status wmc_raise(wmc_status code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Raise the standard message for exhausted memory; returns WMC_FAILURE. */
wmc_status wmc_no_memory(void);

/** The pending lines, each ended by a newline; "" if none. Valid until the next raise or clear. */
const char *wmc_message(void);
void wmc_message_clear(void);

/** Return from the caller with the status of `call` unless it is WMC_OK. */
#define WMC_TRY(call)                                                                              \
  do {                                                                                             \
    wmc_status wmc_try_ = (call);                                                                  \
    if (wmc_try_ != WMC_OK) return wmc_try_;                                                       \
  } while (0)

/** Leave through `done:` with `status` set unless `call` is WMC_OK. */
#define WMC_GOTO(call)                                                                             \
  do {                                                                                             \
    status = (call);                                                                               \
    if (status != WMC_OK) goto done;                                                               \
  } while (0)
