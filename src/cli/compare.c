#include <stdio.h>

#include "cli.h"

wmc_status cli_compare(const cli_arguments *a)
{
  bool equal = false;
  wmc_text report = {0};
  wmc_status status = wmc_results_compare(a->operand[0], a->operand[1], &equal, &report);
  if (status == WMC_OK) {
    fputs(wmc_text_string(&report), stdout);
    printf("%s and %s %s\n", a->operand[0], a->operand[1],
           equal ? "are equal up to /provenance" : "differ");
  }
  wmc_text_free(&report);
  return status == WMC_OK && !equal ? WMC_FAILURE : status;
}
