#!/usr/bin/env python3
"""Verifies Howdah's audit log from a dump, without the database and without a line of its code.

    npm run audit:dump -- audit.jsonl
    python3 deploy/verify_audit.py audit.jsonl .howdah/audit-seals.jsonl [--from-seal 1200]

The second file is the copy of the seals outside the database. Without it a log that was cut off, or rewritten to its
end, cannot be told from an intact one. --from-seal goes on from a seal of that copy that was verified before. Prints
one JSON object; exit code 0: intact, 1: not, 2: cannot be read.
Needs Python 3.8 and its standard library.
"""
import json
import sys
import time
from hashlib import sha256

NOTHING = "00" * 32
# Keys of the events in which the log speaks of itself, as the dump shows them.
MONTHS_AND_RECOVERY = ('{"landmark": "months"}', '{"landmark": "recovery"}')


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
    """Seals, events, which events each blanking names, and what the log says about itself, oldest first."""
    seals, events, blankings, landmarks = [], [], {}, []
    with open(path, encoding="utf-8", newline="\n") as dump:
        for line in dump:
            parsed = json.loads(line)
            if parsed[0] == "seal":
                seals.append(parsed)
                continue
            events.append(parsed)
            if parsed[6] == "audit_blanked" and parsed[20]:
                blankings[parsed[1]] = set(json.loads(parsed[20]).get("event_ids", ()))
            if parsed[5] is None and parsed[18] in MONTHS_AND_RECOVERY and parsed[20]:
                landmarks.append((int(parsed[1]), parsed[6], json.loads(parsed[20])))
    seals.sort(key=lambda seal: int(seal[1]))
    events.sort(key=lambda event: (int(event[3]), int(event[1])))
    landmarks.sort(key=lambda landmark: landmark[0])
    return seals, events, blankings, landmarks


def read_copy(path, landmarks):
    """The seals as they were copied out, number to hash, without those that a noted restore has lost."""
    lost = {
        (line["seal"], line["hash"])
        for _, operation, details in landmarks if operation == "audit_recovered" for line in details["lost"]
    }
    with open(path, encoding="utf-8") as copy:
        lines = [json.loads(line) for line in copy if line.endswith("\n")]
    expected = {}
    for number, seal_hash in {(line["seal"], line["hash"]) for line in lines} - lost:
        # A copy that says two things about one seal is contradicted by any.
        expected[number] = "contradicted" if number in expected else seal_hash
    return expected


def count_problem(found, sealed, is_hash_equal):
    """What is wrong with the events under a seal; None when nothing is."""
    if found != sealed:
        return "event_removed" if found < sealed else "event_added"
    return None if is_hash_equal else "events_or_seal_changed"


def verify(seals, events, blankings, landmarks, expected, from_seal):
    """The first thing that is wrong, as (problem, seal, event), or None."""
    cut = next((d for _, operation, d in reversed(landmarks) if operation == "audit_months_dropped"), {"seal": 0})
    place, before_number, before_until, next_event, before_hash = 0, 0, 0, 1, NOTHING
    if from_seal is not None:
        known = next((seal for seal in seals if int(seal[1]) == from_seal), None)
        if known is None:
            return "seal_missing", from_seal, None
        before_number, before_until, before_hash = from_seal, int(known[3]), known[8]
        next_event = int(known[4]) + int(known[5])
        if expected[from_seal] != before_hash:
            return "seal_differs_from_export", from_seal, None
        while place < len(events) and int(events[place][3]) < before_until:
            place += 1
    for _, number, first, until, first_event, count, sealed_at, previous, seal_hash in seals:
        number, count = int(number), int(count)
        if number <= before_number and from_seal is not None:
            continue
        if number != before_number + 1:
            return "seal_removed", number, None
        if previous != before_hash or int(first) != before_until or int(first_event) != next_event:
            return "seal_changed", number, None
        if number == cut["seal"] and seal_hash != cut["seal_hash"]:
            return "seal_changed", number, None
        # Of seals whose months are dropped only the chain is left. What the last of them still covers was counted then.
        if number >= cut["seal"]:
            start = 0 if number == cut["seal"] else place
            while place < len(events) and int(events[place][3]) < int(until):
                place += 1
            covered = events[start:place]
            bad = next((event for event in covered if not is_intact(event, blankings)), None)
            if bad:
                return "event_changed", number, int(bad[1])
            rows = sha256(b"".join(bytes.fromhex(event[16]) for event in covered)).hexdigest()
            if number == cut["seal"]:
                problem = count_problem(len(covered), cut["kept_count"], rows == cut["kept_hash"])
            else:
                fields = [str(number), first, until, first_event, str(count), sealed_at, rows, previous]
                problem = count_problem(len(covered), count, sha256(canonical(fields)).hexdigest() == seal_hash)
            if problem:
                return problem, number, None
        if expected.get(number, seal_hash) != seal_hash:
            return "seal_differs_from_export", number, None
        before_number, before_until, next_event, before_hash = number, int(until), next_event + count, seal_hash
    missing = [number for number in expected if number > before_number]
    if missing or cut["seal"] > before_number:
        return "seal_missing", min(missing, default=None), None
    bad = next((event for event in events[place:] if not is_intact(event, blankings)), None)
    return ("event_changed", None, int(bad[1])) if bad else None


def main(arguments):
    from_seal = None
    if len(arguments) == 4 and arguments[2] == "--from-seal" and arguments[3].isdigit():
        arguments, from_seal = arguments[:2], int(arguments[3])
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    started = time.perf_counter()
    try:
        seals, events, blankings, landmarks = read(arguments[0])
        expected = read_copy(arguments[1], landmarks) if len(arguments) == 2 else {}
        if from_seal is not None and from_seal not in expected:
            raise ValueError(f"no seal {from_seal} in the copy")
    except (OSError, ValueError, KeyError, IndexError) as error:
        print(f"Cannot read {' or '.join(arguments)}: {error!r}", file=sys.stderr)
        return 2
    found = verify(seals, events, blankings, landmarks, expected, from_seal)
    seconds = time.perf_counter() - started
    problem, seal, event = found or (None, None, None)
    print(json.dumps({
        "is_ok": found is None, "problem": problem, "seal": seal, "event": event,
        "seals": len(seals), "events": len(events), "events_per_second": round(len(events) / seconds),
    }))
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
