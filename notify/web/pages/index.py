"""The front page: what this is, and where to go."""

from flask import Blueprint, Response

from notify.web.pages.languages import OTHER, language
from notify.web.pages.rendering import Pages, finish, in_language


def index_blueprint(pages: Pages, *, outbox: bool) -> Blueprint:
    """Return `/`; `outbox` says whether there is one to point to."""
    blueprint = Blueprint("index", __name__)

    def index() -> Response:
        locale = language()
        return pages.respond("index", locale, switch=in_language("index", OTHER[locale]), has_outbox=outbox)

    blueprint.add_url_rule("/", "index", index, methods=["GET"])
    blueprint.after_request(finish)
    return blueprint
