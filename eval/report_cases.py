"""The failure browser of the report: the worst answers with question, passages, quotes, reference and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from eval.failures import Failure, Kind, holds
from eval.types import Case, Found
from rag.language import direction

# Failures that a report shows; results.jsonl has them all.
MOST = 200
_PASSAGES = 5


def browser(found: Sequence[Failure], shown: Sequence[Failure]) -> str:
    """HTML: how many failures there are of each kind, the filters, and those that are shown."""
    if not found:
        return "<p>No answer failed.</p>"
    counts = {kind: sum(each.kind is kind for each in found) for kind in Kind}
    words = ", ".join(f"{count} {escape(kind)}" for kind, count in counts.items() if count)
    some = "" if len(shown) == len(found) else f" The {len(shown)} worst are shown; results.jsonl has all."
    return f"<p>{words}.{some}</p>{_filters(shown)}<div>{''.join(map(_case, shown))}</div>"


def _filters(shown: Sequence[Failure]) -> str:
    cases = [each.outcome.case for each in shown]
    choices = {
        "kind": ("Kind", [(_slug(kind), str(kind)) for kind in Kind if any(each.kind is kind for each in shown)]),
        "language": ("Question in", [(each, each) for each in sorted({case.language for case in cases})]),
        "article": ("Article in", [(each, each) for each in sorted({e for case in cases for e in case.languages})]),
        "tag": ("Tag", [(each, each) for each in sorted({tag for case in cases for tag in case.tags})]),
    }
    parts = [_select(name, label, options) for name, (label, options) in choices.items() if len(options) > 1]
    text = '<label>Text<input type="search" name="text" autocomplete="off"></label>'
    return f'<form class="filters" hidden>{"".join(parts)}{text}<output aria-live="polite"></output></form>'


def _select(name: str, label: str, options: Iterable[tuple[str, str]]) -> str:
    listed = "".join(f'<option value="{escape(value)}">{escape(words)}</option>' for value, words in options)
    return f'<label>{label}<select name="{name}"><option value="">all</option>{listed}</select></label>'


def _slug(words: str) -> str:
    return words.replace(" ", "-")


def _case(failure: Failure) -> str:
    outcome, case = failure.outcome, failure.outcome.case
    data = {
        "kind": _slug(failure.kind),
        "language": case.language,
        "article": " ".join(case.languages),
        "tag": " ".join(case.tags),
    }
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    pair = "→".join([case.language or "?", *([",".join(case.languages)] if case.languages else [])])
    inside = [
        f'<p class="why">{escape(failure.why)}</p>',
        f'<p class="id">{escape(case.id)} {"".join(f"<span class=tag>{escape(tag)}</span>" for tag in case.tags)}</p>',
        _conversation(case),
        _answer(outcome.answer, case),
        _reference(case),
        _passages(outcome.found, case),
    ]
    return (
        f'<details class="case"{attributes}><summary><span class="what">{escape(failure.kind)}</span>'
        f'<span class="pair">{escape(pair)}</span>{text(case.question, case.language, "span")}</summary>'
        f'<div class="inside">{"".join(inside)}</div></details>'
    )


def text(words: str, language: str, element: str, *, marked: Sequence[tuple[int, int]] = (), inner: str = "") -> str:
    """An element with a text in its own language and direction, escaped; ``marked`` spans of it stand out."""
    lang = f' lang="{escape(language)}"' if language else ""
    return f'<{element} class="text" dir="{direction(language)}"{lang}>{_marked(words, marked)}{inner}</{element}>'


def _marked(words: str, spans: Sequence[tuple[int, int]]) -> str:
    parts = []
    at = 0
    for start, end in sorted((max(0, start), min(len(words), end)) for start, end in spans):
        start = max(start, at)
        if start < end:
            parts.append(f"{escape(words[at:start])}<mark>{escape(words[start:end])}</mark>")
            at = end
    return "".join([*parts, escape(words[at:])])


def _conversation(case: Case) -> str:
    if not case.conversation:
        return ""
    said = "".join(text(message.content, case.language, "blockquote") for message in case.conversation)
    return f"<h4>Before</h4>{said}"


def _answer(answer: Mapping[str, Any] | None, case: Case) -> str:
    if answer is None:
        return ""
    confidence = f"{answer['status'].replace('_', ' ')}, confidence {answer['confidence']:.2f}"
    asked = ""
    if answer.get("asked") not in (None, "", case.question):
        asked = f"<h4>Understood as</h4>{text(answer['asked'], case.language, 'blockquote')}"
    if answer["mode"] == "extractive" and answer["citations"]:
        # The answer is its quotes: shown once, where they come from.
        shown = ""
    else:
        shown = text(answer["answer"], answer["language"], "blockquote")
    quotes = "".join(_citation(each) for each in answer["citations"])
    return f"{asked}<h4>Answer: {escape(confidence)}</h4>{shown}{quotes}"


def _citation(citation: Mapping[str, Any]) -> str:
    source = " · ".join(filter(None, (citation["title"], citation["publisher"], citation["article_id"])))
    line = f'<span class="source" dir="auto">[{citation["n"]}] {escape(source)}</span>'
    quotes = citation["quotes"]
    return "".join(
        text(quote["text"], citation["language"], "blockquote", inner=line if quote is quotes[-1] else "")
        for quote in quotes
    )


def _reference(case: Case) -> str:
    answers = "".join(text(answer, case.language, "blockquote") for answer in case.answers)
    language = case.languages[0] if len(case.languages) == 1 else ""
    quotes = "".join(
        text(
            each.text,
            language,
            "blockquote",
            inner=f'<span class="source">{escape(each.article_id)}, {each.start}–{each.end}</span>',
        )
        for each in case.references
    )
    if not answers and not quotes:
        return "<h4>Reference</h4><p class=why>The articles do not answer it.</p>"
    return f"<h4>Reference</h4>{answers}{quotes}"


def _passages(found: Sequence[Found], case: Case) -> str:
    if not found:
        return ""
    right = next((n for n, each in enumerate(found) if holds(each, case)), -1)
    shown = [*enumerate(found[:_PASSAGES])]
    if right >= _PASSAGES:
        shown.append((right, found[right]))
    items = "".join(_passage(number, passage, case) for number, passage in shown)
    return f'<h4>Passages found</h4><ol class="passages">{items}</ol>'


def _passage(number: int, passage: Found, case: Case) -> str:
    spans = [
        (each.start - passage.start, each.end - passage.start)
        for each in case.references
        if each.article_id == passage.article_id
    ]
    kind = ' class="right"' if holds(passage, case) else ""
    source = f'<span class="source">{escape(passage.article_id)}, {passage.language}, score {passage.score:.3f}</span>'
    return f'<li value="{number + 1}"{kind}>{text(passage.text, passage.language, "div", marked=spans)}{source}</li>'
