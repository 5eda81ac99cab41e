#include "weylmc/base/status.h"

#include <stdarg.h>
#include <stddef.h>

#include "weylmc/base/text.h"

static wmc_text pending;

static const int exit_codes[WMC_STATUS_COUNT] = {
    [WMC_OK] = 0,      [WMC_AGAIN] = 75, [WMC_USAGE] = 2,   [WMC_DATA] = 65,
    [WMC_OUTPUT] = 73, [WMC_IO] = 74,    [WMC_FAILURE] = 1,
};

int wmc_exit_code(wmc_status status)
{
  return (unsigned)status < WMC_STATUS_COUNT ? exit_codes[status] : 1;
}

wmc_status wmc_raise(wmc_status code, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  wmc_text_append_list(&pending, format, arguments);
  va_end(arguments);
  wmc_text_append(&pending, "\n");
  return code;
}

const char *wmc_message(void) { return wmc_text_string(&pending); }

void wmc_message_clear(void) { wmc_text_free(&pending); }

wmc_status wmc_no_memory(void)
{
  return wmc_raise(WMC_FAILURE,
                   "out of memory: ask the batch system for more, or lower chains, widths, "
                   "the depth of formulation parameters or the length of a ladder "
                   "(`weylmc check DECK`, where there is enough, prints what a run "
                   "needs)");
}
