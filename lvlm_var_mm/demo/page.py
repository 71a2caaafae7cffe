"""The page: a place to drop a file, the answer, and files for download."""
from abc import ABCMeta
from html import escape
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import gradio as gr
from gradio.exceptions import InvalidPathError

from .answering import Answered, Answering
from .limits import Limits

TITLE = 'What does this clip show?'
HERE = Path(__file__).parent
SESSIONS = 256  # clients at a time
# Fonts that a system has. Gradio's own themes may ask the web for one.
FONTS = ['system-ui', 'Segoe UI', 'Roboto', 'DejaVu Sans', 'sans-serif']
MONO = ['ui-monospace', 'DejaVu Sans Mono', 'monospace']
# Apart from the page around it: it has an origin of its own and cannot read
# or send anything.
FRAME = ('<iframe class="answer" title="answer" sandbox="allow-scripts" '
         'srcdoc="{}"></iframe>')


class _WithoutStub(type(gr.File)):
    """Gradio's metaclass writes a stub file beside the source of a component,
    for editors to find its events; this one has those of its base."""

    def __new__(cls, name: str, bases: Tuple, attrs: Dict) -> Any:
        return ABCMeta.__new__(cls, name, bases, attrs)


class Upload(gr.File, metaclass=_WithoutStub):
    """Takes what was uploaded to this server, and nothing else.

    Gradio fetches a URL that stands in the place of a path, and where it is
    mounted into an application takes any file of the machine.
    """
    is_template = True  # drawn as its base

    async def async_move_resource_to_block_cache(
            self, url_or_file_path: Any) -> Optional[str]:
        """Return the path of an upload.

        Raises:
            InvalidPathError: It is not one.
        """
        if url_or_file_path is None:
            return None
        path = Path(str(url_or_file_path)).resolve()
        if Path(self.GRADIO_CACHE).resolve() not in path.parents:
            raise InvalidPathError('the path is not that of an upload: POST '
                                   'the file to /gradio_api/upload first')
        return str(path)


def theme() -> gr.themes.Base:
    """Return the look of the page."""
    return gr.themes.Soft(primary_hue='blue', neutral_hue='slate',
                          font=FONTS, font_mono=MONO)


def css() -> str:
    """Return what the page changes of the theme."""
    return (HERE / 'page.css').read_text('utf-8')


def make_page(answering: Answering, limits: Limits, intro: str) -> gr.Blocks:
    """Make the page and its one endpoint for programs, ``/answer``.

    Args:
        answering (Answering): Answers an upload.
        limits (Limits): Of the server.
        intro (str): Markdown below the title.
    """
    def shown(path: Optional[str]) -> Tuple:
        found = answering(path, page=True)
        return (_framed(found), found.prediction, found.files,
                gr.Column(visible=bool(found.files)))

    def answer(file: Optional[str]) -> Dict[str, Any]:
        return answering(file).prediction

    with gr.Blocks(title=TITLE, analytics_enabled=False,
                   delete_cache=(30, limits.kept)) as page:
        gr.Markdown(f'# {TITLE}\n{intro}')
        # Of any kind: Gradio's own refusal would not say what is taken.
        upload = Upload(label='Drop a clip here', height=150)
        shows = gr.HTML(js_on_load=(HERE / 'page.js').read_text('utf-8'),
                        elem_classes='answers')
        with gr.Column(visible=False) as more:
            files = gr.Files(label='Downloads', interactive=False,
                             elem_classes='downloads')
            with gr.Accordion('JSON', open=False):
                told = gr.JSON(show_label=False)
        outputs = [shows, told, files, more]
        # The page and the API share the model: one at a time.
        one = dict(concurrency_id='model', concurrency_limit=1)
        upload.upload(shown, upload, outputs, api_visibility='private', **one)
        upload.clear(lambda: ('', None, None, gr.Column(visible=False)), None,
                     outputs, api_visibility='private', queue=False)
        gr.Button(visible=False).click(answer, upload, told,
                                       api_name='answer', **one)
    page.queue(max_size=limits.waiting, default_concurrency_limit=1,
               api_open=False)
    # Answers that nobody fetches; Gradio keeps 2000.
    page._queue.pending_messages_per_session.max_size = SESSIONS
    return page


def _framed(found: Answered) -> str:
    if not found.page:
        return f'<p>{escape(found.prediction.get("error", ""))}</p>'
    return FRAME.format(escape(found.page))
