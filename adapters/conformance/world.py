"""Checks of what an engine does to the machine: files, hosts, memory. They are made in a process of its own."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from adapters.conformance.elsewhere import SPANS
from adapters.conformance.finding import Finding, at_most, check, none_of, unclaimed
from adapters.conformance.subject import Subject

ELSEWHERE = "it has a process of its own, into which nobody looks"  # what the hosting one does says nothing
GROWTH_MOST_MB = 12.0  # over twenty short spans; Piper and Kokoro grow by less than 0.1


@check
def files_stay_in_the_cache(subject: Subject) -> Finding:
    """Loading and speaking write nothing outside of the cache folder that the adapter is given."""
    if subject.capability.isolation == "process":
        return unclaimed(ELSEWHERE)
    cache = subject.recipe.context().cache.absolute()
    folders = {*cache.parents, cache}  # may have to be made
    outside = [
        path
        for path in map(Path, subject.elsewhere.written)
        if path not in folders and not path.resolve().is_relative_to(cache.resolve())
    ]
    return none_of((f"{path} was written" for path in outside), "nothing is written outside of the cache")


@check
def hosts_are_declared(subject: Subject) -> Finding:
    """No host is asked for or talked to that the description does not name in egress; this machine is a host too."""
    if subject.capability.isolation == "process":
        return unclaimed(ELSEWHERE)
    declared = set(subject.capability.egress)
    undeclared = [host for host in subject.elsewhere.hosts if host not in declared]
    if undeclared and declared:
        addresses = {address for host in declared for address in _addresses(host)}
        undeclared = [host for host in undeclared if host not in addresses]
    says = f"it talks to {', '.join(declared) or 'nobody'}"
    return none_of((f"it talks to {host}, which egress does not name" for host in undeclared), says)


@check
def memory_is_bounded(subject: Subject) -> Finding:
    """Memory does not grow with what was spoken."""
    if subject.capability.isolation == "process":
        return unclaimed(ELSEWHERE)
    growth = subject.elsewhere.growth_bytes
    if growth is None:
        return unclaimed("this system does not tell how much memory is in use")
    return at_most(growth / 2**20, GROWTH_MOST_MB, f"{growth / 2**20:+.1f} MB over {SPANS} spans")


def _addresses(host: str) -> set[str]:
    with contextlib.suppress(OSError):
        return {str(one[4][0]) for one in socket.getaddrinfo(host, None)}
    return set()
