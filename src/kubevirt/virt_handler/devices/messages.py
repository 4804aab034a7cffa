"""The messages of the kubelet's device plugin API as typed functions from and to bytes.

`kubelet.proto` beside this file is the contract. It is read here at import, which takes a millisecond and spares the
repository generated code and the build a code generator. Protobuf classes made this way have no static types, so none
of them leaves this module: others see strings, lists and bytes.
"""

import re
from importlib import resources

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from kubevirt.virt_handler.devices.offer import Allocation

VERSION = "v1beta1"
HEALTHY = "Healthy"

_SCALARS = {
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}
_MESSAGE = re.compile(r"message (\w+) \{([^}]*)\}")
_FIELD = re.compile(r"(repeated )?(\w+) (\w+) = (\d+);")


def _load() -> dict[str, type[Message]]:
    """Message classes by name; understands the small part of the proto3 language that our own file uses."""
    text = resources.files(__package__ or "").joinpath("kubelet.proto").read_text(encoding="utf-8")
    file = descriptor_pb2.FileDescriptorProto(name="kubevirt/kubelet.proto", package=VERSION, syntax="proto3")
    for name, body in _MESSAGE.findall(text):
        message = file.message_type.add(name=name)
        for repeated, type_name, field_name, number in _FIELD.findall(body):
            field = message.field.add(name=field_name, number=int(number))
            field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if type_name in _SCALARS:
                field.type = _SCALARS[type_name]
            else:
                field.type, field.type_name = field.TYPE_MESSAGE, f".{VERSION}.{type_name}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{VERSION}.{name}"))
            for name in file_message_names(text)}  # fmt: skip


def file_message_names(text: str) -> list[str]:
    return [name for name, _ in _MESSAGE.findall(text)]


_TYPES = _load()


def register_request(endpoint: str, resource_name: str) -> bytes:
    """Announces the socket `endpoint` (a file name in the kubelet's plugin directory) as the server of a resource."""
    return _TYPES["RegisterRequest"](
        version=VERSION, endpoint=endpoint, resource_name=resource_name, options=_TYPES["DevicePluginOptions"]()
    ).SerializeToString()


def options() -> bytes:
    """Neither a call before each container start nor preferred allocations are wanted."""
    return _TYPES["DevicePluginOptions"]().SerializeToString()


def device_list(ids: list[str]) -> bytes:
    """All devices there are right now, each healthy; an absent device is not listed at all."""
    device = _TYPES["Device"]
    return _TYPES["ListAndWatchResponse"](
        devices=[device(ID=device_id, health=HEALTHY) for device_id in ids]
    ).SerializeToString()


def requested_devices(request: bytes) -> list[list[str]]:
    """The device ids that each container of an AllocateRequest asks for."""
    message = _TYPES["AllocateRequest"].FromString(request)
    # The message types are made at run time.
    return [list(container.devices_ids) for container in message.container_requests]  # type: ignore[attr-defined]


def allocate_response(containers: list[Allocation], permissions: str) -> bytes:
    """What each container gets, under the paths of the node; `permissions` are those for device files."""
    answers = []
    for given in containers:
        devices = [_TYPES["DeviceSpec"](container_path=path, host_path=path, permissions=permissions)
                   for path in given.files]
        mounts = [_TYPES["Mount"](container_path=path, host_path=path) for path in given.directories]
        envs = [_TYPES["Variable"](key=key, value=value) for key, value in given.environment.items()]
        answers.append(_TYPES["ContainerAllocateResponse"](envs=envs, mounts=mounts, devices=devices))
    return _TYPES["AllocateResponse"](container_responses=answers).SerializeToString()


def empty() -> bytes:
    """The bytes of every message without fields."""
    return b""
