/* Chains of 4 x 4 matrices near balance. */
#include "chain_near.h"

bool WMC_SIMD_NAME(wmc_chain_balance_4)(const wmc_chain_task *task, long *products)
{
  return balance(task, 4, 16, true, products);
}
