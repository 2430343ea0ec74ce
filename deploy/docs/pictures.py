"""`python -m deploy.docs.pictures` draws docs/pictures anew: the demo while it runs, an alert, the model's report."""

from __future__ import annotations

import io
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from deploy.docs.alert_picture import alert_picture
from deploy.docs.report_pictures import report_pictures
from deploy.docs.transcript import ROOT
from roompulse.local_server import free_port
from watch.child import GuardedFolder
from watch.demo import USUAL_METRICS_PORT, WARM_UP_MINUTES
from watch.demo_screen import Standing, screen
from watch.glyphs import UNICODE
from watch.live_pipeline import LivePipeline
from watch.overview import Overview
from watch.pipeline import Plan

WIDTH, HEIGHT = 116, 34
SPEED, SHOWN_AFTER_MINUTES = 60.0, 58


def demo_picture() -> str:
    """What `make demo` shows after a while, as SVG: real servers, a real scorer, the demo's own screen."""
    overview = Overview()
    with ExitStack() as stack:
        folder = stack.enter_context(GuardedFolder(Path(tempfile.mkdtemp(prefix="roompulse-picture-")), keep=False))
        plan = Plan(rooms=200, seed=1, speed=SPEED, minutes=None, metrics_port=free_port())
        pipeline = LivePipeline(stack, folder, plan, lambda line: None, lambda: None)
        while len(overview.forecast_minutes) < SHOWN_AFTER_MINUTES:
            overview.take(pipeline.feed.poll(0.2), time.time())
        standing = Standing(SPEED, WARM_UP_MINUTES, f"http://127.0.0.1:{USUAL_METRICS_PORT}/metrics", time.time())
        console = Console(
            record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        console.print(screen(overview, standing, UNICODE, WIDTH, HEIGHT))
    return console.export_svg(title="make demo", code_format=_without_web_fonts(CONSOLE_SVG_FORMAT), unique_id="demo")


def _without_web_fonts(frame: str) -> str:
    """The frame that rich draws fetches its font from elsewhere; the reader's own fixed-width font will do."""
    first, *_, last = frame.split("@font-face")
    fixed_width = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre"
    kept = (first + last.split("}}", 1)[1]).replace("Fira Code, monospace", fixed_width)
    return kept.replace("<svg ", '<svg xml:space="preserve" ', 1)


if __name__ == "__main__":
    for name, picture in {"demo": demo_picture(), "alert": alert_picture(), **report_pictures()}.items():
        (ROOT / "docs" / "pictures" / f"{name}.svg").write_text(picture, encoding="utf-8")
