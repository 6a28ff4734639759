"""Which tables requests use: seen in a window of the store's log, noted by triggers, or told by dry runs; kept per migration."""
