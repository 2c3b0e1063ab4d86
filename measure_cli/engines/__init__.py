"""Adapters: one module per database engine, each with the interface of `types.Engine`."""
