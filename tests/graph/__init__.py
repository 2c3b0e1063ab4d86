"""Order and selection of relations."""
