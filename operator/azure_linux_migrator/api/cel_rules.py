"""Rules of a spec, each defined once: in CEL for the apiserver, in Python for local files.

The CRD is generated from the CEL; `azlm plan` and `azlm preflight` judge a file by the Python. A
rule's message names the remedy: what an admin reads at a refusal is the same in both places.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from azure_linux_migrator.api.base_model import Model

_BROKEN = "rule"
"""Type of the pydantic errors of rules; their context has the `message` and the `path`."""
_VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class CelRule:
    """What must hold for a value: `cel` for the apiserver, `holds` for the validated Python value.

    Without `cel` the apiserver does not check it, and the operator refuses the spec (InvalidSpec):
    the keys of a map have no length for the apiserver's cost estimate. `holds` is None for a rule
    about a change (oldSelf), which a file alone cannot break. `path` is the field below the value
    that a refusal names.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] | None = None
    path: str = ""

    def schema(self) -> dict[str, str]:
        """As an x-kubernetes-validations entry."""
        where = {"fieldPath": self.path} if self.path else {}
        return {"rule": self.cel, "message": self.message, **where}

    def check(self, value: object) -> None:
        """Raise PydanticCustomError where it is broken."""
        if self.holds is not None and not self.holds(value):
            raise _broken(self)


def _broken(rule: CelRule) -> PydanticCustomError:
    return PydanticCustomError(_BROKEN, "{message}", {"message": rule.message, "path": rule.path})


def _validations(rules: Iterable[CelRule]) -> dict[str, list[dict[str, str]]]:
    """The part of a schema that the apiserver checks."""
    checked = [rule.schema() for rule in rules if rule.cel]
    return {_VALIDATIONS: checked} if checked else {}


class Ruled:
    """The rules of a field, as a part of its Annotated type, behind its Field.

    A value of a wrong type or length is refused in the words of the first rule, which state what
    the field is to hold.
    """

    def __init__(self, *rules: CelRule) -> None:
        self._rules = rules

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Judge after the type."""
        return core_schema.no_info_wrap_validator_function(self._validate, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The type's schema with the rules."""
        return handler(schema) | _validations(self._rules)

    def _validate(self, value: object, typed: core_schema.ValidatorFunctionWrapHandler) -> object:
        try:
            instance: object = typed(value)
        except ValidationError:
            if not self._rules[0].cel:
                raise  # a rule about keys does not apply to a value
            raise _broken(self._rules[0]) from None
        if instance is not None:
            for rule in self._rules:
                rule.check(instance)
        return instance


def matching(pattern: str, message: str, *more: CelRule) -> Ruled:
    """Text of a pattern, stated as a rule: a regular expression is no remedy.

    The other rules may assume the pattern: the apiserver asks all of them, also after one failed.
    """
    whole = re.compile(pattern, re.ASCII)
    matches = f"self.matches('{pattern}')"
    first = CelRule(matches, message, lambda text: whole.fullmatch(text) is not None)
    guarded = (CelRule(f"!{matches} || {rule.cel}", rule.message, rule.holds) for rule in more)
    return Ruled(first, *guarded)


class RuledModel(Model):
    """A model with rules over more than one of its fields."""

    rules: ClassVar[tuple[CelRule, ...]] = ()

    @model_validator(mode="after")
    def _keeps_its_rules(self) -> Self:
        for rule in self.rules:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The model's schema with the rules."""
        json_schema = handler(schema)
        handler.resolve_ref_schema(json_schema).update(_validations(cls.rules))
        return json_schema
