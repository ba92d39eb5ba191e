import pytest
from pydantic import BaseModel

from receipt_service.web import requests
from tests.bench import bare_body

PAIRS = {
    bare_body.BareCheck: requests.CheckRequestIn,
    bare_body.BareBasis: requests.BasisUseIn,
    bare_body.BareRequisition: requests.RequisitionIn,
    bare_body.BarePlace: requests.PlaceIn,
    bare_body.BareEstablished: requests.IdentityEstablishedIn,
    bare_body.BareNotEstablished: requests.IdentityNotEstablishedIn,
    bare_body.BareRecipient: requests.RecipientIn,
}


@pytest.mark.parametrize(("bare", "ours"), PAIRS.items(), ids=lambda model: model.__name__)
def test_the_bare_rung_reads_the_same_body(bare: type[BaseModel], ours: type[BaseModel]):
    assert bare.model_fields.keys() == ours.model_fields.keys()
