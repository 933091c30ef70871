"""Config: what a store is opened with."""

from __future__ import annotations

import math
import re
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from . import _arguments
from ._arguments import text
from .errors import ConfigError

T = TypeVar("T")

Off: TypeAlias = Literal["none"]
"""The value that switches an optional property off, whatever weaker sources say. None says nothing."""
OFF: Off = "none"


class _Option(Generic[T]):
    """One property: its documented default, and the type a given value must have.

    Only types are checked here. What values are allowed is known to the library,
    which checks them, together with those of all other sources, when it opens the
    store. The defaults are twins of the table in core/config/properties.go.
    """

    def __init__(self, default: T, kind: type) -> None:
        self.default = default
        self.kind = kind
        self.name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, config: None, owner: type) -> _Option[T]: ...
    @overload
    def __get__(self, config: Config, owner: type) -> T: ...
    def __get__(self, config: Config | None, owner: type) -> _Option[T] | T:
        if config is None:
            return self
        value: T = config.given.get(self.name, self.default)
        return self.default if self.default is None and value == OFF else value

    def __set__(self, config: Config, value: T) -> None:
        raise AttributeError(f"Config is immutable; make a new one with {self.name}={value!r}")

    def check(self, value: Any) -> Any:
        """The value, if it is of the property's type; else TypeError."""
        if self.default is None and value == OFF:
            return OFF
        if self.kind is str:
            return text(value, self.name)
        if self.kind is list:
            return [text(item, self.name) for item in _arguments.items(value, self.name)]
        allowed = int if self.kind is int else int | float
        if not isinstance(value, allowed) or isinstance(value, bool):
            raise TypeError(f"{self.name} must be {self.kind.__name__}, not {type(value).__name__}")
        if isinstance(value, float) and not math.isfinite(value):  # an int of any size is finite
            raise ConfigError(f"{self.name} must be a finite number, not {value}.", field=self.name)
        if isinstance(value, int) and abs(value) > _arguments.ID_MAX:  # it could not even be shown
            raise ConfigError(f"{self.name} is out of range.", field=self.name)
        return value


class Config:
    """How to reach a store and how it behaves.

    A property that is not given here comes from the DSN's own parameters, then from
    ``PGQRS_*`` environment variables, then from the file ``PGQRS_CONFIG_FILE`` (or
    pgqrs.yaml, pgqrs.yml), and at last is the default; all that happens when the
    store is opened, so an attribute shows what was given here or the default. None is
    "not given"; "none" switches an optional property off that a weaker source gives.
    Stores opened from an equal Config share one pool of connections in a process.
    """

    __slots__ = ("dsn", "given")

    schema = _Option("public", str)
    """The PostgreSQL schema of the tables."""
    pooler = _Option("auto", str)
    """What stands between pgqrs and PostgreSQL: "auto", "transaction" or "none"."""
    max_connections = _Option(16, int)
    connection_timeout_seconds = _Option(30.0, float)
    """How long opening a connection, or waiting for a free one, may take."""
    default_lock_time_seconds = _Option(5.0, float)
    """How long a lease lasts when the dequeue does not say."""
    default_max_batch_size = _Option(100, int)
    """The batch size of helpers that are given none."""
    max_read_ct = _Option(5, int)
    """How often a message of a new queue may be leased before it becomes a dead letter."""
    max_lease_seconds = _Option(43200.0, float)
    """How long the library keeps a lease alive at most."""
    archive_retention_seconds = _Option[float | None](None, float)
    """How long archived messages are kept; None is for ever."""
    dedup_retention_seconds = _Option(86400.0, float)
    """How long a dedup key is remembered at least."""
    heartbeat_interval_seconds = _Option(5.0, float)
    poll_interval_ms = _Option(250.0, float)
    """How often a waiting consumer looks where the database cannot wake it up."""
    max_payload_size_bytes = _Option(1 << 20, int)
    max_string_length = _Option[int | None](None, int)
    max_object_depth = _Option(64, int)
    forbidden_keys = _Option[list[str]]([], list)
    """May stand in no object of a payload."""
    required_keys = _Option[list[str]]([], list)
    """Must stand at the top level of every payload."""
    max_enqueue_per_second = _Option[float | None](None, float)
    max_enqueue_burst = _Option[int | None](None, int)

    def __init__(
        self,
        dsn: str | None = None,
        schema: str | None = None,
        max_connections: int | None = None,
        *,
        pooler: str | None = None,
        connection_timeout_seconds: float | None = None,
        default_lock_time_seconds: float | None = None,
        default_max_batch_size: int | None = None,
        max_read_ct: int | None = None,
        max_lease_seconds: float | None = None,
        archive_retention_seconds: float | Off | None = None,
        dedup_retention_seconds: float | None = None,
        heartbeat_interval_seconds: float | None = None,
        poll_interval_ms: float | None = None,
        max_payload_size_bytes: int | None = None,
        max_string_length: int | Off | None = None,
        max_object_depth: int | None = None,
        forbidden_keys: list[str] | None = None,
        required_keys: list[str] | None = None,
        max_enqueue_per_second: float | Off | None = None,
        max_enqueue_burst: int | Off | None = None,
    ) -> None:
        arguments = dict(locals())
        self.dsn: str | None = _arguments.optional_text(dsn, "dsn")
        self.given: dict[str, Any] = {}
        """The properties given here, which win over every other source."""
        for name, option in vars(Config).items():
            if isinstance(option, _Option) and arguments[name] is not None:
                self.given[name] = option.check(arguments[name])

    @classmethod
    def from_dsn(cls, dsn: str) -> Config:
        """A Config of a DSN alone."""
        return cls(text(dsn, "dsn"))

    def with_schema(self, schema: str) -> Config:
        """The same Config with another schema."""
        config = Config(self.dsn)
        config.given = self.given | {"schema": text(schema, "schema")}
        return config

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Config):
            return NotImplemented
        return (self.dsn, self.given) == (other.dsn, other.given)

    def __hash__(self) -> int:
        return hash((self.dsn, repr(sorted(self.given.items()))))

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self.given.items())
        return f"Config({redact(self.dsn)!r}{given})"


def redact(dsn: str | None) -> str | None:
    """The DSN, or a text with DSNs in it, without passwords; rather hides too much.

    A malformed DSN must not show its password either: twin of core/config/redact.go.
    """
    if dsn is None:
        return None
    from urllib.parse import unquote  # a tenth of what importing this package would take otherwise

    dsn = _SETTING.sub(lambda s: s[1] + "***" if _SECRET.search(unquote(s[1])) else s[0], dsn)
    if re.match(r"[\w+]+://", dsn):  # a DSN alone, whose password may hold blanks
        return _without_password(dsn)
    return re.sub(r"\S+", lambda word: _without_password(word[0]), dsn)


def _without_password(dsn: str) -> str:
    """Hides what lies between the first colon of the user's name and the last @ of a URL."""
    scheme, mark, rest = dsn.partition("://")
    if not mark:
        scheme, rest = "", dsn
    user, at, host = rest.rpartition("@")
    if at:
        rest = re.sub(":.*", ":***", user, flags=re.DOTALL) + at + host
    elif mark and not _HOSTS.fullmatch(re.split("[/?#]", rest, maxsplit=1)[0]):  # a password without its host
        rest = re.sub(":.*", ":***", rest, flags=re.DOTALL)
    return scheme + mark + rest


# "name=value", the value possibly quoted, the closing quote possibly forgotten.
_SETTING = re.compile(r"([\w%.-]+\s*=\s*)('(?:[^'\\]|\\.)*'?|[^\s&]*)")
_SECRET = re.compile("passw(or)?d|passphrase|pwd|secret", re.IGNORECASE)
_HOST = r"(?:\[[^\]]*\]|[^:,\[\]]*)(?::\d*)?"
_HOSTS = re.compile(f"{_HOST}(?:,{_HOST})*")
