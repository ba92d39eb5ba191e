"""``/supervision``: the supervisors' dashboard. The figures are those of ``/v1/statistics``, in words and drawings.

No script, nothing from elsewhere, nothing kept: every page is made from the address, the token and released figures.
A browser's session is a cookie (``sign_in``); a reverse proxy may bring the token in the Authorization header instead.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from receipt_service import telemetry
from receipt_service.domain.check import Officer
from receipt_service.errors import ReceiptServiceError
from receipt_service.statistics.answers import Answer, Offer
from receipt_service.statistics.indicator_cells import cells_of
from receipt_service.statistics.indicator_sheet import NOT_MEASURED, SHEET
from receipt_service.statistics.lattice import AreaLevel, level_of, unit_area
from receipt_service.statistics.method.cell_key import THRESHOLD
from receipt_service.statistics.questions import InvalidQuestion, question_of
from receipt_service.web.access import DirectRoute
from receipt_service.web.authentication import Caller, Role, bearer_token, require_role
from receipt_service.web.languages import preferred_language
from receipt_service.web.pages import HEADERS
from receipt_service.web.problems import FORBIDDEN, INVALID_PARAMETER, INVALID_TOKEN, OFFICER_UNKNOWN, UNAUTHENTICATED
from receipt_service.web.query import query_parameters
from receipt_service.web.refusals import Refused, refusal_of
from receipt_service.web.services import Services, services_of
from receipt_service.web.sign_in import CALLBACK_PATH, SignIn, SignInFailed
from receipt_service.web.statistics_answers import NOTICE
from receipt_service.web.supervision import views
from receipt_service.web.supervision.figures import Section, section
from receipt_service.web.supervision.indicator_sections import IndicatorSection, indicator_sections
from receipt_service.web.supervision.words import LANGUAGES, Words, catalogue_of, texts

PATH: Final = "/supervision"
_NAMES: Final = ("area", "period", "view", "lang")
_HEADERS: Final = {
    **HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language, Authorization, Cookie",
}
_SEE_OTHER: Final = 303
_FAILED_STATUS: Final = 400

Page = Callable[[Request, Caller], Awaitable[Response]]


def supervision_router() -> APIRouter:
    """Return the router of the dashboard and of the sign-in to it."""
    router = APIRouter(include_in_schema=False, route_class=DirectRoute)
    for method, path, endpoint in (
        ("GET", PATH, _for_supervisors(read_dashboard)),
        ("GET", f"{PATH}/method", _public(read_method)),
        ("GET", f"{PATH}/sign-in", _public(begin_sign_in)),
        ("GET", CALLBACK_PATH, _public(end_sign_in)),
        ("POST", f"{PATH}/sign-out", _public(sign_out)),
        ("GET", f"{PATH}/signed-out", _public(read_signed_out)),
    ):
        router.add_api_route(path, endpoint, methods=[method], response_class=Response)
    return router


async def read_dashboard(request: Request, caller: Caller) -> Response:
    """Answer the page of one view of one area and period."""
    services = services_of(request)
    given = query_parameters(request, _NAMES)
    reader = await services.officer(caller.subject)
    offer = await services.statistics.offer(reader)
    words = _words(request, services, offer)
    frame = _frame(request, services)
    if not offer.periods:
        return _html("supervision-empty.html", words, **frame)
    area = given.get("area") or unit_area(reader.service.code)
    period = given.get("period") or views.usual_period(offer)
    asking = _Asking(services, reader, words, offer)
    total = await asking.ask(area, period, ())
    groups = views.views_of(level_of(area))
    view = given.get("view") or views.OVERVIEW
    allowed = [each for group in groups.values() for each in group]
    if view not in allowed:
        raise Refused(INVALID_PARAMETER, allowed=allowed)
    return _html(
        "supervision.html",
        words,
        **frame,
        area=area,
        period=period,
        view=view,
        total=total,
        areas=views.areas_in(offer, area),
        periods=views.periods_in(offer),
        views=groups,
        sections=await asking.sections(view, area, period),
        indicators=await asking.indicators(area, period) if view == views.INDICATORS else (),
        not_measured=NOT_MEASURED[words.language],
        notice=NOTICE[words.language],
        threshold=THRESHOLD,
        places=views.places_of(offer, area) if view == views.PLACES and level_of(area) is AreaLevel.UNIT else (),
        may_ask=offer.scope.allows,
    )


class _Asking:
    """The questions of one page, in the reader's name."""

    def __init__(self, services: Services, reader: Officer, words: Words, offer: Offer) -> None:
        self._services, self._reader, self._words, self._offer = services, reader, words, offer

    async def ask(self, area: str, period: str, by: Sequence[str]) -> Answer:
        """Ask what the API would be asked. Raises ``Refused`` (422) for what is not on the lattice."""
        try:
            question = question_of(area=area, period=period, by=by)
        except InvalidQuestion as error:
            raise Refused(INVALID_PARAMETER, error.violations) from None
        return await self._services.statistics.ask(question, self._reader)

    async def sections(self, view: str, area: str, period: str) -> list[Section]:
        """Ask all questions of a view."""
        if view == views.INDICATORS:
            return []
        if view == views.PLACES:
            return await self._places(area, period)
        asked = views.divisions_in(view, area, period)
        return [await self._section(area, period, by) for by in asked]

    async def indicators(self, area: str, period: str) -> list[IndicatorSection]:
        """Ask what the indicators are reckoned from, and reckon them."""
        cells = await cells_of(
            self.ask,
            area,
            period,
            offer=self._offer,
            requisition_bases=self._services.requisition_bases,
            noise_variance=self._services.noise_variance,
        )
        return indicator_sections(cells, self._words)

    async def _places(self, area: str, period: str) -> list[Section]:
        """France by département, a département by commune; for a unit, the communes of the départements of its seats.

        What is below a unit works elsewhere too: a place is counted whole, whoever checks there.
        """
        level = level_of(area)
        if level is AreaLevel.UNIT:
            places = views.places_of(self._offer, area)
            if len(places) > views.MOST_PLACES:
                return []
            return [await self._section(place, period, ("commune",)) for place in places]
        return [await self._section(area, period, ("department" if level is AreaLevel.FRANCE else "commune",))]

    async def _section(self, area: str, period: str, by: Sequence[str]) -> Section:
        answer = await self.ask(area, period, by)
        parts = views.parts_in(by[0], self._offer, area, period)
        return section(answer, self._words, parts, caption_area=self._words.area(area))


async def read_method(request: Request) -> Response:
    """Answer how the numbers are protected, and what each indicator means. For everybody."""
    services = services_of(request)
    words = _words(request, services, None)
    return _html(
        "supervision-method.html",
        words,
        **_frame(request, services),
        sheet=SHEET,
        not_measured=NOT_MEASURED[words.language],
        threshold=THRESHOLD,
    )


async def begin_sign_in(request: Request) -> Response:
    """Send the browser to the identity provider; it comes back to the page that was asked for."""
    services = services_of(request)
    to = urlencode({name: value for name, value in request.query_params.items() if name in _NAMES})
    started = await _sign_in(services).start(to, services.clock())
    return _redirect(started.address, started.cookie)


async def end_sign_in(request: Request) -> Response:
    """Take the provider's answer: a token that is valid and a supervisor's becomes the session."""
    services = services_of(request)
    sign_in, now = _sign_in(services), services.clock()
    finished = await sign_in.finish(dict(request.query_params), request.cookies, now)
    caller = await services.tokens.caller(finished.token)
    require_role(caller, Role.SUPERVISOR)
    cookie = sign_in.session_cookie(finished.token, caller.expires_at, now)
    return _redirect(f"{PATH}?{finished.to}" if finished.to else PATH, cookie, sign_in.forget_sign_in())


async def sign_out(request: Request) -> Response:
    """End the session in this browser; only a page of ours may ask for it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refused(FORBIDDEN)
    return _redirect(f"{PATH}/signed-out", _sign_in(services_of(request)).forget_session())


async def read_signed_out(request: Request) -> Response:
    """Answer that the session is over."""
    services = services_of(request)
    words = _words(request, services, None)
    return _html(
        "supervision-notice.html",
        words,
        **_frame(request, services),
        title=words.say("signed_out.title"),
        text=words.say("signed_out.text"),
        again=True,
    )


def _for_supervisors(page: Page) -> Callable[[Request], Awaitable[Response]]:
    """Put token and role before a page; a browser without a session is sent to sign in."""

    async def endpoint(request: Request) -> Response:
        services = services_of(request)
        given = request.headers.get("authorization")
        session = None if given or services.sign_in is None else services.sign_in.token_of(request.cookies)
        if given is None and session is None and services.sign_in is not None:
            return _to_sign_in(request)
        caller = await services.tokens.caller(session or bearer_token(request.scope["headers"]))
        require_role(caller, Role.SUPERVISOR)
        return await page(request, caller)

    async def answering(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refused as refused:
            # A session whose token holds no longer: the provider knows whether the person may have another.
            if refused.problem is INVALID_TOKEN and "authorization" not in request.headers:
                return _to_sign_in(request)
            raise

    answer = _public(answering)
    answer.roles = (Role.SUPERVISOR,)  # type: ignore[attr-defined]  # read by tests
    return answer


def _public(page: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Turn a refusal into a page in words."""

    async def endpoint(request: Request) -> Response:
        try:
            return await page(request)
        except ReceiptServiceError as error:
            return _refusal(request, error)

    endpoint.roles = ()  # type: ignore[attr-defined]  # read by tests
    return endpoint


def _to_sign_in(request: Request) -> Response:
    to = urlencode({name: value for name, value in request.query_params.items() if name in _NAMES})
    return _redirect(f"{PATH}/sign-in?{to}" if to else f"{PATH}/sign-in")


def _refusal(request: Request, error: ReceiptServiceError) -> Response:
    """Answer a refusal as a page, with the problem's own words and status; raise what is a fault of ours."""
    services = services_of(request)
    words = _words(request, services, None)
    frame = _frame(request, services)
    if isinstance(error, SignInFailed):
        telemetry.logger().info("sign_in_failed", exc_info=error)
        title, text = words.say("sign_in_failed.title"), words.say("sign_in_failed.text")
        return _html("supervision-notice.html", words, _FAILED_STATUS, **frame, title=title, text=text, again=True)
    refused = refusal_of(error)
    if refused is None:
        raise error
    problem = refused.problem
    text = words.say("unauthenticated") if problem is UNAUTHENTICATED else problem.detail[_language(request)]
    telemetry.logger().info("refused", problem=problem.slug, method=request.method, route=PATH)
    allowed = ", ".join(map(str, refused.members.get("allowed", ())))
    answer = _html(
        "supervision-notice.html",
        words,
        problem.status,
        **frame,
        title=problem.title[_language(request)],
        text=f"{text} {allowed}".strip(),
        again=problem in (UNAUTHENTICATED, INVALID_TOKEN, FORBIDDEN, OFFICER_UNKNOWN),
    )
    answer.headers.update({**problem.headers, **refused.headers})
    return answer


def _sign_in(services: Services) -> SignIn:
    if services.sign_in is None:
        raise Refused(UNAUTHENTICATED)
    return services.sign_in


def _language(request: Request) -> Any:
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else preferred_language(request.headers.get("accept-language"))


def _words(request: Request, services: Services, offer: Offer | None) -> Words:
    document = services.catalogues[services.current_catalogue].document
    return Words(
        language=_language(request),
        catalogue=catalogue_of(document),
        units={} if offer is None else offer.units,
        area_name=services.area_name,
    )


def _frame(request: Request, services: Services) -> dict[str, Any]:
    """Give what every page shows around its content."""
    known = {name: value for name, value in request.query_params.items() if name in _NAMES and name != "lang"}
    return {
        "path": request.url.path,
        "given": known,
        "languages": LANGUAGES,
        "demonstration": services.demo_issuer is not None,
        "signs_in": services.sign_in is not None,
        "signed_in": services.sign_in is not None and services.sign_in.token_of(request.cookies) is not None,
        "address": lambda **changed: f"{PATH}?{urlencode({**known, 'lang': _language(request), **changed})}",
        "urlencode": urlencode,
    }


def _redirect(address: str, *cookies: str) -> Response:
    response = RedirectResponse(address, _SEE_OTHER, {"Cache-Control": "no-store"})
    for cookie in cookies:
        response.headers.append("Set-Cookie", cookie)
    return response


def _html(template: str, words: Words, status: int = 200, **context: Any) -> Response:
    text = (
        _templates()
        .get_template(template)
        .render(words=words, say=words.say, texts=texts(words.language), language=words.language, **context)
    )
    headers: Mapping[str, str] = {**_HEADERS, "Content-Language": words.language}
    return Response(text.encode(), status, headers, "text/html; charset=utf-8")


@cache
def _templates() -> Environment:
    loader = PackageLoader("receipt_service.web", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
