"""The systems Caravan carries: per system its contract, its data mapping and its old URLs."""
