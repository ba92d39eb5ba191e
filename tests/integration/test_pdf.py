"""The PDF: set by Typst, read back by another library, its code by a third."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import IndirectObject

from receipt_service.delivery.rendering import pdf as rendering
from receipt_service.delivery.rendering.pdf import RECEIPT_FILE, REPLACEMENT, PdfRefused, render_pdf
from receipt_service.domain.person import EstablishedBy, IdentityEstablished
from tests.support.pixels import read_page
from tests.support.rendered_receipts import MAYOTTE, REFUSED, REQUISITION, Case, catalogues
from tests.support.small_log import SmallLog

A4 = (595.28, 841.89)


def rendered(case: Case, languages: tuple[str, ...] = ("fr",)) -> bytes:
    return render_pdf(case.receipt, case.url, catalogues(), languages)


def reader(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf), strict=True)


def text_of(pdf: bytes) -> str:
    """The words of all pages with single spaces, as a reader would search them."""
    return " ".join(" ".join(page.extract_text() for page in reader(pdf).pages).split())


def named(family_name: str) -> IdentityEstablished:
    return IdentityEstablished(
        family_name=family_name,
        given_names="Zoë",
        birth_date="1990-05",
        birth_place="L’Haÿ-les-Roses",
        established_by=EstablishedBy.STATEMENT,
    )


def test_it_is_one_a4_page_in_french_with_the_five_groups():
    document = reader(rendered(Case()))
    (page,) = document.pages
    assert [round(float(side), 2) for side in page.mediabox[2:]] == pytest.approx(A4, abs=0.1)
    text = text_of(rendered(Case()))
    for said in (
        "Récépissé de contrôle d’identité",
        "1. Base légale et motifs",
        "2. Suites et recours",
        "3. Identité",
        "4. Date, heure et lieu",
        "5. Agent",
        "N’Diaye-Lefèvre",
        "17 mai 1990",
        "lundi 23 novembre 2026 à 14 h 05 (heure de Paris, UTC+1)",
        "RIO 1234567",
        "3FQ7Z-2M9K4-T8W1X-C5VB6-ND0RH-J",
        "Défenseur des droits",
        "ne vaut pas titre d’identité",
    ):
        assert said in text


def test_a_second_language_stands_beside():
    text = text_of(rendered(Case(place=MAYOTTE, bases=(REQUISITION,)), ("fr", "en")))
    for said in ("Base légale et motifs", "Legal basis and reasons", "16 h 05", "16:05 (Mayotte time, UTC+3)"):
        assert said in text


def test_an_identity_not_established_is_said():
    text = text_of(rendered(Case(person=REFUSED)))
    assert "Non établie" in text
    assert "Votre identité n’y figure pas" in text


def test_the_code_on_the_page_is_the_link():
    case = Case()
    assert read_page(rendered(case)) == [case.url]
    assert read_page(rendered(case, ("fr", "en"))) == [case.url]


def test_the_code_of_the_longest_names_is_read_too():
    case = Case(person=named("É" * 150))
    assert read_page(rendered(case)) == [case.url]


def test_the_signed_file_is_inside():
    case = Case()
    document = reader(rendered(case))
    assert document.attachments == {RECEIPT_FILE: [case.receipt.compact.encode()]}
    (specification,) = document.trailer["/Root"]["/AF"]
    assert specification.get_object()["/AFRelationship"] == "/Source"
    embedded = specification.get_object()["/EF"]["/F"].get_object()
    assert embedded["/Subtype"] == "/application/dc+sd-jwt"


def test_it_is_tagged_named_and_says_its_languages():
    root = reader(rendered(Case(), ("fr", "en"))).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "fr"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    kinds, languages, alternatives = structure(root["/StructTreeRoot"])
    assert {"/H1", "/H2", "/P", "/L", "/LI", "/LBody", "/Figure"} <= kinds
    assert "en" in languages
    assert alternatives == ["Code QR du lien de vérification de ce récépissé"]


def structure(root):
    """The kinds of element, the languages and the alternative texts of a structure tree."""
    kinds, languages, alternatives, waiting = set(), set(), [], [root]
    while waiting:
        node = waiting.pop()
        node = node.get_object() if isinstance(node, IndirectObject) else node
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            kinds.add(node.get("/S"))
            languages.add(node.get("/Lang"))
            if "/Alt" in node:
                alternatives.append(node["/Alt"])
            waiting.append(node.get("/K"))
    return kinds, languages, alternatives


def test_every_font_is_inside_and_the_identity_is_in_no_metadata():
    document = reader(rendered(Case()))
    fonts = document.pages[0]["/Resources"]["/Font"].values()
    assert fonts
    for font in fonts:
        (descendant,) = font.get_object()["/DescendantFonts"]
        descriptor = descendant.get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & descriptor.keys()
    about = str(document.metadata) + document.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    for name in ("Diaye", "Zoë", "1990", "Étienne", "3FQ7Z"):
        assert name not in about


def test_the_same_receipt_gives_the_same_bytes_in_every_thread():
    case = Case()
    expected = rendered(case)
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: rendered(case), range(8))) == {expected}


def test_a_long_receipt_goes_on_to_another_page_with_its_number():
    case = Case(reason_text="Des faits objectifs, longuement dits. " * 50, bases=(REQUISITION,))
    document = reader(rendered(case, ("fr", "en")))
    assert len(document.pages) > 1
    for at, page in enumerate(document.pages, start=1):
        text = " ".join(page.extract_text().split())
        assert "3FQ7Z-2M9K4" in text
        assert f"{at} / {len(document.pages)}" in text


HOSTILE = (
    '#panic("x") *b* _i_ $x$ `c` @ref <label> \\ " \') #import "/etc/passwd" = H // c /* d */ [x] {y} ~ - + / t: u'
)


def test_what_people_write_stays_text():
    case = Case(person=named(HOSTILE), reason_text=HOSTILE)
    text = text_of(rendered(case))
    assert "".join(text.split()).count("".join(HOSTILE.split())) == 2


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60))
def test_any_name_is_set(name):
    assert rendered(Case(person=named(name.replace("\n", " ")))).startswith(b"%PDF")


@pytest.mark.parametrize("name", ["Đặng Thị", "Łukasz Żółć", "İlayda Şahin", "Πέτρος", "Пётр", "O’Neill", "Ðorđe Ħ Ŋ"])
def test_the_letters_of_names_are_printed(name):
    text = text_of(rendered(Case(person=named(name))))
    # A change of font looks like a space, and a letter may be set as letter and mark.
    assert "".join(name.split()) in unicodedata.normalize("NFC", "".join(text.split()))
    assert REPLACEMENT not in text


@pytest.mark.parametrize("name", ["王小明", "Zoë \U0001f600"])
def test_letters_without_a_glyph_are_replaced_and_said_to_be(name):
    pdf = rendered(Case(person=named(name)))
    text = text_of(pdf)
    assert REPLACEMENT in text
    assert "garde l’écriture exacte" in text
    assert Case(person=named(name)).receipt.compact.encode() in reader(pdf).attachments[RECEIPT_FILE]


def test_what_typst_refuses_is_told_without_its_words(monkeypatch):
    monkeypatch.setattr(rendering, "_is_common", lambda _: True)
    monkeypatch.setattr(rendering, "_has_glyph", lambda _: True)
    with pytest.raises(PdfRefused) as refused:
        rendered(Case(person=named("王")))
    assert "王" not in str(refused.value)
    assert refused.value.__context__ is None


def test_every_letter_that_passes_for_common_has_a_glyph():
    common = "".join(char for char in map(chr, range(0x250)) if char.isprintable())
    for start in range(0, len(common), 50):
        name = " ".join(common[start : start + 50]).strip() or "x"
        assert REPLACEMENT not in text_of(rendered(Case(person=named(name))))


def test_the_log_s_proof_is_attached_beside_the_receipt():
    case, proof = Case(), SmallLog().proof()
    pdf = render_pdf(case.receipt, case.url, catalogues(), ("fr", "en"), proof)
    attached = reader(pdf).attachments
    assert attached == {RECEIPT_FILE: [case.receipt.compact.encode()], "receipt.tlog-proof": [proof]}
    assert text_of(pdf).count("receipt.tlog-proof") == 2
    assert "tlog-proof" not in text_of(rendered(case))
    assert len(reader(render_pdf(case.receipt, case.url, catalogues(), ("fr",), proof)).pages) == 1


def test_a_proof_is_attached_as_it_is_even_where_letters_are_replaced():
    proof = 'a "proof"\\\n— with #panic() ∀\n'.encode()
    case = Case(person=named("王"))
    pdf = render_pdf(case.receipt, case.url, catalogues(), ("fr",), proof)
    assert reader(pdf).attachments["receipt.tlog-proof"] == [proof]
    assert REPLACEMENT in text_of(pdf)
