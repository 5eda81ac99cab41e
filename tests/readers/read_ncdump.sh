#!/usr/bin/env bash
# ncdump prints the whole file without complaint, with named dimensions. read_ncdump.sh FILE
set -euo pipefail
text=$(ncdump "$1" 2>&1)
while IFS= read -r line; do
  grep -qF -- "$line" <<<"$text" || {
    echo "ncdump does not print: $line"
    exit 1
  }
done <<'LINES'
string :title = "Entropy of X ∈ ℝ²ˣ²" ;
depth = 3 ;
energy.kind = 3 ;
index = 2 ;
double singular_values(depth, energy.kind, index) ;
string singular_values:units = "1" ;
string entropy:long_name = "S(X)" ;
string form(depth) ;
double samples ;
depth = 2, 10, Infinity ;
energy.kind = "frobenius", "target", "größe" ;
220, 221 ;
0, NaN,
samples = 1000000 ;
double entropy(chain, depth) ;
verbatim = "model: balanced\n# λ\n" ;
LINES
! grep -iE 'error|ncdump:' <<<"$text"
