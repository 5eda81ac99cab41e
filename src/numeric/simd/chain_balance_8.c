/* Chains of 8 x 8 matrices near balance. No tiles where there are 16 registers of two numbers. */
#include "chain_near.h"

bool WMC_SIMD_NAME(wmc_chain_balance_8)(const wmc_chain_task *task, long *products)
{
  return balance(task, 8, 64, LANES > 2, products);
}
