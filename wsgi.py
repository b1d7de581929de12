"""The web process: `app` is what a WSGI server serves."""

import gc

from setproctitle import setproctitle

from notify.app import create_app
from notify.bootstrap import build
from notify.logs import configure_logs
from notify.settings import load_settings

setproctitle("notify: web")
configure_logs("web")
_settings = load_settings()
_composition = build(_settings, "web")
app = create_app(_composition)
gc.freeze()  # all of it stays: collections need not look at it again while requests are served
if _settings.metrics_port is not None:
    _composition.exposition.serve(_settings.metrics_port)
