"""The application around the page: health, bounds of requests, and its end."""
import asyncio
import logging
import os
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, MutableMapping, Optional

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from .answering import Answering
from .limits import MEGABYTE, Limits
from .page import SESSIONS, css, make_page, theme
from .storage import megabytes_in, sweep

UPLOADS = '/gradio_api/upload'
OVERHEAD = 64 * 1024  # bytes of a request that is no upload, and of its frame
PATIENCE = 8  # times the limit that is dropped before a refusal
GOODBYE = 5  # seconds that open connections have to end
# The page asks for nothing from elsewhere; this makes sure.
POLICY = ("default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
          "frame-ancestors 'self'")
HEADERS = [(b'content-security-policy', POLICY.encode()),
           (b'x-content-type-options', b'nosniff'),
           (b'referrer-policy', b'no-referrer')]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]


class Bounded:
    """Refuses requests with more bytes than ``limits`` allow, whatever they
    say of their length, and uploads for which there is no room.

    Args:
        app: An ASGI application.
        limits (Limits): Of the server.
        folder (Path): Where uploads go.
    """

    def __init__(self, app: Any, limits: Limits, folder: Path) -> None:
        self.app, self.limits, self.folder = app, limits, folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send
                       ) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        upload = scope['path'].rstrip('/') == UPLOADS
        most = OVERHEAD + (self.limits.megabytes * MEGABYTE if upload else 0)
        too_large = PlainTextResponse(
            f'larger than {self.limits.megabytes:g} MB, the limit of this '
            'server' if upload else 'larger than any request but an upload',
            413, {'connection': 'close'})
        refusal = self._refusal(scope, upload, most, too_large)
        if refusal is not None:
            if dict(scope['headers']).get(b'expect') is None:
                await _drain(receive, most)
            await refusal(scope, receive, send)
            return
        came, more, begun, refused = 0, True, False, False

        async def receive_some() -> Scope:
            nonlocal came, more, refused
            if not refused:
                message = await receive()
                came += len(message.get('body', b''))
                more = message.get('more_body', False)
                refused = came > most
            # What is inside gives up then, as if the client had.
            return {'type': 'http.disconnect'} if refused else message

        async def send_on(message: Scope) -> None:
            nonlocal begun
            if refused and not begun:
                return
            begun = True
            if message['type'] == 'http.response.start':
                message['headers'] = [*message['headers'], *HEADERS]
            await send(message)

        try:
            await self.app(scope, receive_some, send_on)
        except ClientDisconnect:  # in the middle of an upload
            pass
        except Exception:
            if not refused:
                raise
        if refused and not begun:
            if more:
                await _drain(receive, most)
            await too_large(scope, receive, send)

    def _refusal(self, scope: Scope, upload: bool, most: float,
                 too_large: PlainTextResponse
                 ) -> Optional[PlainTextResponse]:
        told = dict(scope['headers']).get(b'content-length', b'0')
        if not told.isdigit() or int(told) > most:
            return too_large
        if upload and megabytes_in(self.folder) > self.limits.disk:
            return PlainTextResponse(
                'the server keeps as many uploads and answers as it may: try '
                f'again in {self.limits.kept} s', 503,
                {'retry-after': str(self.limits.kept)})
        return None


async def _drain(receive: Receive, most: float) -> None:
    """Drop the rest of what a client sends, within reason: it may not listen
    before it has sent all. One that asks first, as curl does, need not."""
    came, more = 0, True
    while more and came < PATIENCE * most:
        message = await receive()
        came += len(message.get('body', b''))
        more = message.get('more_body', False)


def make_app(answering: Answering, limits: Limits, folder: Path,
             intro: str = '', model: str = '') -> FastAPI:
    """Make the application: the page at ``/``, Gradio's API below
    ``/gradio_api``, and ``/healthz``.

    Args:
        answering (Answering): Answers an upload.
        limits (Limits): Of the server.
        folder (Path): Where uploads go, see :func:`prepare_gradio`.
        intro (str): Markdown for the page.
        model (str): What ``/healthz`` calls the model.
    """
    page = make_page(answering, limits, intro)

    @asynccontextmanager
    async def swept(_: FastAPI) -> Any:
        async def forever() -> None:
            while True:
                await asyncio.sleep(30)
                try:
                    # Later than Gradio, which then knows what is gone.
                    await asyncio.to_thread(sweep, folder, limits.kept + 60)
                except OSError as e:  # the next time, perhaps
                    logging.getLogger(__name__).warning('%s', e)

        task = asyncio.create_task(forever())
        yield
        task.cancel()

    app = FastAPI(lifespan=swept, docs_url=None, redoc_url=None,
                  openapi_url=None)

    @app.get('/healthz')
    async def healthz() -> Dict[str, Any]:
        return dict(status='ok', model=model, waiting=len(page._queue),
                    most_waiting=limits.waiting)

    app.add_middleware(Bounded, limits=limits, folder=folder)
    return gr.mount_gradio_app(
        app, page, path='/', footer_links=['api'], run_history=False,
        show_error=True, ssr_mode=False, mcp_server=False,
        enable_monitoring=False, theme=theme(), css=css(),
        max_file_size=int(limits.megabytes * MEGABYTE))


def prepare_gradio(folder: Path) -> None:
    """Make Gradio keep its files in a folder and ask nobody for anything."""
    os.environ.update(GRADIO_TEMP_DIR=str(folder),
                      GRADIO_ANALYTICS_ENABLED='False')


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises:
        OSError: The port is in use, or the address is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as e:
        raise OSError(f'cannot listen at {host}:{port}: {e.strerror or e}; '
                      'give another --port, 0 for any that is free') from e
    return listening


class _Server(uvicorn.Server):
    """Tells Gradio that it ends, which else keeps its connections open."""

    async def shutdown(self, sockets: Any = None) -> None:
        for route in self.config.app.routes:
            if isinstance(route, Mount):
                route.app.stop_event.set()
                route.app.get_blocks()._queue.close()
        await super().shutdown(sockets)


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM; open connections then have some seconds
    to end.

    Raises:
        KeyboardInterrupt: Then; uvicorn raises its signal again.
    """
    config = uvicorn.Config(
        app, log_level='warning', limit_concurrency=SESSIONS,
        timeout_graceful_shutdown=GOODBYE)
    _Server(config).run(sockets=[listening])
