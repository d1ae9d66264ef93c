"""What a page shows, as data: ``pca-automator report --json FILE`` writes it, and whoever wants another page reads it.

``docs/reference/report.schema.json`` is made from these models. Every time is UTC; every list may be empty.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from pca_automator.cli.output import printable

SCHEMA_VERSION = 1
"""Goes up when a field changes its meaning or goes away, not when one is added."""

# Hosts, and whoever may write to the inventory, choose some of the words: none of them turns the direction of writing.
Words = Annotated[str, AfterValidator(printable)]
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
Count = Annotated[int, Field(ge=0)]
Kind = Literal["fleet", "run", "rehearsal"]
Outcome = Literal["renewed", "failed", "other"]
Fate = Literal["REQUESTED", "ISSUED", "LIVE", "REFUSED", "REVOKED", "NOT_ISSUED"]


class UnreadableError(ValueError):
    """The text is no data of a page; the message says what is wrong, and where."""


def _name(field: str) -> str:
    """As everywhere else in JSON that this system writes."""
    return "hostID" if field == "host_id" else to_camel(field)


class Model(BaseModel):
    """What all have in common: fields in camel case, and those that are not known are ignored."""

    model_config = ConfigDict(alias_generator=_name, populate_by_name=True, frozen=True, extra="ignore")


class Line(Model):
    """A line of what to do: prose, or a command that can be typed as it is."""

    command: bool
    text: Words


class Finding(Model):
    """One part of the deployment, and whether it is well; as ``pca-automator doctor`` has it."""

    part: Words
    text: Words
    state: Literal["ok", "warning", "trouble", "refused", "unavailable"]
    commands: list[Words] = Field(default_factory=list)
    who: Words = Field(default="", description="Who else can mend it, where no command does.")


class Cause(Model):
    """Why some hosts need attention, all for the same reason."""

    phase: Words
    code: Words
    hosts: Count = Field(description="How many.")
    meaning: Words
    to_do: list[Line] = Field(description="With everything filled in that is known; for the most urgent host.")
    most_urgent: Words = Field(description="The id of the host that has least time left.")


class Trouble(Model):
    """Why a host's last renewal failed."""

    phase: Words
    code: Words
    message: Words = ""


class Host(Model):
    """One host of the inventory."""

    host_id: Words
    status: Words = Field(description="As in the inventory; NEW without one, QUARANTINED: no host, REMOVED: gone.")
    expiry: Moment | None = Field(default=None, description="Of the live certificate; null without one.")
    renewal_date: Moment | None = None
    serial: Words | None = None
    due: bool = Field(default=False, description="Whether a run would renew it now.")
    proven: bool | None = Field(
        default=None, description="Whether IAM Roles Anywhere has accepted the live certificate."
    )
    last_run_id: Words | None = None
    last_attempt: Moment | None = None
    trouble: Trouble | None = None

    @property
    def in_service(self) -> bool:
        """Whether it counts: who has left, or an entry that is no host, has no time to lose."""
        return self.status not in ("RETIRED", "REMOVED", "QUARANTINED")

    def left(self, at: datetime) -> timedelta | None:
        """Of the live certificate; below zero when it has run out, None without one."""
        return None if self.expiry is None else self.expiry - at


class Certificate(Model):
    """One entry of the ledger: a certificate that was asked for."""

    host_id: Words
    serial: Words | None = Field(default=None, description="Null while nobody knows whether it was issued.")
    requested_at: Moment
    not_after: Moment | None = None
    fate: Fate
    revoked_at: Moment | None = None
    reason: Words | None = Field(default=None, description="Why it is revoked, or is to be.")
    run_id: Words = ""


class Run(Model):
    """One execution of the workflow."""

    run_id: Words
    status: Words
    started_at: Moment
    ended_at: Moment | None = Field(default=None, description="Null while it runs.")
    counts: dict[str, Count] = Field(default_factory=dict, description="Hosts by what became of them.")
    cause: Words = ""


class Expectation(Model):
    """What had to be so in a phase of a rehearsal, and was, or was not."""

    what: Words
    expected: Words
    seen: Words
    held: bool


class Phase(Model):
    """A phase of a rehearsal."""

    name: Words
    what: Words
    started_at: Moment
    ended_at: Moment
    expectations: list[Expectation] = Field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether everything was as expected."""
        return all(each.held for each in self.expectations)


class Renewal(Model):
    """One host on its way through one run: from the request for a certificate to the end."""

    host_id: Words
    run_id: Words
    started_at: Moment | None = Field(
        default=None, description="When its certificate was asked for; null: it never was."
    )
    ended_at: Moment | None = Field(default=None, description="When its renewal was recorded as done or failed.")
    outcome: Outcome
    trouble: Trouble | None = None


class Measure(Model):
    """The CRL in force at some time."""

    at: Moment
    bytes: Count


class Crl(Model):
    """The CRL in force."""

    enabled: bool
    entries: Count
    bytes: Count = Field(description="In PEM.")
    allowed_bytes: Count = Field(description="What IAM Roles Anywhere takes.")
    next_update: Moment | None = None
    history: list[Measure] = Field(default_factory=list, description="Oldest first.")


class Report(Model):
    """Everything that a page shows."""

    schema_version: Literal[1] = 1
    kind: Kind
    title: Words = Field(description="What it is about: automation, stack and Region; or a run.")
    at: Moment = Field(description="When all of this was so.")
    next_run: Moment | None = Field(
        default=None, description="When the schedule starts the next run; null: not known, or never."
    )
    next_run_text: Words = Field(default="", description="The same for a person.")
    threshold_seconds: Count | None = Field(
        default=None, description="How long before its end a certificate is renewed."
    )
    facts: list[tuple[Words, Words]] = Field(
        default_factory=list, description="Name and value, for the head of a page."
    )
    findings: list[Finding] = Field(default_factory=list)
    causes: list[Cause] = Field(default_factory=list, description="The most frequent first.")
    hosts: list[Host] = Field(default_factory=list)
    runs: list[Run] = Field(default_factory=list, description="The newest first.")
    phases: list[Phase] = Field(default_factory=list, description="Of a rehearsal.")
    renewals: list[Renewal] = Field(default_factory=list)
    certificates: list[Certificate] = Field(default_factory=list)
    crl: Crl | None = Field(
        default=None, description="Null: the deployment distributes none, or it could not be looked at."
    )
    notes: list[Words] = Field(default_factory=list, description="What could not be looked at, and why.")

    def as_json(self) -> str:
        """As it is written to a file."""
        return self.model_dump_json(by_alias=True) + "\n"


def read(text: str | bytes) -> Report:
    """The data of a page from JSON.

    Raises:
        UnreadableError: it is no JSON, of another version, or says something that a page cannot show.
    """
    try:
        return Report.model_validate_json(text)
    except ValidationError as error:
        first, *more = error.errors(include_url=False)
        where = ".".join(map(str, first["loc"])) or "the file"
        given = "" if first["type"] == "missing" else f" is {printable(str(first['input'])[:80])!r}"
        others = f"; and {len(more)} more" if more else ""
        raise UnreadableError(f"{where}{given}: {first['msg']}{others}") from None


def schema() -> dict[str, Any]:
    """JSON Schema of a report as it is written."""
    found = Report.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
