"""Cassandra's Thrift interface: cassandra.thrift and the bindings generated from it."""
__all__ = ['ttypes', 'constants', 'Cassandra']
