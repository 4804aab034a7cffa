"""The HTTPS server of virt-api: one port for webhooks and the aggregated API, errors as Status objects."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from kubevirt.kit import logs
from kubevirt.kit.errors import Problem
from kubevirt.kube.client import Client
from kubevirt.kube.errors import ApiError
from kubevirt.virt_api.node_agents import NodeAgents
from kubevirt.virt_api.replies import StatusError, status_reply

log = logs.get("virt-api")

CLIENT = web.AppKey("client", Client)
AGENTS = web.AppKey("agents", NodeAgents)
# A review carries the old and the new object, each as large as the API server takes them.
LARGEST_BODY = 16 * 1024 * 1024


@web.middleware
async def errors_as_status(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever ends a request reaches the client as a Status with a readable message."""
    try:
        return await handler(request)
    except StatusError as e:
        return status_reply(e.code, e.message, e.details)
    except ApiError as e:
        log.error("the API server refused", e, path=request.path)
        return status_reply(500, f"the API server refused: {e.message}")
    except Problem as e:
        return status_reply(500, str(e))
    except web.HTTPException as e:
        return status_reply(e.status, f"{request.method} {request.path}: {e.reason}")
