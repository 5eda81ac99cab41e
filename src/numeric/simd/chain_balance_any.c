/* Chains of matrices of any size near balance. */
#include "chain_near.h"

bool WMC_SIMD_NAME(wmc_chain_balance_any)(const wmc_chain_task *task, long *products)
{
  return balance(task, task->chain->r, task->chain->core, false, products);
}
