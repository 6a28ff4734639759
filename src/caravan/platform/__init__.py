"""The platform: what every business needs and none is about."""
