"""Logging of connections and pools, through the standard library's loggers."""
