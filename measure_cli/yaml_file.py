"""YAML with line numbers and without duplicate keys. Safe loading only, through libyaml where it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from measure_cli.errors import ProjectError
from measure_cli.textfile import read_text
from measure_cli.types import Place

BaseLoader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Lined(dict[str, Any]):
    """A mapping that remembers the line on which it starts."""

    line: int | None = None


class LinedLoader(BaseLoader):  # type: ignore[misc]  # the base is chosen at run time
    """Safe loader that builds `Lined` mappings and refuses duplicate keys."""

    def lined_mapping(self, node: yaml.MappingNode) -> Lined:
        """Construct one mapping."""
        lined = Lined()
        lined.line = node.start_mark.line + 1
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in lined:
                raise yaml.MarkedYAMLError(problem=f'the key "{key}" stands twice', problem_mark=key_node.start_mark)
            lined[key] = self.construct_object(value_node, deep=True)
        return lined


LinedLoader.add_constructor("tag:yaml.org,2002:map", LinedLoader.lined_mapping)


def line_in(value: Any) -> int | None:
    """Line of a mapping read by `read_yaml`; None for anything else."""
    return value.line if isinstance(value, Lined) else None


def read_yaml(file: Path, label: str) -> Any:
    """Content of a YAML file.

    Raises:
        ProjectError: the file cannot be read or is not YAML; the message names file and line.
    """
    text = read_text(file, label)
    try:
        return yaml.load(text, Loader=LinedLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ProjectError(f"{Place(label, line)}: is not valid YAML: {error.problem}") from None
