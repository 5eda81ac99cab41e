/* Chains of 4 x 4 matrices near balance. */
#include "chain_near.h"

bool WMC_SIMD_NAME(wmc_chain_balance_4)(walk *w) { return balance(w, 4, true); }
