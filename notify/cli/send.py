"""`notify send`: one notification, as the API would accept it."""

import json
from pathlib import Path
from typing import Any

import click

from notify.cli.options import composed, data_dir_option
from notify.domain.catalogue import LOCALES, Channel
from notify.domain.errors import InvalidRequestError
from notify.domain.requests import Idempotency, Lane
from notify.web.api.bodies import parsed
from notify.web.api.catalogue import identifiers_in
from notify.web.api.models import Notification
from notify.web.api.parsing import guarded, notification_request


@click.command()
@click.argument("template")
@click.option(
    "--recipient", "recipient_id", required=True, metavar="ID", help="The shop's own id of the person."
)
@click.option("--email")
@click.option("--phone", help="With its country's prefix, or give --country.")
@click.option("--name")
@click.option("--locale", type=click.Choice(LOCALES))
@click.option("--country", help="Two letters, as SN.")
@click.option("--data", default="{}", metavar="JSON", help="What the template needs.")
@click.option("--channel", "channels", multiple=True, type=click.Choice([c.value for c in Channel]))
@click.option("--reference", help="The shop's word for what it is about, as order-99812.")
@click.option("--idempotency-key", help="Sent once, however often this is repeated.")
@click.option("--test", is_flag=True, help="The messages end in the outbox.")
@data_dir_option
def send(
    *,
    template: str,
    recipient_id: str,
    data: str,
    channels: tuple[str, ...],
    reference: str | None,
    idempotency_key: str | None,
    data_dir: Path | None,
    test: bool,
    **profile: str | None,
) -> None:
    """Send one notification of TEMPLATE, and print what became of it as JSON."""
    try:
        values = json.loads(data)
    except ValueError as error:
        raise click.BadParameter(f"is not JSON ({error})", param_hint="--data") from None
    asked: dict[str, Any] = {
        "template": template,
        "recipient": {"id": recipient_id, **{name: value for name, value in profile.items() if value}},
        "data": values,
        "channels": list(channels) or None,
        "reference": reference,
    }
    raw = json.dumps({name: value for name, value in asked.items() if value is not None}).encode()
    idempotency = Idempotency(idempotency_key, raw) if idempotency_key else None
    with composed(data_dir, begins=True) as composition:
        body = parsed(raw)
        given = guarded(Notification, body, identifiers_in(composition.templates, body.value))
        (result,) = composition.accept_notifications(
            [notification_request(given)], lane=Lane.URGENT, idempotency=idempotency, test=test
        )
    if isinstance(result, InvalidRequestError):
        raise result
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))
