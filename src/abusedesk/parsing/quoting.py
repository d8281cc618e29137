"""A reply without what it quotes and without its signature. Pure; what is left out is only not shown first."""

import re

_ATTRIBUTION = re.compile(
    r"(?i)^\s{0,3}(?:on\b.{5,200}\bwrote\s?:|am\b.{5,200}\bschrieb\b.{0,120}:|le\b.{5,200}\ba écrit\s?:|"
    r"el\b.{5,200}\bescribió\s?:|il\b.{5,200}\bha scritto\s?:|(?:在|于)?.{0,200}(?:写道|寫道|编写|撰写)\s?[:：])\s*$"
)
_FORWARDED = re.compile(
    r"(?i)^\s{0,3}(?:-{2,}\s?(?:original message|ursprüngliche nachricht|originalnachricht|"
    r"forwarded message|message d'origine|原始邮件|原始郵件|原邮件|转发邮件)\s?-{2,}|_{20,}|"
    r"-{2,}\s?reply above this line\s?-{2,})\s*$"
)
_HEADER_LINE = re.compile(r"(?i)^\s{0,3}\*?(?:from|von|de|发件人|寄件者|發件人)\*?\s?[:：]\s?\S")
_HEADER_NEXT = re.compile(
    r"(?i)^\s{0,3}\*?(?:sent|date|to|subject|gesendet|datum|an|betreff|envoyé|à|发送时间|发件时间|日期|时间|收件人|主题)\*?\s?[:：]"
)
_SIGNATURE = re.compile(r"^-- ?$")
_SENT_FROM = re.compile(r"(?i)^\s*(?:sent from my |von meinem .{2,30} gesendet|发自我的|从我的.{1,20}发送)")


def own_words(text: str) -> str:
    """What the writer added. The whole text where nothing would be left: no word is taken away for good."""
    lines = text.replace("\r\n", "\n").split("\n")
    above = _above(lines)
    kept = _without_quotes(lines[:above])
    if not _said(kept):
        # The answer stands below what it quotes.
        kept = _without_quotes(lines) if any(line.lstrip().startswith(">") for line in lines) else lines
    shown = "\n".join(_without_signature(kept)).strip()
    return re.sub(r"\n{3,}", "\n\n", shown) or text.strip()


def _above(lines: list[str]) -> int:
    """The line at which an unmarked quotation begins; the number of lines where there is none."""
    # Below an attribution with marked lines the writer's own words may stand between them.
    marked = max((index for index, line in enumerate(lines) if line.lstrip().startswith(">")), default=-1)
    for index, line in enumerate(lines):
        if _FORWARDED.match(line) or (index > marked and _is_attribution(lines, index)):
            return index
        if _HEADER_LINE.match(line) and sum(bool(_HEADER_NEXT.match(one)) for one in lines[index + 1 : index + 6]) > 1:
            return index
    return len(lines)


def _is_attribution(lines: list[str], index: int) -> bool:
    """`On … wrote:`, which mail programs break into two lines."""
    both = f"{lines[index].rstrip()} {lines[index + 1].strip()}" if index + 1 < len(lines) else lines[index]
    return bool(_ATTRIBUTION.match(lines[index][:500]) or (lines[index].strip() and _ATTRIBUTION.match(both[:500])))


def _without_quotes(lines: list[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for index, line in enumerate(lines):
        if skip:
            skip = False
            continue
        if line.lstrip().startswith(">"):
            continue
        if _is_attribution(lines, index):
            skip = not _ATTRIBUTION.match(line[:500])
            continue
        kept.append(line)
    return kept


def _without_signature(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        if (_SIGNATURE.match(line) or _SENT_FROM.match(line)) and _said(lines[:index]):
            return lines[:index]
    return lines


def _said(lines: list[str]) -> bool:
    return any(line.strip() for line in lines)
