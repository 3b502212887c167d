"""Reads run events into the classes of the OpenLineage client (Python package openlineage-python).

The client generates those classes from the specification. Here a field that a class doesn't have, one that it needs
and doesn't get, a value of another type, or the address of another version of a schema is an error. Prints the number
of events.
"""

import importlib
import json
import pkgutil
import sys
import types
import typing

import attr
import openlineage.client.generated as generated
from openlineage.client.generated import base
from openlineage.client.serde import Serde

CLASSES = {}
for module in pkgutil.iter_modules(generated.__path__):
    loaded = importlib.import_module(f"{generated.__name__}.{module.name}")
    for value in vars(loaded).values():
        if isinstance(value, type) and attr.has(value) and value.__module__ == loaded.__name__:
            CLASSES.setdefault(value.__name__, value)


def build(kind, value):
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return build(next(one for one in typing.get_args(kind) if one is not type(None)), value)
    if origin is list:
        assert isinstance(value, list), value
        return [build(typing.get_args(kind)[0], one) for one in value]
    if origin is dict:
        return {name: facet(one) for name, one in value.items()}
    if isinstance(kind, type) and attr.has(kind):
        return record(kind, value)
    if isinstance(kind, type) and issubclass(kind, base.EventType):
        return kind(value)
    assert isinstance(value, kind) and not (kind is int and isinstance(value, bool)), (kind, value)
    return value


def record(kind, value):
    hints = typing.get_type_hints(kind, {**vars(typing), **vars(base), **vars(sys.modules[kind.__module__])})
    fields = {field.name: field for field in attr.fields(kind)}
    given = {}
    for name, one in value.items():
        if name in ("schemaURL", "_schemaURL"):
            assert one == kind._get_schema(), (one, kind._get_schema())
            continue
        assert name in fields, f"{kind.__name__} has no field {name}"
        given[fields[name].alias] = build(hints[name], one)
    return kind(**given)


def facet(value):
    return record(CLASSES[value["_schemaURL"].rsplit("/", 1)[1]], value)


with open(sys.argv[1]) as file:
    events = json.load(file)
for event in events:
    Serde.to_json(build(base.RunEvent, event))
print(len(events))
