"""The sections of a notice: what their headings say of the links below them.

Notices come as numbered paragraphs, as the questions of a form with their answers, or as the fields of a form. Under
"the original work" stands what is the complainant's; under "the infringing material", what is complained of.
"""

import re

_OPENS = re.compile(
    r"^[\s>|]{0,8}(?:\(?\d{1,2}[.):]|\([a-zivx]{1,4}\)|[ivx]{1,4}[.)]|[a-h][.)]\s|#{1,6}\s|\*\*|[-*•]\s"
    r"|[a-z]\w{2,40}_\w{1,40}\s?:|q\d?[:.])"
)
"""A number, a letter, a mark of Markdown, or the name of a form's field in lower case."""

_GENUINE = re.compile(
    r"copyright(?:ed)?[ -](?:protected )?works?\b"
    r"|\boriginal(?:ly)? (?:\w{1,15} )?(?:work|content|source|material|url|page|site|link|location)"
    r"|\binfringed (?:copyright(?:ed)? )?(?:work|material|content)"
    r"|\bwork\(?s?\)? (?:that|which|being|alleged)\b.{0,30}\binfringed"
    r"|\b(?:your|our|my) (?:own |copyrighted |original )?(?:work|content|product|website)s?\b|\bownership\b"
    r"|authori[sz]ed (?:example|cop|location|site)|where (?:the |your |our )?(?:original|authori[sz]ed|legitimate)"
    r"|represented (?:copyright|rights) holder|\bevidence of (?:your |our )?(?:registration|ownership)"
    r"|originalwerk|geschütztes werk|œuvre originale|œuvre protégée|obra (?:original|protegida)|оригинал"
    r"|权利人作品|原作|正規|正品|官方"
)
_ACCUSED = re.compile(
    r"\binfringing\b|\b(?:material|content|file|url|link|page|location|work|item|repositor)\w{0,4}.{0,40}"
    r"(?:infringes|infringing|is illegal|unlawful|violat|to be (?:removed|disabled|taken down))"
    r"|\bshould be (?:removed|taken down|disabled|blocked)"
    r"|\b(?:remove|disable|block|take down) (?:access )?(?:to )?(?:the|these|this|all)"
    r"|\breported (?:content|urls?|links?|material|pages?|items?)|\b(?:what|which) (?:files|content|urls?)\b"
    r"|\b(?:allegedly|illegal|unauthori[sz]ed|offending|unlawful|pirated|counterfeit)\b|\burl box|\bforks?\b"
    r"|\b(?:infring\w{0,6}|video|reported|offending) urls?\b|\bexact (?:electronic )?location"
    r"|rechtsverletzend|rechtswidrig|contenu (?:illicite|contrefaisant|litigieux)"
    r"|contenido (?:infractor|ilícito|ilegal)|нарушающ|незаконн|侵权|侵害|違法|违法"
)


def stance(line: str, current: int) -> int:
    """1 under a heading that accuses, -1 under one that names the complainant's own, 0 under any other.

    A line that opens no section leaves what stood before. Where a heading has words of both, the first decide.
    """
    line = line[:200].lower()
    if not _opens(line):
        return current
    plain = line.replace("_", " ")
    genuine, accused = _GENUINE.search(plain), _ACCUSED.search(plain)
    if genuine and (accused is None or genuine.start() <= accused.start()):
        return -1
    return 1 if accused else 0


def _opens(line: str) -> bool:
    bare = line.rstrip()
    is_question = bare.endswith((":", "?", "：", "？")) and " " in bare and "://" not in bare
    return is_question or _OPENS.match(line) is not None
