"""The tab with the articles: a table of them, one to be read, and adding and deleting for those who may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rag.errors import IsnadError
from ui.access import Access
from ui.backend import Backend
from ui.library import View, table_html
from ui.reader import Place, article_html
from ui.render import in_language, inline
from ui.texts import text

if TYPE_CHECKING:
    from ingest.index import Ingested

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
# Which button of the table was pressed is its own to say.
_TABLE_JS = """
element.addEventListener('click', (event) => {
  const { sort, page, article } = event.target.closest('button')?.dataset ?? {};
  if (sort) trigger('sort', { column: sort });
  else if (page) trigger('turn', { page: Number(page) });
  else if (article) trigger('pick', { article });
});
"""
_HINT = '<p class="isnad-hint" data-text="library_hint"></p>'
_SHOWN_RESULTS = 200


@dataclass(frozen=True, slots=True)
class LibraryTab:
    """What the page does with the tab: has it filled when somebody comes, and is told when it changed something."""

    on_arrival: Callable[[Any], None]
    on_change: Callable[[Callable[..., Any]], None]
    changed: Callable[..., Any]


def library_tab(backend: Backend, access: Access, interface: gr.Textbox, t: gr.I18n) -> LibraryTab:
    """The tab's components and their events, in the page that is being built."""
    changes = gr.Number(0, visible=False)
    chosen = gr.State("")
    with gr.Row(elem_id="isnad-library", equal_height=False):
        with gr.Column(scale=3, min_width=280):
            adding, form = _adding_fields(t)
            results = gr.HTML("", elem_id="isnad-added", padding=False)
            search = gr.Textbox(
                label=t("library_search"), placeholder=t("library_search"), show_label=False, container=False,
                elem_id="isnad-search", max_length=200,
            )  # fmt: skip
            table = gr.HTML("", elem_id="isnad-articles", padding=False, js_on_load=_TABLE_JS)
        with gr.Column(scale=2, min_width=280, elem_id="isnad-article"):
            delete = gr.Button(t("delete"), visible=False, size="sm", variant="secondary", elem_id="isnad-delete")
            with gr.Group(visible=False, elem_id="isnad-confirm") as confirm:
                asked = gr.HTML("")
                with gr.Row():
                    yes = gr.Button(t("delete_yes"), variant="stop", size="sm", elem_id="isnad-delete-yes")
                    no = gr.Button(t("delete_no"), size="sm", elem_id="isnad-delete-no")
            reading = gr.HTML(_HINT, elem_id="isnad-reading", padding=False)
    _read_events(backend, access, interface, table, reading, delete, confirm, chosen)
    _delete_events(backend, access, interface, (delete, confirm, asked, yes, no), chosen, (reading, results, changes))
    _add_events(backend, access, interface, form, results, changes)

    fill, seen = _table_events(backend, interface, search, table, chosen, changes)

    def allow(request: gr.Request) -> gr.Accordion:
        return gr.Accordion(visible=access.may_edit(request))

    def on_arrival(arrived: Any) -> None:
        arrived.then(allow, None, [adding], **_QUIET)
        arrived.then(fill, seen, [table], **_QUIET)

    def on_change(changed: Callable[..., Any]) -> None:
        changed(fill, seen, [table], **_QUIET)

    return LibraryTab(on_arrival, on_change, changes.change)


def _table_events(
    backend: Backend,
    interface: gr.Textbox,
    search: gr.Textbox,
    table: gr.HTML,
    chosen: gr.State,
    changes: gr.Number,
) -> tuple[Callable[..., str], list[Any]]:
    """What fills the table, and with which values, for the page's own events."""

    def fill(view: View, spoken: str, article_id: str) -> str:
        return _table(backend, view, spoken, article_id)

    def find(words: str, spoken: str, article_id: str) -> tuple[View, str]:
        view = View(words)
        return view, _table(backend, view, spoken, article_id)

    def sort(data: gr.EventData, view: View, spoken: str, article_id: str) -> tuple[View, str]:
        view = view.by(str(data.column))
        return view, _table(backend, view, spoken, article_id)

    def turn(data: gr.EventData, view: View, spoken: str, article_id: str) -> tuple[View, str]:
        view = replace(view, page=int(data.page))
        return view, _table(backend, view, spoken, article_id)

    shown = gr.State(View())
    seen = [shown, interface, chosen]
    gr.on([changes.change, chosen.change], fill, seen, [table], **_QUIET)
    search.change(find, [search, interface, chosen], [shown, table], trigger_mode="always_last", **_QUIET)
    table.sort(sort, seen, [shown, table], **_QUIET)
    table.turn(turn, seen, [shown, table], **_QUIET)
    return fill, seen


def _adding_fields(t: gr.I18n) -> tuple[gr.Accordion, tuple[Any, ...]]:
    with gr.Accordion(t("add_title"), open=False, visible=False, elem_id="isnad-add") as adding:
        files = gr.File(label=t("add_files"), file_count="multiple", elem_id="isnad-upload", height=140)
        with gr.Row(elem_id="isnad-add-address"):
            address = gr.Textbox(label=t("add_address"), max_length=2000, scale=4)
            fetch = gr.Button(t("add_address_button"), scale=1, elem_id="isnad-fetch")
        title = gr.Textbox(label=t("add_text_title"), max_length=500, elem_id="isnad-paste-title")
        pasted = gr.Textbox(label=t("add_text"), lines=4, max_lines=12, elem_id="isnad-paste")
        paste = gr.Button(t("add_text_button"), elem_id="isnad-paste-add")
    return adding, (files, address, fetch, title, pasted, paste)


def _table(backend: Backend, view: View, spoken: str, chosen: str) -> str:
    try:
        found = backend.isnad().articles() if backend.ready else []
    except IsnadError:
        found = []
    return table_html(found, view, spoken, chosen=chosen)


def _read_events(
    backend: Backend,
    access: Access,
    interface: gr.Textbox,
    table: gr.HTML,
    reading: gr.HTML,
    delete: gr.Button,
    confirm: gr.Group,
    chosen: gr.State,
) -> None:
    def read(data: gr.EventData, spoken: str, request: gr.Request) -> tuple[Any, ...]:
        try:
            article = backend.isnad().article(str(data.article))
        except IsnadError:
            return _said("reader_gone", spoken), gr.Button(visible=False), gr.Group(visible=False), ""
        allowed = access.may_edit(request)
        shown = article_html(article, Place(article.id), spoken)
        return shown, gr.Button(visible=allowed), gr.Group(visible=False), article.id

    table.pick(read, [interface], [reading, delete, confirm, chosen], **_QUIET)


def _delete_events(
    backend: Backend,
    access: Access,
    interface: gr.Textbox,
    buttons: tuple[Any, ...],
    chosen: gr.State,
    told: tuple[Any, ...],
) -> None:
    delete, confirm, asked, yes, no = buttons
    reading, results, changes = told

    def ask(article_id: str, spoken: str) -> tuple[Any, ...]:
        try:
            title = backend.isnad().article(article_id).title or article_id
        except IsnadError:
            return gr.Group(visible=False), _said("reader_gone", spoken)
        return gr.Group(visible=True), _said("delete_confirm", spoken, title=title)

    def remove(article_id: str, spoken: str, count: int, request: gr.Request) -> tuple[Any, ...]:
        hidden = gr.Group(visible=False), gr.Button(visible=False)
        if not access.may_edit(request):
            return *hidden, gr.skip(), _said("not_allowed", spoken), count
        try:
            title = backend.isnad().article(article_id).title or article_id
            backend.isnad().delete([article_id])
        except IsnadError:
            return *hidden, "", _said("error_store", spoken), count + 1
        return *hidden, "", _said("deleted", spoken, title=title), count + 1

    delete.click(ask, [chosen, interface], [confirm, asked], **_QUIET)
    no.click(lambda: gr.Group(visible=False), None, [confirm], **_QUIET)
    yes.click(remove, [chosen, interface, changes], [confirm, delete, reading, results, changes], **_QUIET)


def _add_events(
    backend: Backend,
    access: Access,
    interface: gr.Textbox,
    form: tuple[Any, ...],
    results: gr.HTML,
    changes: gr.Number,
) -> None:
    files, address, fetch, title, pasted, paste = form

    def upload(paths: list[str] | None, spoken: str, count: int, request: gr.Request) -> Iterator[Any]:
        given = [(Path(path), Path(path).name) for path in paths or []]
        if not given:
            return
        allowed = access.may_edit(request)
        for shown, number in _adding(lambda: backend.isnad().add_files(given), spoken, count, allowed):
            yield shown, number, gr.skip()
        yield gr.skip(), gr.skip(), None

    def add_text(words: str, named: str, spoken: str, count: int, request: gr.Request) -> Iterator[Any]:
        if not words.strip():
            yield _said("add_nothing", spoken), count, gr.skip(), gr.skip()
            return
        allowed = access.may_edit(request)
        added = _adding(lambda: iter([backend.isnad().add_text(words, title=named)]), spoken, count, allowed)
        for shown, number in added:
            yield shown, number, "", ""

    def add_address(where: str, spoken: str, count: int, request: gr.Request) -> Iterator[Any]:
        if not where.strip().lower().startswith(("http://", "https://")):
            yield _said("add_nothing", spoken), count, gr.skip()
            return
        allowed = access.may_edit(request)
        for shown, number in _adding(lambda: backend.isnad().add(where.strip()), spoken, count, allowed):
            yield shown, number, ""

    told = [results, changes]
    files.upload(upload, [files, interface, changes], [*told, files], **_QUIET)
    paste.click(add_text, [pasted, title, interface, changes], [*told, pasted, title], **_QUIET)
    gr.on([fetch.click, address.submit], add_address, [address, interface, changes], [*told, address], **_QUIET)


def _adding(
    outcomes: Callable[[], Iterator[Ingested]], spoken: str, count: int, allowed: bool
) -> Iterator[tuple[str, int]]:
    """The results so far, a line each, and the number of changes, which grows when all are there."""
    if not allowed:
        yield _said("not_allowed", spoken), count
        return
    lines: list[str] = []
    counts: dict[str, int] = {}
    yield _results(lines, counts, spoken, done=False), count
    try:
        for result in outcomes():
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
            lines.append(_result(result, spoken))
            yield _results(lines, counts, spoken, done=False), count
    except IsnadError as error:
        lines.append(f'<li dir="auto"><bdi>{inline(str(error))}</bdi></li>')
    yield _results(lines, counts, spoken, done=True), count + 1


def _result(result: Ingested, spoken: str) -> str:
    words = inline(text(f"outcome_{result.outcome}", spoken))
    reason = f' <span dir="auto">({inline(result.reason)})</span>' if result.reason else ""
    return f"<li><bdi>{inline(result.title or result.source)}</bdi>: <span>{words}</span>{reason}</li>"


def _results(lines: list[str], counts: dict[str, int], spoken: str, *, done: bool) -> str:
    summary = ", ".join(f"{text(f'outcome_{outcome}', spoken)}: {count}" for outcome, count in counts.items())
    key, values = ("add_done", {"summary": summary}) if done else ("adding", {"done": summary})
    shown = "".join(lines[-_SHOWN_RESULTS:])
    return f'{_said(key, spoken, **values)}<ul class="isnad-results"{in_language(spoken)}>{shown}</ul>'


def _said(key: str, spoken: str, /, **values: object) -> str:
    return f'<p role="status"{in_language(spoken)}>{inline(text(key, spoken, **values))}</p>'
