/* Chains of matrices of any size near balance. */
#include "chain_near.h"

bool WMC_SIMD_NAME(wmc_chain_balance_any)(walk *w) { return balance(w, w->r, false); }
