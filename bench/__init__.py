"""Side-by-side measurements: ours against a floor or a peer, in one run. Figures go to bench/figures."""
