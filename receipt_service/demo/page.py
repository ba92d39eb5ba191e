"""The page of ``make serve``: telephone, mailbox, and commands to try. Plain HTML, nothing from elsewhere.

It shows what people received, identities and all: it listens on this machine only and keeps nothing.
"""

import re
from collections import deque
from dataclasses import dataclass
from html import escape
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from receipt_service.demo.mail_sink import ReceivedMail
from receipt_service.demo.received import Mail, NothingReceived, read_mail
from receipt_service.demo.twilio_store import MessageStore

_SHOWN: Final = 100
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class DemoPage:
    """What the page shows, as it is at each request."""

    base_url: str
    token_url: str
    sample_request: str
    """A request body that is valid for hours, as JSON."""
    officer: str
    trust_root: str
    store: MessageStore
    mails: deque[ReceivedMail]

    def app(self) -> Starlette:
        """Build the page's program."""
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/phone", self._phone),
                Route("/mailbox", self._mailbox),
                Route("/check-request.json", self._sample),
                Route("/mailbox/{number:int}", self._mail),
                Route("/mailbox/{number:int}/{part}", self._part),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        )

    async def _home(self, request: Request) -> Response:
        """Both frames renew themselves; the page around them stays, so that a command can be copied."""
        commands = _COMMANDS.format(
            base=self.base_url,
            page=str(request.base_url).rstrip("/"),
            token_url=self.token_url,
            officer=self.officer,
            trust_root=self.trust_root,
        )
        return _html("Demonstration", _HOME.format(commands=escape(commands), base=escape(self.base_url)))

    async def _sample(self, _request: Request) -> Response:
        return Response(self.sample_request, headers=_HEADERS, media_type="application/json")

    async def _phone(self, _request: Request) -> Response:
        latest = list(self.store.phone)[-_SHOWN:]
        items = "".join(
            f"<li><p><b>{escape(sms.sender)}</b> to {escape(sms.to)}, {sms.at:%H:%M:%S} UTC, "
            f"{sms.segments} segments</p><pre>{_linked(sms.text)}</pre></li>"
            for sms in reversed(latest)
        )
        return _html("Telephone", f"<ul>{items or '<li>No message yet.</li>'}</ul>", renew=True)

    async def _mailbox(self, _request: Request) -> Response:
        latest = list(enumerate(self.mails))[-_SHOWN:]
        items = "".join(_mail_line(number, mail) for number, mail in reversed(latest))
        return _html("Mailbox", f"<ul>{items or '<li>No mail yet.</li>'}</ul>", renew=True)

    async def _mail(self, request: Request) -> Response:
        number, mail = self._found(request)
        body = f'<p><a href="/mailbox">All mails</a> {_files(number)}</p>'
        return _html(mail.subject, f"<h1>{escape(mail.subject)}</h1>{body}<pre>{_linked(mail.text)}</pre>")

    async def _part(self, request: Request) -> Response:
        number, mail = self._found(request)
        match request.path_params["part"]:
            case "recepisse.pdf":
                return Response(mail.pdf, headers=_HEADERS, media_type="application/pdf")
            case "receipt.sd-jwt":
                return _download(mail.receipt.encode("ascii"), "application/dc+sd-jwt", "receipt.sd-jwt")
            case "mail.eml":
                return _download(self.mails[number].raw, "message/rfc822", f"mail-{number + 1:06}.eml")
        raise HTTPException(404)

    def _found(self, request: Request) -> tuple[int, Mail]:
        number = int(request.path_params["number"])
        try:
            return number, read_mail(self.mails[number].raw)
        except (IndexError, NothingReceived):
            raise HTTPException(404) from None


def _html(title: str, body: str, *, renew: bool = False) -> HTMLResponse:
    again = '<meta http-equiv="refresh" content="3">' if renew else ""
    return HTMLResponse(_FRAME.format(title=escape(title), again=again, body=body), headers=_HEADERS)


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(
        content, headers={**_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}, media_type=kind
    )


def _mail_line(number: int, kept: ReceivedMail) -> str:
    secured = "STARTTLS" if kept.encrypted else "not encrypted"
    try:
        subject = read_mail(kept.raw).subject
    except NothingReceived:
        subject = "(not a receipt)"
    return (
        f'<li><p><b><a href="/mailbox/{number}" target="_blank" rel="noopener">{escape(subject)}</a></b><br>'
        f"to {escape(', '.join(kept.recipients))}, {kept.at:%H:%M:%S} UTC, {secured}</p><p>{_files(number)}</p></li>"
    )


def _files(number: int) -> str:
    names = ("recepisse.pdf", "receipt.sd-jwt", "mail.eml")
    return " · ".join(f'<a href="/mailbox/{number}/{name}" target="_blank" rel="noopener">{name}</a>' for name in names)


def _linked(text: str) -> str:
    """Escape a text and make its links ones that open outside the frame."""
    return re.sub(
        r"(https?://[^\s<>]+)",
        r'<a href="\1" target="_blank" rel="noopener noreferrer">\1</a>',
        escape(text),
    )


_FRAME: Final = """<!doctype html><html lang="en"><meta charset="utf-8">{again}
<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>
<style>
body{{font:16px/1.45 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:.5rem 1rem;color:#111;background:#fff}}
ul{{list-style:none;padding:0;margin:0}}
li{{border:1px solid #888;border-radius:.5rem;margin:.5rem 0;padding:.2rem 1rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.4 ui-monospace,monospace}}
pre.code{{background:#f2f2f2;padding:.8rem;border-radius:.5rem}}
.two{{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}}
iframe{{width:100%;height:32rem;border:1px solid #888;border-radius:.5rem}}
</style>
{body}</html>
"""

_HOME: Final = """<h1>Demonstration</h1>
<p>Everything runs on this machine and nothing leaves it. The service answers at {base}: see its
<a href="{base}/v1/catalogue" target="_blank" rel="noopener">catalogue of legal bases</a>, its
<a href="{base}/.well-known/jwt-vc-issuer" target="_blank" rel="noopener">published keys</a> and the
<a href="{base}/r" target="_blank" rel="noopener">verification page</a>. Open that page by the link of a text message:
the receipt is in the part after <code>#</code>, which browsers do not send.</p>
<div class="two">
<section><h2>Telephone</h2><iframe src="/phone" title="Text messages"></iframe></section>
<section><h2>Mailbox</h2><iframe src="/mailbox" title="Mails"></iframe></section>
</div>
<h2>The supervisors' dashboard</h2>
<p><a href="{base}/supervision" target="_blank" rel="noopener">Open the dashboard</a>: it asks who you are and shows
the figures of the last quarter that is over. The checks counted there are made up; how they are counted, protected
and released is the service's own. Checks that you register here are counted as well, and shown when their month is
over.</p>
<h2>Try it</h2>
<p>In another terminal. The sample request: <a href="/check-request.json">check-request.json</a>; change the number or
the address in it to any you like, they lead to the telephone and the mailbox above.</p>
<pre class="code">{commands}</pre>
"""

_COMMANDS: Final = """# a token for an officer of the sample directory
TOKEN=$(curl -s {token_url} -d grant_type=client_credentials -d subject={officer} \\
  | python3 -c 'import json,sys; print(json.load(sys.stdin)["access_token"])')

# a check; the key is new for each check and stays the same when you repeat one
curl -s {page}/check-request.json > check-request.json
curl -si {base}/v1/checks -H "Authorization: Bearer $TOKEN" \\
  -H "Idempotency-Key: \\"$(python3 -c 'import uuid; print(uuid.uuid4())')\\"" \\
  -H "Content-Type: application/json" --data @check-request.json

# how its messages stand, and what is kept of it
curl -s {base}/v1/checks/RECEIPT_NUMBER -H "Authorization: Bearer $TOKEN"
curl -s {base}/v1/stubs/RECEIPT_NUMBER

# a verdict that trusts nobody: quote the link of the text message, or name a downloaded file
receipt-service verify --trust-root {trust_root} 'LINK'
"""
