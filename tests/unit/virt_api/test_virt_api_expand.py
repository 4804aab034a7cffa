"""Bodies that expand-vm-spec takes and refuses; what becomes of a machine is tested beside the types, the way over HTTP
end to end.
"""

from __future__ import annotations

import pytest

from kubevirt.kit.json import Json, dig
from kubevirt.virt_api.discovery import resource_list
from kubevirt.virt_api.expand_routes import sent_machine
from kubevirt.virt_api.replies import StatusError

NOT_VALID = "Object is not a valid VirtualMachine"
MACHINE = '{"kind": "VirtualMachine", "metadata": {%s}, "spec": {"template": {"spec": {"domain": {"devices": {}}}}}}'


@pytest.mark.parametrize(("body", "message", "cause"), [
    pytest.param("", "empty request body", "", id="nothing"),
    pytest.param(" \n", "empty request body", "", id="only space"),
    pytest.param("{", "Can not unmarshal Request body to struct, error: not a JSON document", "", id="no JSON"),
    pytest.param("[]", NOT_VALID, "the body is not an object of kind VirtualMachine", id="a list"),
    pytest.param('{"kind": "Pod"}', NOT_VALID, "the body is not an object of kind VirtualMachine", id="another kind"),
    pytest.param('{"kind": "VirtualMachine"}', NOT_VALID, "spec.template in body is required", id="no template"),
    pytest.param('{"spec": {"template": {"spec": {"domain": {"cpu": {"cores": "x"}}}}}}', NOT_VALID,
                 "spec.template.spec.domain.cpu.cores: ", id="a field of another type"),
    pytest.param(MACHINE % '"namespace": "other"', "VM namespace must be empty or shop", "", id="another namespace"),
])
def test_what_is_no_machine_of_this_namespace_is_refused(body: str, message: str, cause: str) -> None:
    with pytest.raises(StatusError) as refused:
        sent_machine(body.encode(), "shop")
    assert refused.value.code == 400
    assert refused.value.message.startswith(message)
    causes = (refused.value.details or {}).get("causes", [])
    assert isinstance(causes, list)
    assert [str(dig(c, "message")).startswith(cause) for c in causes] == ([True] if cause else [])


def test_a_request_without_a_namespace_is_refused() -> None:
    with pytest.raises(StatusError) as refused:
        sent_machine((MACHINE % "").encode(), "")
    assert (refused.value.code, refused.value.message) == (400, "The request namespace must not be empty")


@pytest.mark.parametrize("metadata", ["", '"namespace": "shop"'], ids=["without namespace", "with its namespace"])
def test_a_machine_is_one_of_the_requests_namespace(metadata: str) -> None:
    assert sent_machine((MACHINE % metadata).encode(), "shop").metadata.namespace == "shop"


def test_both_are_listed_where_clients_look() -> None:
    listed = resource_list("v1")["resources"]
    assert isinstance(listed, list)
    verbs: dict[Json, Json] = {str(dig(each, "name")): dig(each, "verbs") for each in listed}
    assert verbs["virtualmachines/expand-spec"] == ["get"]
    assert verbs["expand-vm-spec"] == ["update"]
