"""docs/asyncapi.yaml as a judge of real messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from roompulse.topics import MINUTE_SCHEMA, SCHEMA_HEADER
from tests.require import ROOT

_HERE = "urn:asyncapi"


class Document:
    """The document; `prefix` stands before every topic name."""

    def __init__(self, prefix: str = "") -> None:
        self.contents: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
        self.schemas: dict[str, Any] = self.contents["components"]["schemas"]
        self.messages: dict[str, Any] = self.contents["components"]["messages"]
        registry: Registry[Any] = Registry()
        self._registry = registry.with_resource(_HERE, DRAFT7.create_resource(self.contents))
        self._channels = {
            prefix + channel["address"]: list(channel["messages"]) for channel in self.contents["channels"].values()
        }
        self._validators: dict[str, Draft7Validator] = {}

    def accepts(self, schema: str, instance: object) -> bool:
        """Whether a schema, by name, allows this."""
        return self._validator(f"schemas/{schema}").is_valid(instance)

    def check(self, topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> str:
        """Raise where a record is not what the document says of its topic; the name of the message that it is."""
        told = {name: content.decode() for name, content in headers}
        name = self._message(topic, told, value)
        message = self.messages[name]
        self._validator(f"messages/{name}/headers").validate(told)
        if "payload" in message:
            self._validator(f"messages/{name}/payload").validate(None if value is None else json.loads(value))
        if "bindings" in message:
            self._validator(f"messages/{name}/bindings/kafka/key").validate(None if key is None else key.decode())
        return name

    def _message(self, topic: str, headers: dict[str, str], value: bytes | None) -> str:
        """The one message of the topic that has this schema, and a value or none."""
        fits: list[str] = []
        names = self._channels[topic]
        schema = headers.get(SCHEMA_HEADER, MINUTE_SCHEMA if "roomMinute" in names else None)
        for name in names:
            wanted = self.messages[name]["headers"].get("properties", {}).get("schema", {}).get("const")
            tombstone = self.messages[name].get("payload") == {"type": "null"}
            if wanted == schema and tombstone == (value is None and wanted is not None):
                fits.append(name)
        assert len(fits) == 1, f"{topic} with {headers}: {fits}"
        return fits[0]

    def _validator(self, place: str) -> Draft7Validator:
        if place not in self._validators:
            reference = {"$ref": f"{_HERE}#/components/{place}"}
            self._validators[place] = Draft7Validator(reference, registry=self._registry)
        return self._validators[place]
