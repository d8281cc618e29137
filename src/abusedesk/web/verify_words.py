"""The words of the page on which anybody asks whether a notice is ours, in each language that it speaks."""

from dataclasses import asdict, dataclass

from abusedesk.desk.public_form.letters import CHINESE, ENGLISH


@dataclass(frozen=True, slots=True)
class Say:
    """The words of the page. `{brand}` and `{address}` in them are the brand and its address for abuse."""

    title: str
    lead: str
    code: str
    hint: str
    ask: str
    often: str
    ours: str
    ours_means: str
    sent_on: str
    ending: str
    services: str
    subject: str
    not_ours: str
    typed_wrong: str
    forged: str
    forged_steps: tuple[str, ...]

    def of(self, brand: str, address: str) -> dict[str, str | tuple[str, ...]]:
        """The words for a brand."""
        return {name: _filled(said, brand, address) for name, said in asdict(self).items()}


def _filled(said: str | tuple[str, ...], brand: str, address: str) -> str | tuple[str, ...]:
    if isinstance(said, tuple):
        return tuple(one.format(brand=brand, address=address) for one in said)
    return said.format(brand=brand, address=address)


SAY = {
    ENGLISH: Say(
        title="Is this notice from {brand}?",
        lead="Each abuse notice of {brand} ends with a code. Type it in, and see whether we sent the notice.",
        code="Code of the notice",
        hint="Twelve letters and digits, such as 7K3M-9QXA-02ZT.",
        ask="Check",
        often="So many codes came from your network that this one has to wait. Try again in an hour.",
        ours="Yes, this notice is from {brand}",
        ours_means="It is ours if your mail says the same as this page. If it differs, somebody may have put our code "
        "into a mail of their own: do as is said below.",
        sent_on="Sent on",
        ending="About a service whose name ends in",
        services="Services that it is about",
        subject="Subject, without names",
        not_ours="No, {brand} sent no notice with this code",
        typed_wrong="First compare it letter by letter with the notice. If it is the same:",
        forged="What to do with a forged notice",
        forged_steps=(
            "Follow no link in it, open no attachment, pay nothing, and type no password.",
            "Send it to {address}, best as an attachment, so that we see where it came from.",
            "If you typed a password, change it now, and look who has logged in to your account.",
            "If you are not sure whether something is asked of you, log in as you always do, not by a link.",
        ),
    ),
    CHINESE: Say(
        title="这份通知是否来自 {brand}？",
        lead="{brand} 的每份滥用通知末尾都有验证码。请在此输入，以核实该通知是否由我们发出。",
        code="通知中的验证码",
        hint="共 12 位字母和数字，例如 7K3M-9QXA-02ZT。",
        ask="核实",
        often="来自您所在网络的查询过多，请一小时后再试。",
        ours="是的，该通知由 {brand} 发出",
        ours_means="如果您收到的邮件与本页所示一致，则为我们的通知。如不一致，可能有人盗用了我们的验证码，请按下文处理。",
        sent_on="发送日期",
        ending="所涉服务名称的末尾",
        services="所涉服务数量",
        subject="主题（已隐去名称）",
        not_ours="不是，{brand} 没有发出带有此验证码的通知",
        typed_wrong="请先与通知逐字核对。如果输入无误：",
        forged="收到伪造通知怎么办",
        forged_steps=(
            "不要点击其中的链接，不要打开附件，不要付款，也不要输入密码。",
            "请将其转发至 {address}，最好以附件形式发送，以便我们查明来源。",
            "如果您已输入密码，请立即修改，并检查账户的登录记录。",
            "如果不确定是否需要处理，请按平时的方式登录，不要使用邮件中的链接。",
        ),
    ),
}
