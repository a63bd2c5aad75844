"""Web pages into drafts: the article's text and nothing else, what the page states about it, and any broken page."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.draft import Draft, Source
from ingest.formats.html import load_html, load_mhtml
from rag.errors import ArticleError

# A title, four paragraphs, and what stands around them: menu, subscription, advertisement, comment, footer.
ARTICLES: dict[str, tuple[str, list[str], list[str]]] = {
    "ar": (
        "بلدية الميناء تعيد فتح السوق القديم",
        [
            "أعادت بلدية الميناء صباح الأحد فتح السوق القديم أمام التجار والزوار، بعد أعمال ترميم استمرت عامين كاملين.",
            "وقال رئيس البلدية سامر الحداد إن الكلفة بلغت أربعة ملايين دولار، دُفع نصفها من تبرعات المغتربين.",
            "ويضم السوق مئة وعشرين متجراً، أُغلق معظمها حين تصدعت الأقواس الحجرية في الشتاء الماضي.",
            "ويأمل التجار أن تعود الحركة قبل موسم الأعياد، فيما وعدت البلدية بتأجيل الإيجارات ثلاثة أشهر.",
        ],
        ["الرئيسية", "اشترك في نشرتنا", "إعلان: خصم على السجاد", "شكراً على الخبر الجميل", "جميع الحقوق محفوظة"],
    ),
    "fa": (
        "کتابخانه‌های روستایی دوباره باز می‌شوند",
        [
            "وزارت فرهنگ روز سه‌شنبه اعلام کرد که سی کتابخانه روستایی که بسته شده بودند، دوباره باز می‌شوند.",
            "به گفته سخنگوی وزارت، هر کتابخانه دست‌کم دو هزار جلد کتاب تازه می‌گیرد و یک کتابدار خواهد داشت.",
            "ساکنان روستاها می‌گویند که بچه‌ها پس از مدرسه جایی برای خواندن نداشتند و به شهر می‌رفتند.",
            "بودجه این طرح برای سه سال تضمین شده است، اما شوراهای محلی نگران هزینه‌های گرمایش هستند.",
        ],
        ["صفحه نخست", "در خبرنامه نام‌نویسی کنید", "آگهی: فروش ویژه فرش", "چه خبر خوبی", "همه حقوق محفوظ است"],
    ),
    "he": (
        "העירייה תסלול שביל אופניים לאורך החוף",
        [
            "מועצת העיר אישרה ביום שני תוכנית לסלילת שביל אופניים באורך שנים עשר קילומטרים לאורך קו החוף.",
            "לדברי המהנדסת הראשית, העבודות יתחילו בסתיו ויימשכו כשנה, ובמהלכן ייסגר נתיב אחד לתנועת מכוניות.",
            "תושבים ביקשו להשאיר את החניה ליד המזח, והעירייה הבטיחה להקים במקומה חניון תת־קרקעי קטן.",
            "עלות הפרויקט מוערכת בעשרים מיליון שקלים, ומחציתה תמומן בידי משרד התחבורה.",
        ],
        ["דף הבית", "הירשמו לעלון השבועי", "פרסומת: מבצע על שטיחים", "כל הכבוד, סוף סוף", "כל הזכויות שמורות"],
    ),
    "zh": (
        "山城缆车停运三年后恢复运行",
        [
            "连接老城与江北的缆车在停运三年之后,于星期六上午恢复运行,首日有近五千名市民排队乘坐。",
            "运营公司经理林晓梅说,工程师更换了全部钢索和制动装置,每节车厢最多可载二十四人。",
            "沿线居民表示,过去三年他们上班要绕行大桥,路上多花四十分钟,如今只需六分钟就能过江。",
            "市政府计划明年再建一条线路,把缆车延长到火车站,预算约为一亿八千万元。",
        ],
        ["网站首页", "订阅我们的每日简报", "广告:地毯大减价", "太好了,终于等到这一天", "版权所有,不得转载"],
    ),
    "ru": (
        "В Заречье открыли первый за сорок лет мост",
        [
            "В посёлке Заречье в четверг открыли мост через реку Тихую, первый за последние сорок лет.",
            "Раньше жители добирались до больницы на пароме, который не ходил во время ледохода, рассказала фельдшер.",
            "Строительство заняло два года и обошлось области в шестьсот миллионов рублей, сообщил глава района.",
            "Паром обещают сохранить как прогулочный, а к осени от моста до станции проложат автобусный маршрут.",
        ],
        [
            "Главная страница",
            "Подпишитесь на рассылку",
            "Реклама: скидки на ковры",
            "Ура, дождались",
            "Все права защищены",
        ],
    ),
}
# How sites put paragraphs into HTML.
LAYOUTS: dict[str, Callable[[str], str]] = {
    "paragraphs": lambda page: page,
    "line breaks": lambda page: re.sub(r"<p>(.*?)</p>", r"\1<br><br>", page),
    "divisions": lambda page: re.sub(r"<p>(.*?)</p>", r"<div>\1</div>", page),
    "a table": lambda page: page.replace("<main>", "<table><tr><td>").replace("</main>", "</td></tr></table>"),
    "no article": lambda page: page.replace("<article>", "<div>").replace("</article>", "</div>"),
}


def _page(language: str, *, head: str = "", first: int = 4) -> str:
    """A news page with its first paragraphs."""
    title, paragraphs, (home, subscribe, advertisement, comment, rights) = ARTICLES[language]
    menu = "<ul>" + "".join(f'<li><a href="/{n}">{home} {n}</a></li>' for n in range(12)) + "</ul>"
    advert = f'<div class="ad-banner"><a href="//ads.example/x">{advertisement}</a></div>'
    body = "\n".join(f"<p>{text}</p>{advert if n == 0 else ''}" for n, text in enumerate(paragraphs[:first]))
    return f"""<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8">{head}<title>{title} - Daily Herald</title>
<style>p {{ margin: 0 }}</style><script>var shown = "{advertisement}";</script></head>
<body><header><a class="logo" href="/">Daily Herald</a><nav>{menu}</nav></header>
<div class="cookie-banner">{subscribe}</div>
<main><article><h1>{title}</h1><div class="share"><a href="#">Facebook</a> <a href="#">Twitter</a></div>
{body}
<div class="newsletter"><form><label>{subscribe}</label><input name="mail"></form></div></article>
<aside class="related">{menu}</aside>
<section id="comments" class="comments"><h3>{home}</h3><div class="comment"><p>{comment}</p></div></section></main>
<footer><p>{rights}</p>{menu}</footer></body></html>"""


def _load(page: str | bytes, *, url: str = "", media_type: str = "") -> Draft:
    raw = page if isinstance(page, bytes) else page.encode()
    (draft,) = load_html(Source("page.html", io.BytesIO(raw), media_type, url))
    assert isinstance(draft, Draft)
    return draft


def _refusal(page: str | bytes) -> str:
    with pytest.raises(ArticleError) as caught:
        _load(page)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _with_head(head: str, *, url: str = "", body: str = "") -> Draft:
    """The draft of an English page with this in its head."""
    text = "<p>The town opened a park on the bank of the river, and its trees were planted two years ago.</p>"
    return _load(f"<html><head>{head}</head><body>{body}<article>{text * 3}</article></body></html>", url=url)


def _json_ld(value: Any) -> str:
    return f'<script type="application/ld+json">{value if isinstance(value, str) else json.dumps(value)}</script>'


# --- text


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("language", ARTICLES)
def test_the_article_is_all_there_and_nothing_else_is(language: str, layout: str) -> None:
    """Every paragraph is a line; menus, advertisements, comments and footers are left out."""
    title, paragraphs, around = ARTICLES[language]
    lines = _load(LAYOUTS[layout](_page(language))).text.split("\n")
    assert [line for line in lines if line in paragraphs] == paragraphs
    assert [line for line in lines if line not in paragraphs] in ([], [title])
    assert not any(text in line for text in around for line in lines)


@pytest.mark.parametrize("language", ARTICLES)
def test_short_news_keep_the_menus_out(language: str) -> None:
    """Two paragraphs are an article too, though in Chinese they are less than a hundred characters."""
    _, paragraphs, around = ARTICLES[language]
    draft = _load(_page(language, first=2))
    assert all(paragraph in draft.text.split("\n") for paragraph in paragraphs[:2])
    assert not any(text in draft.text for text in around)


@pytest.mark.parametrize(("word", "entity"), [("می‌شود", "می&zwnj;شود"), ("क्‍ष", "क&#x94d;&zwj;ष"), ("ශ්‍රී", "ශ්&#8205;රී")])
def test_joiners_within_words_are_kept(word: str, entity: str) -> None:
    """Persian and Indic words are misspelt without their joiners, written out or as entities, long page or short."""
    filler = "".join(f"<p>{text}</p>" for text in ARTICLES["fa"][1])
    for page in (
        f"<html><body><p>{entity} {word}</p>{filler}</body></html>",
        f"<html><body>{entity} {word}</body></html>",
    ):
        assert f"{word} {word}" in _load(page).text
    assert _load(_page("fa")).title == ARTICLES["fa"][0]


def test_tables_and_lists_are_lines() -> None:
    """A row is a line with tabs, an item is a line without its mark, as in Markdown files."""
    table = "<table><tr><th>البلد</th><th>小麦</th></tr><tr><td>تركيا</td><td>12</td></tr></table>"
    items = "<ul><li>القمح</li><li>小麦</li></ul>"
    filler = "".join(f"<p>{text}</p>" for text in ARTICLES["ar"][1])
    lines = _load(f"<html><body><article>{filler}{table}{items}<p>a<br>b</p></article></body></html>").text.split("\n")
    assert lines[-6:] == ["البلد\t小麦", "تركيا\t12", "القمح", "小麦", "a", "b"]


@pytest.mark.parametrize(
    "page", ["<p>قليل</p>", "很短", "<html><body><div>Few words</div></body></html>", "<td>cell</td>"]
)
def test_the_little_that_is_there_is_text(page: str) -> None:
    """A page without an article in it is still read."""
    assert _load(page).text in ("قليل", "很短", "Few words", "cell")


def test_what_cannot_be_told_apart_is_kept_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where trafilatura finds nothing, or fails, all text of the page is kept and the draft says so."""
    import trafilatura

    def fail(*args: Any, **named: Any) -> None:
        raise RecursionError

    for outcome in (fail, lambda *args, **named: None):
        monkeypatch.setattr(trafilatura, "bare_extraction", outcome)
        draft = _load(_page("fa"))
        assert all(paragraph in draft.text for paragraph in ARTICLES["fa"][1])
        assert "could not be told" in draft.notes[-1]
    monkeypatch.setattr(trafilatura, "baseline", fail)
    assert "shown" not in _load(_page("fa")).text


@pytest.mark.parametrize(
    "page", [b"", b"  \n", b"<html></html>", b"<script>var a = 1</script>", b"<!-- only -->", b"<p>"]
)
def test_pages_without_text_are_refused(page: bytes) -> None:
    """Nothing to read is an error that says what to do about pages that a script builds."""
    assert "expected a" in _refusal(page)


# --- encodings


@pytest.mark.parametrize(("language", "charset"), [("ar", "windows-1256"), ("ru", "windows-1251"), ("zh", "gb18030")])
def test_the_charset_may_stand_in_three_places(language: str, charset: str) -> None:
    """The header, <meta charset>, <meta http-equiv> and an XML declaration are each enough."""
    _, paragraphs, _ = ARTICLES[language]
    page = _page(language).replace('<meta charset="utf-8">', "{}").replace("{ margin: 0 }", "")
    equiv = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">'
    for head, start in (
        (f"<meta charset='{charset}'>", ""),
        (equiv, ""),
        ("", f'<?xml version="1.0" encoding="{charset}"?>'),
    ):
        assert all(text in _load((start + page.format(head)).encode(charset)).text for text in paragraphs)
    header = _load(page.format("").encode(charset), media_type=f"text/html; charset={charset}")
    assert all(text in header.text for text in paragraphs)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_enough(encoding: str) -> None:
    """Pages saved by Windows programs are read whatever their <meta> says."""
    assert _load(_page("he").encode(encoding)).text.split("\n")[1:] == ARTICLES["he"][1]


def test_a_declaration_that_is_no_longer_true_is_not_followed() -> None:
    """A page that was converted to UTF-8 and still declares something else inside is read as what it was decoded to."""
    start = '<?xml version="1.0" encoding="utf-8"?>'
    page = _page("ar").replace('charset="utf-8"', 'charset="utf-16"')
    assert ARTICLES["ar"][1][0] in _load(start + page).text
    assert ARTICLES["ar"][1][0] in _load(page).text


# --- what the page states


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>A | Herald</title>", "", "A | Herald"),
        ("<title>A park for the town | Herald</title>", "", "A park for the town"),
        ("<title>Herald - A park</title><meta property='og:site_name' content='Herald'>", "", "A park"),
        ("<title>Iran - Israel</title>", "", "Iran - Israel"),
        ("<title>حديقة - افتتاح - النهر</title>", "<h1>حديقة - افتتاح</h1>", "حديقة - افتتاح"),
        ("<title>公园开放_新闻网</title><meta property='og:site_name' content='新闻网'>", "", "公园开放"),
        ("<title>x</title><meta property='og:title' content='A  park'>", "<h1>h</h1>", "A park"),
        (
            "<meta property='og:title' content='Herald'><meta property='og:site_name' content='Herald'>",
            "<h1>A</h1>",
            "A",
        ),
        ("<title>x</title>" + _json_ld({"@type": "NewsArticle", "headline": "A &amp; B"}), "", "A & B"),
        ("", "<h1>A <b>park</b></h1>", "A park"),
        ("", "", ""),
    ],
)
def test_the_title_is_the_headline(head: str, body: str, title: str) -> None:
    """What the page calls its headline, without the name of the site around it where that can be told."""
    assert _with_head(head, body=body).title == title


@pytest.mark.parametrize(
    ("stated", "author"),
    [
        (_json_ld({"@type": "NewsArticle", "author": {"@type": "Person", "name": "سامر الحداد"}}), "سامر الحداد"),
        (_json_ld([{"@type": ["Article"], "author": [{"name": "Ann"}, {"name": "Bo"}, "Ann"]}]), "Ann, Bo"),
        (_json_ld({"@graph": [{"@type": "WebPage", "author": {"@id": "#p"}}, {"@id": "#p", "name": ["林"]}]}), "林"),
        ("<meta name='author' content='Ann Lee'>", "Ann Lee"),
        ("<meta property='article:author' content='https://x.example/ann'>", ""),
        (_json_ld({"@type": "Organization", "name": "Herald", "author": "Someone else"}), ""),
    ],
)
def test_the_author_is_the_one_stated(stated: str, author: str) -> None:
    """Names in JSON-LD, looked up where only an id stands, or in <meta>; not addresses."""
    draft = _with_head(stated)
    assert (draft.author, "author" in draft.guessed) == (author, False)


def test_a_byline_is_a_guess() -> None:
    """An author found by the look of the page is marked as guessed."""
    draft = _with_head("", body="<div class='byline'>By <span class='author'>Anna Lebedeva</span></div>")
    assert ("Anna Lebedeva" in draft.author, "author" in draft.guessed) == (True, True)


@pytest.mark.parametrize(
    ("head", "publisher", "guessed"),
    [
        ("<meta property='og:site_name' content='النهر'>", "النهر", False),
        (_json_ld({"@type": "Article", "publisher": {"name": "新闻网"}}), "新闻网", False),
        ("<meta name='dc.publisher' content='Herald'>", "Herald", False),
        ("", "news.example", True),
    ],
)
def test_the_publisher_is_stated_or_the_host(head: str, publisher: str, guessed: bool) -> None:
    """The name that the site gives itself, else the host name, marked as a guess."""
    draft = _with_head(head, url="https://www.news.example/a")
    assert (draft.publisher, "publisher" in draft.guessed) == (publisher, guessed)
    assert _with_head("").publisher == ""


_TIME = "<meta property='article:published_time' content='{}'>"


@pytest.mark.parametrize(
    ("head", "body", "published"),
    [
        (_TIME.format("2022-07-19T10:30:00+03:00"), "", "2022-07-19T10:30:00+03:00"),
        (_TIME.format("2022-07-19T10:30:00Z"), "", "2022-07-19T10:30:00+00:00"),
        ("<meta name='date' content='2022-7-9'>", "", "2022-07-09"),
        ("<meta name='pubdate' content='Tue, 19 Jul 2022 10:30:00 +0430'>", "", "2022-07-19T10:30:00+04:30"),
        (_json_ld({"@type": "Report", "datePublished": "2022-07-19T10:30"}), "", "2022-07-19T10:30:00"),
        (_TIME.format("2022-07-19") + _json_ld({"@type": "Article", "datePublished": "2022-07-19T10:30Z"}),
         "", "2022-07-19T10:30:00+00:00"),
        ("", "<time itemprop='datePublished' datetime='2022-07-19T10:30+03:00'>x</time>", "2022-07-19T10:30:00+03:00"),
        ("", "<aside><time datetime='2020-01-05'>x</time></aside><time datetime='2022-07-19'>x</time>", "2022-07-19"),
        (_TIME.format("1401/04/28") + "<meta name='date' content='2022-07-19'>", "", "2022-07-19"),
        (_TIME.format("0000-00-00"), "", ""),
    ],
)  # fmt: skip
def test_the_date_is_as_precise_as_it_is_stated(head: str, body: str, published: str) -> None:
    """The time and zone are kept where a page gives them; dates of other calendars and other articles do not count."""
    draft = _with_head(head, body=body)
    assert (draft.published, "published" in draft.guessed) == (published, False)


def test_a_date_from_the_text_is_a_guess() -> None:
    """A date that only the running text mentions is marked as guessed; one in the address is not."""
    body = "<p>The park was first planned on a rainy day, 19 July 2022, and then nothing happened for years.</p>"
    found = _with_head("", body=body)
    assert (found.published, "published" in found.guessed) == ("2022-07-19", True)
    assert _with_head("", body="<p>© 2019 Herald</p>").published == ""
    dated = _with_head("", url="https://news.example/2022/07/19/park")
    assert (dated.published, "published" in dated.guessed) == ("2022-07-19", False)


@pytest.mark.parametrize(
    ("language", "shown", "published"),
    [
        ("ar", "الثلاثاء 19 يوليو 2022", "2022-07-19"),
        ("zh", "2022年7月24日 14:22 来源:河边日报", "2022-07-24"),
        ("ko", "2022년 7월 24일", "2022-07-24"),
        ("he", "19 ביולי 2022", "2022-07-19"),
        ("fa", "1401/04/28", "2022-07-19"),
        ("en", "2 hours ago", ""),
        ("en", "3 of 5 people like this", ""),
    ],
)
def test_a_date_that_is_only_shown_is_a_guess(language: str, shown: str, published: str) -> None:
    """What stands where pages show their date is read in the page's language, unless it stands beside a comment."""
    text = "<p>The town opened a park on the bank of the river.</p>"
    comment = "<div class='comments'><b class='date'>2021-01-05</b></div>"
    body = f"{comment}<b class='post-date'>{shown}</b>{text * 3}"
    draft = _load(f"<html lang='{language}'><body class='comments-open'>{body}</body></html>")
    assert (draft.published, "published" in draft.guessed) == (published, bool(published))


@pytest.mark.parametrize(
    ("head", "url", "canonical"),
    [
        ("<link rel='canonical' href='/a?id=1#top'>", "https://n.example/b", "https://n.example/a?id=1"),
        ("<link rel='canonical' href='https://n.example/a'>", "", "https://n.example/a"),
        ("<link rel='canonical' href='/a'>", "", ""),
        ("<meta property='og:url' content='https://n.example/a'>", "https://n.example/b", "https://n.example/a"),
        ("<link rel='canonical' href='https://n.example/'>", "https://n.example/b", "https://n.example/b"),
        ("<link rel='canonical' href='javascript:x'>", "https://n.example/b", "https://n.example/b"),
        ("<link rel='canonical' href='http://[::1'>", "https://n.example/b", "https://n.example/b"),
        ("<link rel='stylesheet' href='/c'>", "https://n.example/b", "https://n.example/b"),
        ("<!-- saved from url=(0019)https://n.example/s -->", "", "https://n.example/s"),
        ("", "", ""),
    ],
)
def test_the_address_is_the_canonical_one(head: str, url: str, canonical: str) -> None:
    """The page's own address, made absolute; the front page, scripts and broken links are no article's address."""
    assert _with_head(head, url=url).url == canonical


@pytest.mark.parametrize(
    ("page", "language"),
    [
        ("<html lang='fa-ir'>{}", "fa-IR"),
        ("<html lang='zh_hans_cn'>{}", "zh-Hans-CN"),
        ("<html xml:lang='ar'>{}", "ar"),
        ("<html lang=''><body lang='he'>{}", "he"),
        ("<meta property='og:locale' content='ar_AR'>{}", "ar"),
        ("<meta property='og:locale' content='pt_BR'>{}", "pt-BR"),
        ("<meta http-equiv='Content-Language' content='ru, en'>{}", "ru"),
        (_json_ld({"@type": "Article", "inLanguage": "tr"}) + "{}", "tr"),
        ("<html lang='{{{{ locale }}}}'>{}", ""),
        ("{}", ""),
    ],
)
def test_the_language_is_a_code(page: str, language: str) -> None:
    """Whatever way the page states its language, it comes as BCP 47; a template's leftovers are no language."""
    draft = _load(page.replace("{}", "<p>The town opened a park on the bank of the river.</p>").replace("{{{{", "{{"))
    assert (draft.language, "language" in draft.guessed) == (language, False)


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[" * 50_000,
        '{"@graph": ' * 50_000,
        "null",
        '"text"',
        '{"@type": {"a": 1}, "headline": ["x", {"y": []}], "author": [[["deep"]]], "publisher": 7}',
        '{"@type": "Article", "headline": null, "author": {"name": {"name": 1}}, "datePublished": {"x": 1}}',
        '{"@type": "Article", "datePublished": "not a date", "inLanguage": {"name": "Deutsch"}}',
        '<!-- {"@type": "Article", "headline": "line\nend"} -->',
    ],
)
def test_broken_json_ld_is_passed_over(broken: str) -> None:
    """The page is read as if it were not there, and what another block says counts."""
    draft = _with_head(_json_ld(broken) + "<meta property='og:title' content='A park'>")
    assert (draft.title, draft.author, draft.language) == ("A park", "", "")
    assert draft.text


# --- pages made to break readers


def test_deep_nesting_is_cut_with_a_note() -> None:
    """A hundred thousand levels are no crash, and the text above the limit is there."""
    began = time.monotonic()
    draft = _load(f"<html><body><p>{ARTICLES['ar'][1][0]}</p>{'<div>' * 100_000}<p>deep</p>{'</div>' * 100_000}")
    assert ARTICLES["ar"][1][0] in draft.text
    assert "nested too deeply" in draft.notes[0]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "bulk",
    [
        "<script>" + "a<b;" * 2_700_000 + "</script>",
        "<img src='data:image/png;base64," + "A" * 10_800_000 + "'>",
        "<script>x</script>" * 50_000,
        f"<title>{' - x' * 50_000}</title>",
        "<b>" * 1500,
    ],
    ids=["one script", "one picture", "many scripts", "long title", "open tags"],
)
def test_bulk_does_not_hide_the_article(bulk: str) -> None:
    """What is above the parser's usual limits of 10 MB a text and 256 levels is passed over, not stumbled over."""
    began = time.monotonic()
    draft = _load(f"<html><body>{bulk}" + "".join(f"<p>{text}</p>" for text in ARTICLES["ru"][1]))
    assert all(text in draft.text for text in ARTICLES["ru"][1])
    assert (draft.notes, draft.published) == ((), "")
    assert time.monotonic() - began < 10


def test_time_is_linear_in_the_size() -> None:
    """Four times the paragraphs take about four times as long, not sixteen."""

    def seconds(count: int) -> float:
        page = "".join(f"<p>{n} {ARTICLES['ru'][1][n % 4]}</p>" for n in range(count))
        began = time.perf_counter()
        assert len(_load(f"<html><body><article>{page}</article>").text.split("\n")) == count
        return time.perf_counter() - began

    seconds(100)
    assert seconds(4000) < 8 * seconds(1000)


def test_a_page_of_more_than_20_mb_is_refused() -> None:
    """The limit is named, and nothing is parsed."""
    assert "20 MB" in _refusal(b"<p>" + b"a" * 20_000_000)


_REAL = _page("fa", head=_json_ld({"@type": "NewsArticle", "headline": "x", "author": {"name": "y"}})).encode()


@given(st.integers(0, len(_REAL)), st.lists(st.tuples(st.integers(0, len(_REAL) - 1), st.integers(0, 7)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_damaged_pages_are_read_or_refused(length: int, flips: list[tuple[int, int]]) -> None:
    """A page cut off anywhere, with bits turned over, is a draft or an ArticleError."""
    raw = bytearray(_REAL)
    for at, bit in flips:
        raw[at] ^= 1 << bit
    try:
        assert _load(bytes(raw[:length])).text
    except ArticleError as error:
        assert "\n" not in str(error)


@given(st.one_of(st.binary(max_size=400), st.text(alphabet="<>/&;\"'=ap! -[]\x00\x85\u200c\ud800ش中", max_size=300)))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_read_or_refused(content: bytes | str) -> None:
    """What is not HTML at all is no crash either."""
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    for load in (load_html, load_mhtml):
        try:
            list(load(Source("x", io.BytesIO(raw))))
        except ArticleError as error:
            assert "\n" not in str(error)


# --- MHTML


def _mhtml(language: str, *, charset: str = "utf-8", location: str = "https://news.example/a") -> bytes:
    """A page as a browser saves it: a frame's HTML first, then the page's own, then a picture."""
    import base64
    import quopri

    page = _page(language).replace('<meta charset="utf-8">', "").encode(charset)
    parts = [
        f"Content-Type: text/html\r\nContent-Location: cid:frame\r\n\r\n<p>{'Frame. ' * 60}</p>".encode(),
        f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        f"Content-Location: {location}\r\n\r\n".encode()
        + quopri.encodestring(page),
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(bytes(300)),
    ]
    head = (
        f"From: <Saved by a browser>\r\nSnapshot-Content-Location: {location}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related; type="text/html"; boundary="--edge"\r\n\r\n'
    )
    return head.encode() + b"".join(b"----edge\r\n" + part + b"\r\n" for part in parts) + b"----edge--\r\n"


@pytest.mark.parametrize(("language", "charset"), [("ar", "windows-1256"), ("zh", "gb18030"), ("fa", "utf-8")])
def test_saved_pages_are_read(language: str, charset: str) -> None:
    """Of the HTML in the file the page's own is taken, in its encoding and with its address."""
    (draft,) = load_mhtml(Source("a.mhtml", io.BytesIO(_mhtml(language, charset=charset))))
    assert isinstance(draft, Draft)
    assert draft.text.split("\n")[-4:] == ARTICLES[language][1]
    assert (draft.title, draft.url, draft.language) == (ARTICLES[language][0], "https://news.example/a", language)


def test_without_an_address_the_first_page_is_taken() -> None:
    """Files of other programs may not say which part is the page."""
    raw = _mhtml("ru").replace(b"Snapshot-Content-Location", b"X-Other")
    (draft,) = load_mhtml(Source("a.mht", io.BytesIO(raw), url="https://news.example/b"))
    assert isinstance(draft, Draft)
    assert (draft.text.startswith("Frame."), draft.url) == (True, "https://news.example/b")


@pytest.mark.parametrize(
    "raw", [b"", b"text", b"Content-Type: image/png\r\n\r\nx", b"Content-Type: multipart/related\r\n\r\n"]
)
def test_mhtml_without_a_page_is_refused(raw: bytes) -> None:
    """A file that holds no HTML says what was expected."""
    with pytest.raises(ArticleError, match="MHTML"):
        list(load_mhtml(Source("a.mhtml", io.BytesIO(raw))))


_SAVED = _mhtml("ar")


@given(
    st.integers(0, len(_SAVED)), st.lists(st.tuples(st.integers(0, len(_SAVED) - 1), st.integers(0, 7)), max_size=30)
)
@settings(max_examples=60, deadline=None)
def test_damaged_saved_pages_are_read_or_refused(length: int, flips: list[tuple[int, int]]) -> None:
    """A saved page cut off anywhere, with bits turned over, is a draft or an ArticleError."""
    raw = bytearray(_SAVED)
    for at, bit in flips:
        raw[at] ^= 1 << bit
    try:
        list(load_mhtml(Source("a.mhtml", io.BytesIO(bytes(raw[:length])))))
    except ArticleError as error:
        assert "\n" not in str(error)


def test_parts_within_parts_do_not_exhaust_the_stack() -> None:
    """Thousands of nested parts end in an ArticleError."""
    raw = b"".join(b'Content-Type: multipart/related; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(3000))
    with pytest.raises(ArticleError, match="MHTML"):
        list(load_mhtml(Source("a.mhtml", io.BytesIO(raw + b"Content-Type: text/html\r\n\r\n<p>x"))))
