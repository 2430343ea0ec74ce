"""docs/reference/records.md: every topic and record, from docs/asyncapi.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from deploy.docs.markdown import code, page, table

Schema = dict[str, Any]


def records_page(document: Path) -> str:
    """Topic by topic: settings, then each message with its headers, fields and an example."""
    contents = yaml.safe_load(document.read_text(encoding="utf-8"))
    parts = [
        str(contents["info"]["description"]),
        "The whole document, for tools: [asyncapi.yaml](../asyncapi.yaml).\n",
    ]
    for channel in contents["channels"].values():
        parts.append(f"## {channel['address']}\n")
        parts.append(channel["description"])
        told = channel["bindings"]["kafka"]["topicConfiguration"]
        settings = (f"{name}={','.join(value) if isinstance(value, list) else value}" for name, value in told.items())
        parts.append("Topic settings: " + ", ".join(map(code, settings)) + "\n")
        for name in channel["messages"]:
            parts += _message(contents, contents["components"]["messages"][name])
    return page("Topics and records", "docs/asyncapi.yaml", *parts)


def _message(contents: Schema, message: Schema) -> Iterator[str]:
    yield f"### {message['name']}\n"
    title = message["title"].rstrip(".") + "."
    yield f"{title} {message.get('summary', '')}\n"
    headers = list(_fields(contents, message["headers"]))
    if headers:
        yield "Headers:\n"
        yield table(["header", "type", "required", "meaning"], headers)
    key = message.get("bindings", {}).get("kafka", {}).get("key")
    if key:
        yield f"Key: {_meaning(contents, _resolved(contents, key))}\n"
    fields = list(_fields(contents, message.get("payload", {})))
    if fields:
        yield "Value:\n"
        yield table(["field", "type", "required", "meaning"], fields)
    for example in message.get("examples", [])[:1]:
        if "payload" in example:
            yield f"```json\n{json.dumps(example['payload'], indent=1, ensure_ascii=False)}\n```\n"


def _fields(contents: Schema, schema: Schema, path: str = "") -> Iterator[list[str]]:
    whole = _resolved(contents, schema)
    for name, inner in whole.get("properties", {}).items():
        found = _resolved(contents, inner)
        place = f"{path}{name}"
        required = "yes" if name in whole.get("required", ()) else ""
        yield [code(place), _type(contents, found), required, _meaning(contents, found)]
        yield from _fields(contents, found, f"{place}.")
        if found.get("type") == "array":
            yield from _fields(contents, found.get("items", {}), f"{place}[].")


def _resolved(contents: Schema, schema: Schema) -> Schema:
    """A schema with its references and `allOf` laid together; what stands nearer wins, properties are refined."""
    whole: Schema = {name: value for name, value in schema.items() if name not in {"$ref", "allOf"}}
    for part in [_target(contents, schema["$ref"])] if "$ref" in schema else schema.get("allOf", []):
        found = _resolved(contents, part)
        properties = whole.get("properties", {}) | found.get("properties", {})
        whole = found | whole | ({"properties": properties} if properties else {})
    return whole


def _target(contents: Schema, reference: str) -> Schema:
    found = contents
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _type(contents: Schema, schema: Schema) -> str:
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    if "oneOf" in schema:
        return " or ".join(_type(contents, _resolved(contents, one)) for one in schema["oneOf"])
    kind = schema.get("type", "")
    name = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if name == "array" and "items" in schema:
        return f"array of {_type(contents, _resolved(contents, schema['items']))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(contents, _resolved(contents, schema['additionalProperties']))}"
    return name


LIMITS = {
    "minimum": "from {}",
    "exclusiveMinimum": "above {}",
    "maximum": "up to {}",
    "minLength": "{} characters or more",
    "maxLength": "{} characters at most",
    "minItems": "{} items or more",
    "maxItems": "{} items at most",
    "maxProperties": "{} entries at most",
}


def _meaning(contents: Schema, schema: Schema) -> str:
    within = _resolved(contents, schema["oneOf"][0]) if "oneOf" in schema else schema
    limits = [text.format(f"{within[name]:,}") for name, text in LIMITS.items() if name in within]
    told = schema.get("description", "").strip()
    return " ".join([told, f"({', '.join(limits)})"] if limits else [told])
