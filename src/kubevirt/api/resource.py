"""What a resource of the API server is; which there are stands in `resources` and `kinds`."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Resource(Generic[T]):
    """A resource of the API server."""

    group: str
    """Empty for Kubernetes' core group."""
    version: str
    plural: str
    kind: str
    type_: type[T]
    namespaced: bool = True
    has_status: bool = False
    """Whether the status is written through a sub-resource of its own."""

    @property
    def api_version(self) -> str:
        """``group/version``, or only the version in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def base_path(self) -> str:
        """``/api/v1`` or ``/apis/<group>/<version>``."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural
