"""The ground floor: what every part stands on. It knows no feature."""
