#!/usr/bin/env python3
"""Verifies Howdah's audit log from a dump, without the database and without a line of its code.

    npm run audit:dump -- audit.jsonl
    python3 deploy/verify_audit.py audit.jsonl .howdah/audit-seals.jsonl

The second file is the copy of the seals outside the database. Without it a log that was cut off, or rewritten to its
end, cannot be told from an intact one. Prints one JSON object; exit code 0: intact, 1: not, 2: cannot be read.
Needs Python 3.8 and its standard library.
"""
import json
import sys
import time
from hashlib import sha256

NOTHING = "00" * 32


def field(value):
    """A field of the canonical form: length in bytes, colon, bytes; a dash for a missing one."""
    if value is None:
        return b"-"
    data = value.encode()
    return b"%d:%s" % (len(data), data)


def canonical(values):
    return b"".join(map(field, values))


def is_intact(event, blankings):
    """Whether an event fits its own hashes, and a blank one is named by the event of its blanking."""
    payload_hash, row_hash, salt, *payload, blanked_by = event[15:]
    if sha256(canonical(event[1:15]) + field(payload_hash)).hexdigest() != row_hash:
        return False
    if salt is not None:
        if blanked_by is not None:
            return False
        return sha256(bytes.fromhex(salt) + canonical(payload)).hexdigest() == payload_hash
    return payload == [None, None, None] and int(event[1]) in blankings.get(blanked_by, ())


def read(path):
    """Seals, events, and which events each blanking names."""
    seals, events, blankings = [], [], {}
    with open(path, encoding="utf-8", newline="\n") as dump:
        for line in dump:
            parsed = json.loads(line)
            if parsed[0] == "seal":
                seals.append(parsed)
                continue
            events.append(parsed)
            if parsed[6] == "audit_blanked" and parsed[20]:
                blankings[parsed[1]] = set(json.loads(parsed[20]).get("event_ids", ()))
    return seals, events, blankings


def read_copy(path):
    """The seals as they were copied out: number to hash."""
    with open(path, encoding="utf-8") as copy:
        lines = [json.loads(line) for line in copy if line.endswith("\n")]
    return {line["seal"]: line["hash"] for line in lines}


def verify(seals, events, blankings, expected):
    """The first thing that is wrong, as (problem, seal, event), or None."""
    seals.sort(key=lambda seal: int(seal[1]))
    events.sort(key=lambda event: (int(event[3]), int(event[1])))
    place, before_number, before_until, next_event, before_hash = 0, 0, 0, 1, NOTHING
    for _, number, first, until, first_event, count, sealed_at, previous, seal_hash in seals:
        number, count = int(number), int(count)
        start = place
        while place < len(events) and int(events[place][3]) < int(until):
            place += 1
        covered = events[start:place]
        bad = next((event for event in covered if not is_intact(event, blankings)), None)
        if number != before_number + 1:
            return "seal_removed", number, None
        if previous != before_hash or int(first) != before_until or int(first_event) != next_event:
            return "seal_changed", number, None
        if bad:
            return "event_changed", number, int(bad[1])
        rows = sha256(b"".join(bytes.fromhex(event[16]) for event in covered)).hexdigest()
        fields = [str(number), first, until, first_event, str(count), sealed_at, rows, previous]
        if len(covered) != count or sha256(canonical(fields)).hexdigest() != seal_hash:
            if len(covered) == count:
                return "events_or_seal_changed", number, None
            return "event_removed" if len(covered) < count else "event_added", number, None
        if expected.get(number, seal_hash) != seal_hash:
            return "seal_differs_from_export", number, None
        before_number, before_until, next_event, before_hash = number, int(until), next_event + count, seal_hash
    missing = [number for number in expected if number > before_number]
    if missing:
        return "seal_missing", min(missing), None
    bad = next((event for event in events[place:] if not is_intact(event, blankings)), None)
    return ("event_changed", None, int(bad[1])) if bad else None


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    started = time.perf_counter()
    try:
        seals, events, blankings = read(arguments[0])
        expected = read_copy(arguments[1]) if len(arguments) == 2 else {}
    except (OSError, ValueError, KeyError, IndexError) as error:
        print(f"Cannot read {' or '.join(arguments)}: {error!r}", file=sys.stderr)
        return 2
    found = verify(seals, events, blankings, expected)
    seconds = time.perf_counter() - started
    problem, seal, event = found or (None, None, None)
    print(json.dumps({
        "is_ok": found is None, "problem": problem, "seal": seal, "event": event,
        "seals": len(seals), "events": len(events), "events_per_second": round(len(events) / seconds),
    }))
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
