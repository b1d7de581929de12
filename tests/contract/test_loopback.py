"""The loopback providers by themselves, as the README's demonstration starts them."""

import json
import subprocess
import sys

from notify.domain.outcome import Accepted
from notify.providers.sendgrid import SendGridProvider
from notify.providers.twilio import TwilioProvider
from tests.contract.outgoing import an_email, an_sms
from tests.ports import free_port


def test_it_prints_each_call_as_a_line_of_json() -> None:
    sendgrid, twilio = free_port(), free_port()
    command = [
        sys.executable,
        "-m",
        "tests.loopback",
        "--sendgrid-port",
        str(sendgrid),
        "--twilio-port",
        str(twilio),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert [process.stderr.readline().split(":")[0] for _ in range(2)] == [
            "SendGridLoopback",
            "TwilioLoopback",
        ]
        email, sms = (
            SendGridProvider("SG.key", f"http://127.0.0.1:{sendgrid}"),
            TwilioProvider("AC1", "token", f"http://127.0.0.1:{twilio}"),
        )
        assert isinstance(email.send([an_email(1)])[0], Accepted)
        assert isinstance(sms.send([an_sms(1)])[0], Accepted)
        email.close()
        sms.close()
        process.terminate()
        printed, _ = process.communicate(timeout=10)
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [(line["provider"], line["status"]) for line in lines] == [("sendgrid", 202), ("twilio", 201)]
    assert lines[0]["body"]["personalizations"][0]["to"] == [{"email": "awa1@example.com"}]
    assert lines[1]["body"]["To"] == an_sms(1).to
