"""Checks of texts: whatever is asked for, an engine speaks or refuses in one typed line."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.conformance.elsewhere import FAR_BEYOND
from adapters.conformance.finding import Finding, check, none_of, told, typed
from adapters.conformance.subject import Subject
from adapters.conformance.texts import TEXTS, filled


@check
def odd_texts(subject: Subject) -> Finding:
    """Any text is spoken, or refused by an AdapterError of one line; a plain one is spoken."""
    wrong = [f"text {name!r}: {told(error)}" for name, error in subject.refusals.items() if not typed(error)]
    if "plain" in subject.refusals and not wrong:
        wrong.append(f"a plain text is refused: {told(subject.refusals['plain'])}")
    return none_of(wrong, f"{len(subject.renderings)} of {len(TEXTS)} texts were spoken, the others refused")


@check
def text_limit(subject: Subject) -> Finding:
    """A text as long as the limit is spoken; one ten times as long is spoken, or refused in one typed line."""
    return none_of(_at_the_limit(subject), f"{subject.capability.limits.text_chars} characters are spoken")


def _at_the_limit(subject: Subject) -> Iterator[str]:
    limit = subject.capability.limits.text_chars
    try:
        spoken = subject.render(filled(limit), rungs=subject.rungs[-1:])
    except Exception as error:
        yield f"{limit} characters: {told(error)}"
    else:
        if not spoken.samples:
            yield f"nothing is heard of {limit} characters"
    if subject.elsewhere.far_beyond:
        yield f"{FAR_BEYOND * limit} characters: {subject.elsewhere.far_beyond}"
