"""Pushes built images to a registry: the few requests of the OCI distribution API that this takes, nothing more.

Layers that the registry has already are not sent. Who may push is taken from `~/.docker/config.json` (or
$DOCKER_CONFIG), as `docker login`, `podman login` and `skopeo login` leave it; credential helpers are not asked.
"""

import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from images.steps import OUTPUT, CannotBuild, step

TIMEOUT = aiohttp.ClientTimeout(total=None, connect=30, sock_read=300)


@dataclass
class Registry:
    """One registry, named like `registry.example.org/team`; `http://` in front means without TLS."""

    address: str
    session: aiohttp.ClientSession
    authorization: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = self.address.startswith("http://")
        host, _, self.prefix = re.sub(r"^https?://", "", self.address).strip("/").partition("/")
        self.host = host
        self.url = f"{'http' if plain else 'https'}://{host}"

    async def push(self, tar: Path, repository: str, tag: str) -> str:
        """Sends an image tar under a new repository and tag; the name under which nodes can pull it."""
        name = "/".join(filter(None, (self.prefix, repository)))
        with image(tar) as (descriptor, blob):
            manifest = blob(descriptor["digest"])
            content = json.loads(manifest)
            for part in [*content["layers"], content["config"]]:
                await self.push_blob(name, part["digest"], blob(part["digest"]))
            headers = {"Content-Type": descriptor["mediaType"]}
            await self.request("PUT", f"/v2/{name}/manifests/{tag}", name, data=manifest, headers=headers)
        return f"{self.host}/{name}:{tag}"

    async def push_blob(self, name: str, digest: str, content: bytes) -> None:
        status, _ = await self.request("HEAD", f"/v2/{name}/blobs/{digest}", name, accept=(200, 404))
        if status == 200:
            return
        _, location = await self.request("POST", f"/v2/{name}/blobs/uploads/", name)
        target = f"{location}{'&' if '?' in location else '?'}digest={digest}"
        await self.request("PUT", target, name, data=content, headers={"Content-Type": "application/octet-stream"})

    async def request(
        self,
        method: str,
        target: str,
        name: str,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        accept: tuple[int, ...] = (200, 201, 202, 204),
    ) -> tuple[int, str]:
        """Status and Location of the answer. A request for proof of who we are is answered once."""
        url = target if target.startswith("http") else self.url + target
        for attempt in (1, 2):
            sent = {**(headers or {}), **self.authorization}
            try:
                async with self.session.request(method, url, data=data, headers=sent) as answer:
                    if answer.status == 401 and attempt == 1:
                        await self.log_in(answer.headers.get("WWW-Authenticate", ""), name)
                        continue
                    if answer.status not in accept:
                        text = (await answer.text())[:300]
                        raise CannotBuild(
                            f"{self.host} answered {answer.status} to {method} {target}: {text}",
                            remedy="log in with docker, podman or skopeo (~/.docker/config.json), or check the name",
                        )
                    return answer.status, answer.headers.get("Location", "")
            except aiohttp.ClientError as e:
                raise CannotBuild(f"{self.host} cannot be reached: {e}", remedy="check the registry's address") from e
        raise AssertionError("the second attempt always ends")

    async def log_in(self, challenge: str, name: str) -> None:
        """Answers a 401: with the stored name and password themselves, or with a token bought for them."""
        basic = stored_login(self.host)
        if challenge.lower().startswith("basic"):
            self.authorization = basic
            return
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = {"service": fields.get("service", ""), "scope": f"repository:{name}:pull,push"}
        async with self.session.get(fields.get("realm", self.url), params=query, headers=basic) as answer:
            body = await answer.json(content_type=None) if answer.status == 200 else {}
        self.authorization = {"Authorization": f"Bearer {body.get('token') or body.get('access_token') or ''}"}


def stored_login(host: str) -> dict[str, str]:
    """The header for a registry from docker's configuration, empty if there is none."""
    path = Path(os.environ.get("DOCKER_CONFIG", "~/.docker")).expanduser() / "config.json"
    logins = json.loads(path.read_text()).get("auths", {}) if path.exists() else {}
    for name, login in logins.items():
        if re.sub(r"^https?://|/.*$", "", name) == host and login.get("auth"):
            return {"Authorization": f"Basic {login['auth']}"}
    return {}


class Blobs:
    """The blobs of an image tar by digest."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar

    def __call__(self, digest: str) -> bytes:
        return self.member("blobs/" + digest.replace(":", "/"))

    def member(self, name: str) -> bytes:
        file = self.tar.extractfile(name)
        if file is None:
            raise CannotBuild(f"{self.tar.name!s} has no {name}", remedy="remove it and run: make images")
        return file.read()


@contextmanager
def image(path: Path) -> Iterator[tuple[dict[str, str], Blobs]]:
    """The manifest's descriptor of an OCI image tar, and its blobs."""
    with tarfile.open(path) as tar:
        blobs = Blobs(tar)
        yield json.loads(blobs.member("index.json"))["manifests"][0], blobs


async def push_all(address: str) -> None:
    """Pushes every built image, and says how the add-on is installed from there."""
    tars = sorted(OUTPUT.glob("*.tar"))
    if not tars:
        raise CannotBuild(f"no images in {OUTPUT}", remedy="run: make images")
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        registry = Registry(address, session)
        for tar in tars:
            reference = str(json.loads(tar.with_suffix(".json").read_text())["reference"])
            repository, _, tag = reference.partition("/")[2].rpartition(":")
            with step(f"pushing {repository}:{tag}"):
                pushed = await registry.push(tar, repository.rpartition("/")[2], tag)
            print(f"images: pushed {pushed}", flush=True)
            if repository.endswith("/virt"):
                print(f"images: to install it: virt-operator install --image {pushed}", flush=True)
