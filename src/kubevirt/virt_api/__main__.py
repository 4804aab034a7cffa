"""The entry of `virt-api`: one HTTPS server on port 8443 until SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from kubevirt.api.config import ClusterConfig
from kubevirt.api.kinds import PRESETS
from kubevirt.api.kubevirt import KubeVirt
from kubevirt.api.resources import KUBEVIRTS
from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kit.tasks import Tasks
from kubevirt.kube.certs import CertificateFiles, ClientTls, ServerTls
from kubevirt.kube.client import Client
from kubevirt.kube.config import load_access
from kubevirt.kube.informer import Informer
from kubevirt.kube.metrics import page
from kubevirt.kube.metrics.measures import Measures
from kubevirt.virt_api import (
    discovery,
    expand_routes,
    guest_routes,
    instance_routes,
    later,
    lifecycle_routes,
    more_routes,
)
from kubevirt.virt_api.aggregator import Aggregator, gate
from kubevirt.virt_api.kind_webhooks import KindWebhooks
from kubevirt.virt_api.metrics import ApiMetrics
from kubevirt.virt_api.node_agents import NodeAgents, session
from kubevirt.virt_api.pod_webhooks import PodWebhooks
from kubevirt.virt_api.server import AGENTS, CLIENT, LARGEST_BODY, errors_as_status
from kubevirt.virt_api.streams import follow_streams
from kubevirt.virt_api.vm_webhooks import VmWebhooks
from kubevirt.virt_api.webhooks import CurrentConfig, Webhooks

log = logs.get("virt-api")

PORT = 8443
SERVER_CERTIFICATE = Path("/etc/virt-api/certificates")
HANDLER_CLIENT_CERTIFICATE = Path("/etc/virt-handler/clientcertificates")
AUTHORITIES = Path("/etc/virt-api/ca")
LAST_REQUESTS_S = 5.0
BASE = f"/apis/{discovery.GROUP}/" + "{version:" + "|".join(discovery.VERSIONS) + "}/namespaces/{namespace}"


def main() -> None:
    """Run virt-api; exit code 1 with one readable line when it cannot work here."""
    logs.setup("virt-api", os.environ.get("LOG_LEVEL", "info"))
    try:
        asyncio.run(serve(namespace=os.environ.get("KUBEVIRT_NAMESPACE", "kubevirt")))
    except Problem as e:
        log.error("virt-api cannot run", e)
        sys.exit(1)


async def serve(*, namespace: str) -> None:
    """Serve until SIGTERM or SIGINT, then let running requests end."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    access, measures = load_access(), Measures()
    metrics = ApiMetrics(measures, host=access.server)
    async with (
        Client(access, program="virt-api", measure=measures.requests) as client, Tasks() as tasks, session() as http
    ):
        aggregator = Aggregator(client)
        kubevirts = Informer(client, KUBEVIRTS, namespace=namespace)
        presets = Informer(client, PRESETS, indexers={"namespace": lambda preset: [preset.metadata.namespace]})
        for cache in (kubevirts, presets):
            cache.start(tasks)
        await aggregator.start(tasks)
        await kubevirts.synced()
        await presets.synced()
        handler_tls = ClientTls(CertificateFiles.mounted(HANDLER_CLIENT_CERTIFICATE, AUTHORITIES))
        agents = NodeAgents(client=client, http=http, tls=handler_tls, namespace=namespace)
        config = ConfigCache(kubevirts).current
        webhooks = [
            *Webhooks(config, namespace, lambda of: presets.by_index("namespace", of)).routes(),
            *VmWebhooks(client, config, created=metrics.machine_created).routes(),
            *KindWebhooks(client, config, namespace).routes(),
            *PodWebhooks(client, config).routes(),
        ]
        await _listen(application(client, aggregator, agents, webhooks, config, metrics), aggregator, stopped, metrics)
    log.info("virt-api stopped")


def application(
    client: Client, aggregator: Aggregator, agents: NodeAgents, webhooks: list[web.RouteDef], config: CurrentConfig,
    metrics: ApiMetrics,
) -> web.Application:
    """The web application: webhooks for anybody the API server lets through, sub-resources behind the gate."""
    app = web.Application(middlewares=[errors_as_status, gate(client, aggregator), metrics.follow()],
                          client_max_size=LARGEST_BODY)
    app[CLIENT] = client
    app[AGENTS] = agents
    follow_streams(app)
    machines, instances = f"{BASE}/virtualmachines", f"{BASE}/virtualmachineinstances"
    app.router.add_routes(discovery.routes())
    app.router.add_routes(webhooks)
    app.router.add_routes([page.route(metrics.gather)])
    app.router.add_routes(lifecycle_routes.routes(machines))
    app.router.add_routes(instance_routes.routes(instances, machines))
    app.router.add_routes(guest_routes.routes(instances))
    app.router.add_routes(expand_routes.routes(BASE, config))
    app.router.add_routes(later.routes(BASE, config))
    app.router.add_routes(later.profiler_routes(discovery.GROUP))
    app.router.add_routes(more_routes.routes(BASE, config))
    return app


async def _listen(app: web.Application, aggregator: Aggregator, stopped: asyncio.Event, metrics: ApiMetrics) -> None:
    certificate = CertificateFiles.mounted(SERVER_CERTIFICATE)
    files = CertificateFiles(certificate=certificate.certificate, key=certificate.key, authorities=aggregator.ca_file)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_REQUESTS_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=PORT, ssl_context=ServerTls(files).context).start()
        log.info("virt-api serves", port=PORT)
        metrics.is_ready = True
        await stopped.wait()
        metrics.is_ready = False
    finally:
        await runner.cleanup()


class ConfigCache:
    """The cluster's configuration, worked out again only when the KubeVirt object has changed."""

    def __init__(self, kubevirts: Informer[KubeVirt]) -> None:
        self._kubevirts = kubevirts
        self._version: str | None = None
        self._config = ClusterConfig()

    def current(self) -> ClusterConfig:
        """The configuration as of now; defaults while there is no KubeVirt object."""
        found = self._kubevirts.all()
        version = found[0].metadata.resource_version if found else ""
        if version != self._version:
            self._config = ClusterConfig.of(found[0]) if found else ClusterConfig()
            self._version = version
        return self._config


if __name__ == "__main__":
    main()
