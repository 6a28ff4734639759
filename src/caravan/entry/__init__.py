"""The doors to the street: API, worker, command line. They wire the floors together and hold no rules."""
