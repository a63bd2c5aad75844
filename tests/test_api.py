"""The endpoints as programs call them: named, typed, and with one shape for every error."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import orjson
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from rag.answer_json import answer_schema
from rag.build import Model
from tests.documented import blocks
from tests.served import Served, serving

# Gradio leaves the sockets of event loops to the garbage collector, and asks pandas for an option that is going.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'"),
]

NAMES = ["ask", "ask_stream", "search", "articles", "article", "add_article", "delete_article", "feedback", "status"]
ARTICLES = ("tehran-summit-warning.ar.md", "wentian-launch.zh.md", "lhc-run3.ru.md")
WARNED = "What did Khamenei warn Erdogan about?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server over an Arabic, a Chinese and a Russian article."""
    with serving(tmp_path_factory.mktemp("served"), model, ARTICLES) as served:
        yield served


@pytest.fixture(scope="module")
def client(server: Served) -> Client:
    return Client(server.url, verbose=False, analytics_enabled=False)


def failure(client: Client, endpoint: str, **arguments: object) -> dict[str, str]:
    """What the error of a call says."""
    with pytest.raises(AppError) as raised:
        client.predict(**arguments, api_name=endpoint)
    body = json.loads(raised.value.message)
    assert list(body) == ["error"]
    assert sorted(body["error"]) == ["hint", "message", "type"]
    return body["error"]


def test_the_public_list_has_these_endpoints_and_nothing_else(client: Client) -> None:
    """What the page calls itself is not in the list that is a promise."""
    told = client.view_api(return_format="dict", print_info=False)
    assert sorted(told["named_endpoints"]) == sorted(f"/{name}" for name in NAMES)
    assert not told["unnamed_endpoints"]


def test_every_parameter_and_result_has_a_type(client: Client) -> None:
    """Nothing in the list is just anything."""
    for name, told in client.view_api(return_format="dict", print_info=False)["named_endpoints"].items():
        assert told["returns"], name
        for each in (*told["parameters"], *told["returns"]):
            assert each["python_type"]["type"] not in ("Any", ""), (name, each)
            assert "Any" not in each["python_type"]["type"], (name, each)


def test_the_description_of_the_api_names_the_types_of_an_answer(server: Served) -> None:
    """The server's own description has the fields of an answer and the values that a status can have."""
    told = httpx.get(f"{server.url}/gradio_api/info").json()["named_endpoints"]["/ask"]
    assert told["returns"][0]["type"]["properties"]["status"]["enum"] == ["answered", "not_found"]
    assert [each["parameter_name"] for each in told["parameters"]] == [
        "question", "conversation", "filters", "mode", "top_k", "min_confidence"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "language", "source"),
    [
        ("ممّ حذّر خامنئي أردوغان؟", "ar", "ar"),
        (WARNED, "en", "ar"),
        ("问天实验舱是什么时候发射的？", "zh", "zh"),
    ],
)
def test_an_answer_is_what_the_schema_says(client: Client, question: str, language: str, source: str) -> None:
    """In whichever language, what comes back validates, and cites an article."""
    answer = client.predict(question, api_name="/ask")
    jsonschema.validate(answer, answer_schema())
    assert (answer["status"], answer["language"]) == ("answered", language)
    assert answer["citations"][0]["language"] == source


def test_a_refusal_cites_nothing(client: Client) -> None:
    """A question that the articles do not answer has an answer of its own kind, and is no error."""
    answer = client.predict("Who won the chess championship of Iceland?", api_name="/ask")
    jsonschema.validate(answer, answer_schema())
    assert (answer["status"], answer["sentences"], answer["citations"]) == ("not_found", [], [])


def test_a_stream_ends_with_what_ask_gives(client: Client) -> None:
    """The last of the growing answers is the whole one."""
    *_, last = client.submit(WARNED, api_name="/ask_stream")
    whole = client.predict(WARNED, api_name="/ask")
    assert {**last, "timings_ms": {}} == {**whole, "timings_ms": {}}


def test_filters_and_the_conversation_are_heeded(client: Client) -> None:
    """A question that goes on with the last one is read so, and a filter leaves out the rest."""
    first = client.predict(WARNED, api_name="/ask")
    said = [{"role": "user", "content": WARNED}, {"role": "assistant", "content": first["answer"]}]
    again = client.predict("And when was that?", said, api_name="/ask")
    assert again["asked"] != "And when was that?"
    hits = client.predict(WARNED, {"languages": ["ru"]}, 3, api_name="/search")
    assert {hit["language"] for hit in hits} == {"ru"}


def test_hits_are_passages_of_their_articles(client: Client) -> None:
    """The offsets of a hit are those of its words in the article's text, and the best comes first."""
    hits = client.predict("شمال سوريا", None, 4, api_name="/search")
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    article = client.predict(hits[0]["article_id"], api_name="/article")
    assert article["text"][hits[0]["start"] : hits[0]["end"]] == hits[0]["passage"]


def test_articles_are_listed_in_parts(client: Client) -> None:
    """Two parts are the whole list, and no entry says where on the server it was read from."""
    whole = client.predict(api_name="/articles")
    parts = [client.predict(None, offset, 2, api_name="/articles") for offset in (0, 2)]
    assert [each for part in parts for each in part["articles"]] == whole["articles"]
    assert whole["total"] == len(whole["articles"]) == len(ARTICLES)
    assert "sample_articles" not in json.dumps(whole)


@pytest.mark.parametrize(
    ("text", "question", "language"),
    [
        ("افتتح المتحف البحري في مدينة صور أبوابه يوم الأحد.", "متى افتتح المتحف البحري؟", "ar"),
        ("新图书馆星期三在南京开放。", "新图书馆在哪里开放？", "zh"),
    ],
)
def test_an_article_is_added_asked_and_deleted(client: Client, text: str, question: str, language: str) -> None:
    """What was added a moment ago answers, and no longer when it is deleted."""
    (added,) = client.predict(text, title="A", publisher="P", published="2022-07-19", api_name="/add_article")
    assert (added["outcome"], added["reason"]) == ("added", "")
    try:
        article = client.predict(added["article_id"], api_name="/article")
        assert (article["text"], article["language"], article["published"]) == (text, language, "2022-07-19")
        cited = client.predict(question, api_name="/ask")["citations"]
        assert added["article_id"] in [each["article_id"] for each in cited]
    finally:
        gone = client.predict(added["article_id"], api_name="/delete_article")
    assert gone == {"article_id": added["article_id"], "deleted": True}
    assert not client.predict(added["article_id"], api_name="/delete_article")["deleted"]
    assert failure(client, "/article", article_id=added["article_id"])["type"] == "usage"


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "../x", "ftp://example.org/a", "tests"])
def test_no_file_of_the_server_is_added(client: Client, url: str) -> None:
    """An address is one of the web; a path is refused before anything is read."""
    assert "http://" in failure(client, "/add_article", url=url)["message"]


def test_an_address_inside_the_servers_own_network_is_not_fetched(client: Client, server: Served) -> None:
    """The server cannot be used to read what only it can reach."""
    (result,) = client.predict(url=f"{server.url}/gradio_api/info", api_name="/add_article")
    assert result["outcome"] == "failed"
    assert result["reason"]


@pytest.mark.parametrize(
    ("endpoint", "arguments", "kind"),
    [
        ("/ask", {"question": ""}, "question"),
        ("/ask", {"question": "س" * 2001}, "question"),
        ("/ask", {"question": "a", "filters": {"colour": "red"}}, "usage"),
        ("/ask", {"question": "a", "top_k": -1}, "usage"),
        ("/ask", {"question": "a", "filters": {"languages": ["sw"]}}, "usage"),
        ("/ask_stream", {"question": "a", "mode": "poem"}, "usage"),
        ("/search", {"query": "什么", "k": 0}, "usage"),
        ("/articles", {"offset": -5}, "usage"),
        ("/add_article", {}, "usage"),
        ("/add_article", {"text": "a", "published": "soon"}, "usage"),
        ("/feedback", {"rating": "sideways", "answer": {}}, "usage"),
    ],
)
def test_an_error_says_what_to_do_in_one_shape(
    client: Client, endpoint: str, arguments: dict[str, Any], kind: str
) -> None:
    """A program reads the type, a person the message and the hint."""
    error = failure(client, endpoint, **arguments)
    assert error["type"] == kind
    assert error["message"]
    assert error["hint"]


def test_feedback_is_kept_as_the_evaluation_reads_it(client: Client, server: Served) -> None:
    """A rating is a line with the whole answer and the messages before it, and nothing secret."""
    answer = client.predict("ممّ حذّر خامنئي أردوغان؟", api_name="/ask")
    said = [{"role": "user", "content": "مرحبا"}, {"role": "assistant", "content": "أهلا"}]
    told = client.predict("up", answer, "دقيق", said, api_name="/feedback")
    assert told == {"stored": True}
    settings = server.backend.settings
    record = orjson.loads((settings.data_dir / "feedback.jsonl").read_bytes().splitlines()[-1])
    assert {**record, "at": "", "settings": {}} == {
        "version": 1, "at": "", "rating": "up", "comment": "دقيق", "answer": answer, "conversation": said,
        "settings": {},
    }  # fmt: skip
    assert not {"auth", "api_keys", "llm_api_key", "data_dir"} & set(record["settings"])


def test_the_status_tells_what_there_is(client: Client) -> None:
    """How many articles in which languages, and that it is ready."""
    told = client.predict(api_name="/status")
    assert (told["ready"], told["articles"], told["read_only"]) == (True, len(ARTICLES), False)
    assert told["languages"] == {"ar": 1, "zh": 1, "ru": 1}


def test_who_reads_only_cannot_change_the_collection(tmp_path: Path, model: Model) -> None:
    """A reader's key asks and lists, and may neither add nor delete, by whichever way."""
    keys = "a-key-for-the-reader:reader,a-key-for-the-editor:editor"
    with serving(tmp_path, model, ARTICLES[:1], api_keys=keys) as served:
        reader, editor = (
            Client(
                served.url, verbose=False, analytics_enabled=False,
                headers={"Authorization": f"Bearer a-key-for-the-{role}"},
            )
            for role in ("reader", "editor")
        )  # fmt: skip
        (article,) = reader.predict(api_name="/articles")["articles"]
        assert reader.predict(api_name="/status")["read_only"]
        assert not editor.predict(api_name="/status")["read_only"]
        assert failure(reader, "/delete_article", article_id=article["id"])["type"] == "forbidden"
        assert failure(reader, "/add_article", text="Something new.")["type"] == "forbidden"
        assert reader.predict(WARNED, api_name="/ask")["status"] == "answered"
        assert editor.predict(article["id"], api_name="/delete_article")["deleted"]


# What is sent in place of each argument, and of the last one.
ODD: list[Any] = [
    None, True, -1, 10**400, 1e308, "", "\ud800", "\x00", "س" * 3000, [], {}, [None], {"a": 1}, [{"role": 5}],
    {"languages": [1]}, {"since": 5}, [{"role": "user", "content": [{"type": "image"}, None, 3]}],
]  # fmt: skip
HUGE = "x" * 900_000
DEEP = "[" * 300 + "]" * 300
DEEPEST = "[" * 100_000 + "]" * 100_000


def arguments(name: str, server: Served) -> list[str]:
    told = httpx.get(f"{server.url}/gradio_api/info").json()["named_endpoints"][f"/{name}"]["parameters"]
    return [each["parameter_name"] for each in told]


def outcome(server: Served, name: str, body: bytes) -> tuple[int, str]:
    """The status of a call in two steps, and what its second step ended with."""
    url = f"{server.url}/gradio_api/call/v2/{name}"
    begun = httpx.post(url, content=body, headers={"Content-Type": "application/json"}, timeout=60)
    if begun.status_code != 200:
        assert sorted(begun.json()["error"]) == ["hint", "message", "type"], begun.text
        return begun.status_code, ""
    ended = httpx.get(f"{url}/{begun.json()['event_id']}", timeout=60)
    assert ended.status_code == 200
    return 200, ended.text


def body_of(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_gets_an_answer_or_an_error_and_the_next_question_is_answered(
    server: Served, client: Client, name: str
) -> None:
    """Whatever stands in place of an argument: no 500, no traceback, no path, and the server goes on."""
    names = arguments(name, server)
    step = max(1, min(3, len(names)))  # each value stands in the place of some of the arguments
    good = {"question": "When?", "query": "When?", "article_id": "none", "rating": "up", "answer": {}}
    bodies = [
        body_of({each: good[each] for each in names if each in good} | {argument: odd})
        for number, argument in enumerate(names)
        for odd in ODD[number % step :: step] + ODD[:2]
    ]
    bodies += [body_of({each: good[each] for each in names if each in good} | {each: HUGE for each in names[-1:]})]
    bodies += [b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"data": 5}', b'{"nobody": 1}', DEEPEST.encode()]
    bodies += [b'{"%s": %s}' % (argument.encode(), DEEP.encode()) for argument in names]
    results: list[tuple[int, str]] = []
    lock = threading.Lock()

    def work(share: list[bytes]) -> None:
        for body in share:
            result = outcome(server, name, body)
            with lock:
                results.append(result)

    threads = [threading.Thread(target=work, args=(bodies[place::6],)) for place in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(results) == len(bodies), "a call hung, or was answered with another shape"
    for status, text in results:
        assert status < 500, text
        assert "Traceback" not in text
        assert "site-packages" not in text
        if "event: error" in text:
            told = json.loads(text.split("data: ", 1)[1])["error"]
            assert sorted(json.loads(told)["error"]) == ["hint", "message", "type"], text
    assert client.predict(WARNED, api_name="/ask")["status"] == "answered"


@pytest.mark.parametrize("content", ["سؤال", "问题", ""])
def test_a_conversation_of_ten_thousand_messages_is_read_from_its_end(client: Client, content: str) -> None:
    """The question is answered, and in good time."""
    said = [{"role": "user" if place % 2 == 0 else "assistant", "content": content} for place in range(10_000)]
    assert client.predict(WARNED, said, api_name="/ask")["status"] == "answered"


@pytest.mark.parametrize("number", range(4))
def test_the_python_examples_in_the_documentation_run(server: Served, number: int) -> None:
    """As they stand, but for the address."""
    examples = [code for code in blocks("python", url=server.url) if "from mcp" not in code]
    assert len(examples) == 4
    exec(compile(examples[number], "docs/api.md", "exec"), {"__name__": "example"})


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl found; install it to run the example of docs/api.md")
def test_the_example_for_curl_runs(server: Served) -> None:
    """It ends with the answer as an event."""
    (code,) = blocks("bash", url=server.url)
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "event: complete" in done.stdout
    answer = json.loads(done.stdout.split("data: ", 1)[1])[0]
    assert answer["status"] == "answered"
