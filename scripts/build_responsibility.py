"""Write docs/responsibility-measured.md: who answers in two real cities, held against what they recorded.

    python scripts/build_responsibility.py FOLDER            write the page
    python scripts/build_responsibility.py FOLDER --check    say whether it is stale, and exit 1 if it is

FOLDER has the real data. The page has figures, codes, and names of bodies and objects; each figure, in
tables and in sentences, is computed here.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import responsibility_audit as audit
import responsibility_dongcheng as dongcheng
import responsibility_lights as lights
import responsibility_washington as washington
from responsibility_washington import (
    LEAST,
    LEVELS,
    NOBODY,
    Judged,
    Mask,
    Measured,
    Requests,
    Split,
    Texts,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "responsibility-measured.md"

_SHOWN = 8  # categories listed of a duty table
_NEW = "no duty: the first half lacks the category"
_MOVED = "the first half has it with another agency"
_KNOWN = "its agency had the duty, but the step `{step}` came first"


def page(folder: Path) -> str:
    """Return the text of docs/responsibility-measured.md."""
    with tempfile.TemporaryDirectory() as room:
        requests = washington.measure(folder, Path(room))
        near = lights.measure(folder, requests)
        objects = dongcheng.measure(folder, Path(room))
    lines = (
        *_opening(),
        *_washington(requests),
        *lights.text(near),
        *_limits(requests),
        *dongcheng.text(objects),
    )
    return "\n".join(lines) + "\n"


def _opening() -> Iterator[str]:
    yield "<!-- Made by scripts/build_responsibility.py; edit the code, then run it again. -->"
    yield from ("", "# Who answers: two real cities", "")
    yield "What gridcity answers where two cities recorded who did."
    yield (
        "Washington, D.C. names the agency that handled each service request: duties are derived from one "
        "half of the requests and judged on the other."
    )
    yield "Beijing Dongcheng names three bodies for each surveyed relic: their chains are written out."
    yield (
        "How an answer is found: [decision 0009](decisions/0009-responsibility-chain.md), "
        "[locate.md](locate.md)."
    )


def _washington(found: Measured) -> Iterator[str]:
    yield from ("", "## Washington, D.C.", "")
    yield from _file(found)
    yield from ("", "### The duty tables", "")
    yield from _tables(found)
    yield from ("", "### How many answers were right", "")
    yield from _shares(found)
    yield from ("", "### Who handled it, who answered")
    for split in found.splits:
        yield from _matrices(split)
    yield from ("", "### Which are not right, and why", "")
    yield from _reasons(found)
    yield from audit.text(found)


def _file(found: Measured) -> Iterator[str]:
    r = found.requests
    yield (
        f"{len(r):,} service requests, opened from {min(r.opened)[:10]} to {max(r.opened)[:10]}, "
        f"of {len(set(r.category))} categories, handled by {len(set(r.agency))} agencies."
    )
    yield (
        "The wards are the streets of the city, the census block groups its cells, the agencies its parties; "
        "the categories are local event classes in its profile."
    )
    yield (
        "Each request is asked about by the name of its category as delivered; "
        f"{int((found.classes == '').sum()):,} of them name no class of the city."
    )
    yield ""
    lacking = {
        "id": r.ids == "",
        "agency": r.agency == "",
        "category": r.category == "",
        "time of opening": r.opened == "",
        "place": np.isnan(r.lng) | np.isnan(r.lat),
    }
    counts = ", ".join(f"{what} {int(rows.sum()):,}" for what, rows in lacking.items())
    repeated = len(r) - len(set(r.ids))
    yield f"- Rows without {counts}; rows that repeat the id of another: {repeated:,}. No row was left out."
    yield (
        f"- {int(_void(r).sum()):,} requests are voided or duplicates. An agency was named for them too, so "
        "they stay in both halves; a column below leaves them out of the judged half."
    )
    yield (
        f"- {int((found.cells == '').sum()):,} requests lie in no block group. They are asked about like "
        "the others."
    )
    named = np.array([ward.isdecimal() for ward in r.ward])
    same = [
        ward == code[6:].lstrip("0") for ward, code in zip(r.ward[named], found.wards[named], strict=True)
    ]
    yield (
        f"- {int(named.sum()):,} requests name their ward. "
        f"{_share(int(found.in_ward.sum()), int(named.sum()))} lie in its polygon, and "
        f"{_share(sum(same), int(named.sum()))} in a block group of it: a block group that two wards share "
        "belongs to one of them, as every cell belongs to one community."
    )
    of = _agencies(r)
    single = sum(len(agencies) == 1 for agencies in of.values())
    yield f"- Of {len(of)} categories {single} have the same agency in all their requests."


def _tables(found: Measured) -> Iterator[str]:
    yield "The file is halved in two ways."
    yield ""
    for split in found.splits:
        halves = [found.requests.opened[rows] for rows in (split.first, split.second)]
        first, second = (f"{min(times)[:10]} to {max(times)[:10]}" for times in halves)
        new = int(_new(found.requests, split).sum())
        yield (
            f"- By {split.name}: {len(split.first):,} requests of {first} are judged on "
            f"{len(split.second):,} of {second}; {_share(new, len(split.second))} of these are of a "
            "category that the first half lacks."
        )
    yield ""
    yield "The file has one kind of request after the other, hence the difference."
    yield "From each first half come four duty tables."
    yield ""
    yield (
        "- *Categories*: the agency that handled most requests of a category has the handler's duty for it "
        f"in the city; where another one handled most of at least {LEAST} in a ward, and then in a block "
        "group, it has the duty there."
    )
    yield (
        "- *Categories and territories*: also duties without a class, derived in the same way from all "
        "requests of the city, a ward, a block group."
    )
    yield (
        "- *Lines and territories*: the same duties, but the agencies have those for the categories as "
        "supervisors; the default order asks the territory before such a line authority (先属地后属主)."
    )
    yield (
        "- *Lines asked first*: the same, and under `[responsibility]` the profile says "
        '`event = ["duty", "authority", "territory"]`.'
    )
    yield ""
    yield f"The limit of {LEAST} requests and the levels were fixed before anything was judged."
    yield (
        "The tables are CSV files, imported by `City.import_parties` and `City.import_duties`; every row "
        "was taken."
    )
    yield ""
    levels = tuple(LEVELS.values())
    kinds = " | ".join(f"{kind}: {at}" for kind in ("category", "territory") for at in levels)
    yield f"| halved by | duties | {kinds} |"
    yield f"|---|---|{'---:|' * 2 * len(levels)}"
    for split in found.splits:
        for judged in split.judged:
            counts = (judged.duties.get((kind, at), 0) for kind in ("category", "territory") for at in levels)
            yield f"| {split.name} | {judged.name} | {' | '.join(map(str, counts))} |"


def _shares(found: Measured) -> Iterator[str]:
    yield "`City.locate_many` was asked about each request of the second half, with its category."
    yield (
        "*Nobody* is an explicit none; any other answer that is not the agency that handled the request is "
        "*wrong*."
    )
    yield "The last lines of each half are simpler rules."
    yield ""
    yield (
        "| halved by | answered by | right | wrong | nobody | right, voided and duplicates left out | steps |"
    )
    yield "|---|---|---:|---:|---:|---:|---|"
    for split in found.splits:
        kept = ~_void(found.requests)[split.second]
        for judged in (*split.judged, *split.baselines):
            right, nobody = judged.right, judged.answered == NOBODY
            counts = [int(rows.sum()) for rows in (right, ~right & ~nobody, nobody)]
            shares = " | ".join(_share(n, len(right)) for n in counts)
            steps = ", ".join(
                f"`{step}` {n:,}" for step, n in Counter(filter(None, judged.steps)).most_common()
            )
            without = _percent(int((right & kept).sum()), int(kept.sum()))
            yield f"| {split.name} | {judged.name} | {shares} | {without} | {steps} |"


def _matrices(split: Split) -> Iterator[str]:
    for judged in split.judged:
        yield from ("", f"By {split.name}, {judged.name}:")
        twin = _twin(split, judged)
        if twin is not None:
            yield f"each answer is the same as with {twin.name}."
            continue
        names = [name for name, _ in Counter(judged.handled).most_common()]
        answers = [name for name in (*names, NOBODY) if (judged.answered == name).any()]
        yield ""
        yield f"| handled by | answered: {' | '.join(answers)} | right |"
        yield f"|---|{'---:|' * len(answers)}---:|"
        for name in names:
            of = judged.answered[judged.handled == name]
            counts = [int((of == answer).sum()) for answer in answers]
            right = _percent(int((of == name).sum()), len(of))
            yield f"| {name} | {' | '.join(f'{n:,}' for n in counts)} | {right} |"


def _reasons(found: Measured) -> Iterator[str]:
    yield "| halved by | duties | not right | categories | why |"
    yield "|---|---|---:|---:|---|"
    for split in found.splits:
        for judged in split.judged:
            why, categories = _why(found.requests, split, judged), found.requests.category[split.second]
            for reason, n in Counter(why[~judged.right]).most_common():
                of = len(set(categories[(why == reason) & ~judged.right]))
                yield f"| {split.name} | {judged.name} | {n:,} | {of} | {reason} |"
    yield ""
    yield (
        f"The {_SHOWN} categories with most of them, of each table that gives other answers than those "
        "before it:"
    )
    for split in found.splits:
        for judged in split.judged:
            if not judged.right.all() and _twin(split, judged) is None:
                yield from _worst(found.requests, split, judged)


def _twin(split: Split, judged: Judged) -> Judged | None:
    """Return the first duty table that gives the same answers; None where it is this one."""
    first = next(other for other in split.judged if (other.answered == judged.answered).all())
    return None if first is judged else first


def _why(requests: Requests, split: Split, judged: Judged) -> Texts:
    """Return why each answer about the second half would be wrong, where it is."""
    first = Counter(zip(requests.category[split.first], requests.agency[split.first], strict=True))
    most: dict[str, str] = {}
    for (category, agency), _ in first.most_common():
        most.setdefault(category, agency)
    columns = (requests.category[split.second], judged.handled, judged.steps)
    why = [
        _NEW if category not in most else _MOVED if most[category] != agency else _KNOWN.format(step=step)
        for category, agency, step in zip(*columns, strict=True)
    ]
    return np.array(why, dtype=object)


def _worst(requests: Requests, split: Split, judged: Judged) -> Iterator[str]:
    categories = requests.category[split.second]
    wrong = Counter(categories[~judged.right])
    before = Counter(requests.category[split.first])
    yield from ("", f"By {split.name}, {judged.name}:", "")
    yield "| category | handled by | asked | right | another agency | nobody | in the first half |"
    yield "|---|---|---:|---:|---|---:|---:|"
    for category, _ in sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0]))[:_SHOWN]:
        of = categories == category
        answers = Counter(judged.answered[of & ~judged.right])
        nobody = answers.pop(NOBODY, 0)
        others = ", ".join(f"{agency} {n:,}" for agency, n in answers.most_common())
        handled = ", ".join(sorted(set(judged.handled[of])))
        counts = f"{int(of.sum()):,} | {int((of & judged.right).sum()):,} | {others} | {nobody:,}"
        yield f"| {category} | {handled} | {counts} | {before[category]:,} |"
    if len(wrong) > _SHOWN:
        yield f"| and {len(wrong) - _SHOWN} more | | | | | | |"


def _limits(found: Measured) -> Iterator[str]:
    yield from ("", "### What this shows, and what it does not", "")
    r = found.requests
    several = sum(len(agencies) > 1 for agencies in _agencies(r).values())
    every = [judged for split in found.splits for judged in split.judged]
    fine = sum(judged.duties.get(("category", at), 0) for judged in every for at in ("ward", "block group"))
    by_file, by_time = (
        {judged.name: judged for judged in (*split.judged, *split.baselines)} for split in found.splits
    )
    *_, largest, nearest, area = by_time.values()
    filled = by_file["categories and territories"]
    guesses = " or ".join(sorted(set(filled.answered[filled.steps == "territory"])))
    yield (
        f"- The measure is an easy one. {several} categories have requests of more than one agency, and "
        f"{fine} duties for a category came to stand at a ward or block group: the category alone tells the "
        "agency, and a list of categories would do as well."
    )
    yield (
        f"- So the {_right(by_time['categories'])} by time of opening say that nothing is lost between a CSV "
        "file and an answer, in import, classes, location and chain. They say nothing about how hard cases "
        "are decided."
    )
    yield (
        f"- A category that no duty names is nobody's: by order of the file {_right(by_file['categories'])} "
        f"are right. Territories answer the rest with {guesses}, a guess that brings it to "
        f"{_right(filled)}."
    )
    yield (
        "- The order of the steps weighs more than the area. With the agencies as line authorities "
        f"{_right(by_time['lines and territories'])} are right in the default order, which asks the "
        f"territory first, and {_right(by_time['lines asked first'])} where the profile asks the line "
        "first. Washington works by lines; the default is what one Chinese city wrote."
    )
    yield (
        f"- The area alone gives {_right(area)}, the nearest cell centre {_right(nearest)}, the largest "
        f"agency {_right(largest)}: each agency works in the whole city, on its own matters."
    )
    days = (date.fromisoformat(max(r.opened)[:10]) - date.fromisoformat(min(r.opened)[:10])).days
    yield (
        "- Polygons, conditions and duties that end are not measured, and of components only the lights: no "
        f"request names one, and all were opened within {days} days."
    )
    yield (
        "- Neither is the handing on of cases: the file has one agency a request, and does not say whether "
        "another one had it before."
    )


def _right(judged: Judged) -> str:
    return _percent(int(judged.right.sum()), len(judged.right))


def _void(requests: Requests) -> Mask:
    return np.array([state.startswith(("VOIDED", "DUPLICATE")) for state in requests.state], dtype=bool)


def _new(requests: Requests, split: Split) -> Mask:
    """Return which requests of the second half are of a category that the first half lacks."""
    had = set(requests.category[split.first])
    return np.array([category not in had for category in requests.category[split.second]], dtype=bool)


def _agencies(requests: Requests) -> dict[str, set[str]]:
    """Return the agencies that handled requests of each category."""
    found: dict[str, set[str]] = {}
    for category, agency in zip(requests.category, requests.agency, strict=True):
        found.setdefault(category, set()).add(agency)
    return found


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({_percent(part, whole)})" if part else "0"


def _percent(part: int, whole: int) -> str:
    """Return a share in per cent; only all is 100, and only nothing 0."""
    if part in (0, whole):
        return "100 %" if part else "0 %"
    return f"{min(max(100 * part / whole, 0.1), 99.9):.1f} %"


if __name__ == "__main__":
    made = page(Path(sys.argv[1]))
    if "--check" in sys.argv[2:]:
        stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made
        print(f"docs/{PAGE.name} is stale" if stale else f"docs/{PAGE.name} is up to date")
        sys.exit(stale)
    PAGE.write_text(made, encoding="utf-8", newline="\n")
