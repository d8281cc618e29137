"""A pack as one page for the public: nothing to load, nothing to run, readable on a phone and on paper."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape

from abusedesk.policy.author.sheet import Section, Sheet, ShownValue, ShownVersion
from abusedesk.policy.author.words_changed import Piece


def as_html(shown: Sheet) -> str:
    """A sheet as one page."""
    return _PAGE.format(
        title=escape(shown.title),
        style=_STYLE,
        meta="".join(_meta(shown)),
        contents="".join(_entry(one) for one in shown.sections),
        body="".join(_section(one) for one in shown.sections),
        history=_history(shown.versions),
        held=_held(shown),
    )


def _day(moment: datetime) -> str:
    return f'<time datetime="{moment:%Y-%m-%d}">{moment.day} {moment:%B %Y}</time>'


def _since(moment: datetime | None) -> str:
    return _day(moment) if moment is not None else "the date that the provider announces"


def _meta(shown: Sheet) -> Iterator[str]:
    held = next((one for one in shown.versions if one.held), None)
    if held is None:
        yield f"<div><dt>In force</dt><dd>{escape(shown.in_force)}</dd></div>"
        return
    yield f"<div><dt>Version</dt><dd>{escape(held.id)}</dd></div>"
    yield f"<div><dt>In force from</dt><dd>{_since(held.since)}</dd></div>"
    coming = next((one for one in shown.versions if _after(one, held)), None)
    if coming is not None:
        yield f'<div><dt>Next change</dt><dd><a href="#versions">{_since(coming.since)}</a></dd></div>'
    yield f"<div><dt>Amounts in</dt><dd>{escape(shown.currency)}</dd></div>"


def _after(one: ShownVersion, held: ShownVersion) -> bool:
    return one.since is not None and held.since is not None and one.since > held.since


def _held(shown: Sheet) -> str:
    return f"As of {_day(shown.at)}." if shown.at is not None else ""


def _entry(section: Section) -> str:
    link = f'<a href="#{_anchor(section)}"><span>{escape(section.short)}</span> {escape(section.clause.title)}</a>'
    return f'<li class="d{min(section.depth, 2)}">{link}</li>'


def _anchor(section: Section) -> str:
    return escape(f"c-{section.short}", quote=True)


def _section(section: Section) -> str:
    aside = '<span class="aside">for information</span>' if section.clause.informative else ""
    parts = [
        f'<h2><a href="#{_anchor(section)}">{escape(section.short)}</a> {escape(section.clause.title)} {aside}</h2>',
        f"<blockquote>{escape(section.clause.text)}</blockquote>",
        _values(section.values),
        _list("What happens", section.rules),
        _readings(section),
    ]
    return f'<section id="{_anchor(section)}" class="d{min(section.depth, 2)}">{"".join(parts)}</section>'


def _values(values: Iterable[ShownValue]) -> str:
    rows = "".join(f"<dt>{escape(one.label)}</dt><dd>{_value(one)}</dd>" for one in values)
    return f'<h3>Values</h3><dl class="values">{rows}</dl>' if rows else ""


def _value(value: ShownValue) -> str:
    """The value in force, one lapse a line, and the others that it had or will have."""
    told = "; ".join(_others(value))
    said = "<br>".join(escape(one) for one in value.text.split(", "))
    return f"<strong>{said}</strong>{f' <small>{told}</small>' if told else ''}"


def _others(value: ShownValue) -> Iterator[str]:
    """What a value was and until when, and what it will be and from when."""
    held = next((place for place, one in enumerate(value.history) if one.held), 0)
    for place, one in enumerate(value.history):
        following = value.history[place + 1].since if place < held else None
        if place < held and following is not None:
            yield f"{escape(one.text)} until {_day(following)}"
        elif place > held and one.since is not None:
            yield f"{escape(one.text)} from {_day(one.since)}"


def _list(heading: str, items: Iterable[str]) -> str:
    listed = "".join(f"<li>{escape(one)}</li>" for one in items)
    return f"<h3>{heading}</h3><ul>{listed}</ul>" if listed else ""


def _readings(section: Section) -> str:
    rows = "".join(f"<dt>{escape(one.question)}</dt><dd>{escape(one.choice)}.</dd>" for one in section.interpretations)
    return f'<h3>How it is read</h3><dl class="readings">{rows}</dl>' if rows else ""


def _history(versions: tuple[ShownVersion, ...]) -> str:
    return "".join(_version(one, first=place == 0) for place, one in reversed(list(enumerate(versions))))


def _version(version: ShownVersion, *, first: bool) -> str:
    tag = '<span class="tag">shown here</span>' if version.held else ""
    changes = "".join(f"<li>{_change(one.short, one.text, one.words)}</li>" for one in version.changes)
    told = f"<ul>{changes}</ul>" if changes else f"<p>{'The first version.' if first else 'It says the same.'}</p>"
    return f"<li><h3>{escape(version.id)}, from {_since(version.since)} {tag}</h3>{told}</li>"


def _change(clause: str, text: str, words: tuple[Piece, ...]) -> str:
    place = f"<b>{escape(clause)}</b> " if clause else ""
    if not words:
        return f"{place}{escape(text)}"
    what = text.partition(":")[0]
    return f"{place}{escape(what)}: {''.join(_piece(one) for one in words)}"


def _piece(piece: Piece) -> str:
    tag = {"gone": "del", "new": "ins"}.get(piece.what)
    return f"<{tag}>{escape(piece.text)}</{tag}>" if tag else escape(piece.text)


_STYLE = """
:root { --paper: #fff; --text: #1b1c1a; --soft: #5a5c57; --line: #dedcd5; --tint: #f6f5f1; --accent: #1f55c4;
  --gone: #b3261e; --new: #17693f; color-scheme: light;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, Charter, Georgia, "Noto Serif", serif; }
@media (prefers-color-scheme: dark) { :root { --paper: #151614; --text: #e9e8e3; --soft: #a3a49e; --line: #34352f;
  --tint: #1d1e1b; --accent: #8fb4ff; --gone: #ff9a91; --new: #7fd6a4; color-scheme: dark; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--text); overflow-wrap: break-word;
  font: 1.0625rem/1.6 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
a { color: inherit; text-decoration: none; }
a:hover, a:focus-visible { color: var(--accent); text-decoration: underline; }
.page { max-width: 66rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; display: grid; column-gap: 4rem;
  grid-template-columns: 15rem minmax(0, 1fr); }
header { grid-column: 1 / -1; padding-bottom: 1.75rem; border-bottom: 2px solid var(--text); }
h1 { font: 600 2.1rem/1.2 var(--serif); margin: 0 0 1.1rem; max-width: 26em; text-wrap: balance; }
header dl { display: flex; flex-wrap: wrap; gap: .4rem 2.25rem; margin: 0; }
header dt { font-size: .8rem; color: var(--soft); } header dd { margin: 0; font-weight: 600; }
nav { position: sticky; top: 1.5rem; align-self: start; max-height: calc(100vh - 3rem); overflow: auto;
  padding-top: 1.6rem; font-size: .9rem; line-height: 1.35; }
nav h2 { font-size: .8rem; color: var(--soft); margin: 0 0 .5rem; font-weight: 600; }
nav ol { list-style: none; margin: 0; padding: 0; }
nav li a { display: flex; gap: .6rem; padding: .28rem 0; }
nav li span { color: var(--soft); min-width: 1.6rem; flex: none; font-variant-numeric: tabular-nums; }
nav .d1 { padding-left: 1.1rem; } nav .d2 { padding-left: 2.2rem; }
section { padding: 1.75rem 0; border-bottom: 1px solid var(--line); }
section:target { background: var(--tint); box-shadow: -1.25rem 0 var(--tint), 1.25rem 0 var(--tint); }
section h2, .versions h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .6rem; text-wrap: balance; }
section h2 a { color: var(--soft); font-weight: 500; margin-right: .35rem; }
h3 { font-size: .8rem; color: var(--soft); font-weight: 600; margin: 1.1rem 0 .25rem; }
blockquote { margin: 0; font: 1.1rem/1.6 var(--serif); }
ul { list-style: disc; margin: 0; padding-left: 1.15rem; }
li + li { margin-top: .15rem; } li::marker { color: var(--soft); }
dl.values { margin: 0; display: grid; grid-template-columns: minmax(8rem, 14rem) minmax(0, 1fr); gap: .15rem 1.25rem; }
dl.values dt::first-letter { text-transform: uppercase; } dl.values dd { margin: 0; }
small { font-size: .88em; color: var(--soft); display: block; }
dl.readings { margin: 0; } dl.readings dt { color: var(--soft); } dl.readings dd { margin: 0 0 .4rem; }
.aside, .tag { font-size: .78rem; font-weight: 500; color: var(--soft); border: 1px solid var(--line);
  border-radius: 99px; padding: .08rem .55rem; margin-left: .4rem; white-space: nowrap; vertical-align: .1em; }
.versions { padding: 1.75rem 0 0; } .versions ol { list-style: none; margin: 0; padding: 0; }
.versions h3 { color: var(--text); font-size: 1rem; margin: 1.1rem 0 .3rem; } .versions p { margin: 0; }
del { color: var(--gone); } ins { color: var(--new); text-decoration-thickness: 2px; text-underline-offset: 3px; }
footer { grid-column: 2; color: var(--soft); font-size: .85rem; padding-top: 2.5rem; }
@media (max-width: 52rem) {
  .page { display: block; padding: 1.75rem 1.1rem 3rem; } h1 { font-size: 1.6rem; }
  nav { position: static; max-height: none; border-bottom: 1px solid var(--line); padding: 1.25rem 0; }
  nav li a { padding: .5rem 0; } dl.values { grid-template-columns: 1fr; gap: 0; }
  dl.values dt { color: var(--soft); } dl.values dd { margin-bottom: .5rem; }
}
@media print {
  :root { --paper: #fff; --text: #000; --soft: #444; --line: #bbb; --tint: #fff; }
  body { font-size: 10pt; } .page { display: block; padding: 0; max-width: none; } blockquote { font-size: 11pt; }
  nav { position: static; max-height: none; columns: 2; padding: 1rem 0; overflow: visible; }
  nav h2 { column-span: all; } nav li a { padding: .1rem 0; }
  dl.values { grid-template-columns: 12rem minmax(0, 1fr); gap: .1rem 1rem; } dl.values dd { margin: 0; }
  section { break-inside: avoid; padding: 1rem 0; } h2, h3 { break-after: avoid; }
  @page { margin: 18mm 16mm; }
}
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div class="page">
<header><h1>{title}</h1><dl>{meta}</dl></header>
<nav aria-label="Contents"><h2>Contents</h2>
<ol>{contents}<li class="d0"><a href="#versions"><span></span> Versions</a></li></ol></nav>
<main>{body}
<div class="versions" id="versions"><h2>Versions</h2><ol>{history}</ol></div>
</main>
<footer>{held}</footer>
</div>
</body>
</html>
"""
