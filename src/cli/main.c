#include <stdio.h>

#include "weylmc/base/status.h"

int main(void)
{
  fputs("usage: weylmc run|check|show|fit|compare|explain ...\n", stderr);
  return wmc_exit_code(WMC_USAGE);
}
