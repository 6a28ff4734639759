"""Changes of a running store, read from its own log, from triggers, or by a watermark."""
