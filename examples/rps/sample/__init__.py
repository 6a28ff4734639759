"""The RPS sample: what the shop knows, how its database stores it, and what must be found after a load."""
