"""The dashboard's numbers are the API's, all of them, on both databases."""

from receipt_service.web.authentication import Role
from tests.support.dashboard import CROSSED, VIEWS, Page, get_page, release_figures, shown_page


def asked(api, question):
    """The API's own answer to the question that a table says it answers."""
    answer = api.get(f"/v1/statistics/checks?{question}", "agent-3", Role.SUPERVISOR)
    assert answer.status == 200, answer.body
    return answer.json


def test_every_number_on_every_page_is_the_apis(api):
    release_figures(api.engine)
    compared = 0
    for area in ("UPN-75", "UPN-75-10", "D75", "C75110"):
        for view in (*VIEWS, *CROSSED):
            answer = get_page(api, area=area, period="2026-Q3", view=view)
            if answer.status == 422:
                assert area == "C75110"
                continue
            page = Page(answer.body.decode())
            total = next(each for tag, each in page.elements if "total" in str(each.get("class")) and tag == "div")
            assert str(asked(api, total["data-question"])["total"]["checks"]) in {
                str(each.get("data-checks")) for each in page.having("p")
            }
            for table in page.tables:
                document = asked(api, table.question)
                by = document["by"]
                expected = {
                    tuple(figure["values"][name] for name in by): figure["checks"] for figure in document["figures"]
                }
                on_page = {row.values: row.checks for row in table.rows if row.checks is not None}
                assert on_page == expected
                written = {row.values: row.cells[1] for row in table.rows if row.checks is not None}
                assert written == {values: f"{checks:,}" for values, checks in expected.items()}
                compared += len(expected)
    assert compared > 150


def test_indicators_are_reckoned_from_released_numbers(api):
    release_figures(api.engine)
    page = shown_page(api, area="UPN-75", period="2026-Q3", view="indicators")
    total = asked(api, "area=UPN-75&period=2026-Q3")["total"]["checks"]
    free = {
        figure["values"]["outcome"]: figure["checks"]
        for figure in asked(api, "area=UPN-75&period=2026-Q3&by=outcome")["figures"]
    }["LIBRE"]
    codes = [table.indicator for table in page.tables]

    assert {"checks", "nothing", "hit_rate_by_basis", "outcomes", "place_gini", "delivery_time"} <= set(codes)
    assert f"{100 * free / total:.1f}%" in page.text
    assert "Disproportion by perceived origin cannot be measured" in page.text


def test_the_api_gives_the_same_indicators_with_what_they_mean(api):
    release_figures(api.engine)
    page = shown_page(api, area="UPN-75", period="2026-Q3", view="indicators")
    answer = api.get("/v1/statistics/indicators?area=UPN-75&period=2026-Q3", "agent-3", Role.SUPERVISOR)
    assert answer.status == 200, answer.body
    indicators = {each["code"]: each for each in answer.json["indicators"]}

    assert list(indicators) == [table.indicator for table in page.tables]
    (nothing,) = indicators["nothing"]["values"]
    assert nothing["low"] < nothing["value"] < nothing["high"]
    assert f"{100 * nothing['value']:.1f}%" in page.text
    assert indicators["draw_adherence"]["values"][0]["missing"]["reason"] == "not_counted"
    assert all(each["definition"]["fr"] and each["cannot_show"]["en"] for each in indicators.values())


def test_indicators_keep_to_the_readers_units_and_to_released_periods(api):
    release_figures(api.engine)

    def status(query, subject="agent-3", role=Role.SUPERVISOR):
        return api.get(f"/v1/statistics/indicators?{query}", subject, role).status

    assert status("area=UPN-973&period=2026-Q3") == 403
    assert status("period=2026-Q3", role=Role.OFFICER) == 403
    assert status("period=2026-Q2") == 404
    assert status("period=2026-Q3&by=basis") == 422
    assert status("period=yesterday") == 422
