"""The bundled stacks on every engine: the same rows, by build and by script."""
